"""How published scores turned out: each score as it was first stored, against its label once that has matured."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts.models import HOW, MODEL_VERSIONS, PERFORMANCE
from veririsk_assets.contracts.monitoring import SHADOW_SCORES
from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.vocabulary import HEURISTIC
from veririsk_assets.contracts.windows import HOUR, Window, naive, utc
from veririsk_assets.monitoring.performance import is_below_promise, measure
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.learning.training_rows import sampled
from veririsk_assets.pipeline.step import House, StepResult

# What a score first said is read from the lake's past, which is kept for 30 days.
JUDGED_DAYS = 28
# Above this many scores of a horizon, every 4th hour of each entity is enough.
MANY_ROWS = 2_000_000
VERSION = ["model_name", "model_version"]
PROMISES = {"validation_brier_skill": "brier_skill", "validation_high_precision": "high_row_precision"}


def judge_scores(house: House, system: System, as_of: datetime) -> StepResult:
    """monitoring/performance of a system as of one instant: every version that served or ran in shadow in the last 28 days."""
    window = Window.ending(as_of, JUDGED_DAYS * 24)
    rows = []
    for horizon in system.horizons:
        for how in HOW:
            turned_out = outcomes(house, system, window, horizon, how)
            for version, part in turned_out.groupby(VERSION):
                rows.append(_row(house, system, horizon, how, version, part) | {"as_of": pd.Timestamp(naive(as_of)), "system": system.name})
    result = pd.DataFrame(rows, columns=PERFORMANCE.names)
    result["is_below_promise"] = result["is_below_promise"].astype("boolean")
    written = house.lake.replace(PERFORMANCE, result, Window.ending(as_of), system.name)
    below = [f"version {r.model_version}, {r.horizon_hours} h" for r in result.itertuples() if r.is_below_promise is True]
    exact = (
        "every rewrite is known" if is_past_kept(house, window) else "scores first stored before the lake's oldest snapshot may be rewrites"
    )
    return StepResult.of(written, below_promise=", ".join(below) or "none", published=exact)


def _row(house: House, system: System, horizon: int, how: str, version: Any, rows: pd.DataFrame) -> dict[str, Any]:
    name, number = str(version[0]), str(version[1])
    label = rows["label"].to_numpy(dtype=np.float64)
    as_of = rows["as_of"].to_numpy(dtype="datetime64[us]")
    probability = rows["probability"].to_numpy(dtype=np.float64, na_value=np.nan)
    score = rows["risk_score"].to_numpy(dtype=np.float64)
    # Two probabilities beyond the map's end share a score of 100.
    ranks = score if np.isnan(probability).any() else probability
    measured = measure(label, ranks, probability, (rows["risk_level"] == "HIGH").to_numpy(), as_of)
    promised = promise(house, system, horizon, name, number)
    late = rows["scored_at"] > rows["as_of"] + timedelta(hours=horizon)
    return {
        "horizon_hours": horizon, "model_name": name, "model_version": number, "how": how,
        "scores_from": rows["as_of"].min(), "scores_to": rows["as_of"].max(), "rows_count": len(rows), "events_count": int(label.sum()),
        "late_ratio": float(late.mean()), **measured, **promised,
        "is_below_promise": is_below_promise(measured, promised["validation_ap_low"], promised["validation_base_rate_ratio"]),
    }  # fmt: skip


def promise(house: House, system: System, horizon: int, name: str, version: str) -> dict[str, float]:
    """What the version's validation said; all NaN for the rule."""
    names = ("validation_base_rate_ratio", "validation_ap", "validation_ap_low", "validation_auc", "validation_ece", *PROMISES)
    none = dict.fromkeys(names, np.nan)
    known = house.lake.read(MODEL_VERSIONS, where=f"{champions.OF_HORIZON} AND version = ?", parameters=[system.name, horizon, version])
    if name == HEURISTIC or known.empty:
        return none
    row = known.iloc[-1]
    served = champions.load(house.settings, system, horizon, version)
    metrics, known_within = ((served.metadata if served else {}).get(about, {}) for about in ("metrics", "intervals"))
    stored = {n: float(row[n]) for n in ("validation_ap", "validation_auc", "validation_ece")}
    return (
        none
        | stored
        | {"validation_base_rate_ratio": float(row["base_rate_ratio"])}
        | {"validation_ap_low": _number(known_within.get("validation_ap", {}).get("lo"))}
        | {n: _number(metrics.get(m)) for n, m in PROMISES.items()}
    )


def _number(value: Any) -> float:
    return np.nan if value is None else float(value)


def outcomes(house: House, system: System, window: Window, horizon: int, how: str = "served") -> pd.DataFrame:
    """Scores of the window whose label had matured by its end: as_of, entity_key, version, score, label, scored_at."""
    is_served = how == "served"
    table, key = (system.scores, system.key) if is_served else (SHADOW_SCORES, "entity_key")
    condition = _of_window(window, horizon) + ("" if is_served else f" AND system = '{system.name}'")
    if house.lake.sql(f"SELECT count(*) AS n FROM lake.{table.sql_name} WHERE {condition}")["n"].iloc[0] > MANY_ROWS:
        condition += f" AND {sampled(system, key)}"
    source = first_published(house, system, condition) if is_served else f"SELECT * FROM lake.{table.sql_name} WHERE {condition}"
    query = (
        f"SELECT s.as_of, s.{key} AS entity_key, s.model_name, s.model_version, s.risk_score, s.risk_level, s.probability, s.scored_at, "
        f"l.{system.label} AS label FROM ({source}) s JOIN lake.{system.labels.sql_name} l "
        f"ON s.as_of = l.as_of AND s.{key} = l.{system.key} AND s.horizon_hours = l.horizon_hours "
        f"WHERE s.risk_score IS NOT NULL AND l.{system.label} IS NOT NULL AND l.matured_at <= ? ORDER BY s.as_of, s.{key}"
    )
    return house.lake.sql(query, [naive(window.end)])


def _of_window(window: Window, horizon: int) -> str:
    start, end = (naive(edge).isoformat(sep=" ") for edge in (window.start, window.end))
    return f"as_of > TIMESTAMP '{start}' AND as_of <= TIMESTAMP '{end}' AND horizon_hours = {horizon}"


def first_published(house: House, system: System, condition: str) -> str:
    """The query of the scores that `condition` selects, each as it was first stored, read from the lake's own past.

    A score that was stored before the oldest kept snapshot is taken as it stands now.
    """
    table = system.scores
    oldest, newest = _kept(house)
    names = ", ".join(table.names)
    inserted = f"ducklake_table_insertions('lake', '{table.stage}', '{table.name}', {oldest}, {newest})"
    key = ", ".join(table.key)
    return (
        f"SELECT {names} FROM (SELECT {names}, snapshot_id FROM {inserted} WHERE {condition} "
        f"UNION ALL BY NAME SELECT {names}, {newest + 1} AS snapshot_id FROM lake.{table.sql_name} WHERE {condition}) "
        f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY snapshot_id) = 1"
    )


def _kept(house: House) -> tuple[int, int]:
    span = house.lake.sql("SELECT min(snapshot_id) AS oldest, max(snapshot_id) AS newest FROM ducklake_snapshots('lake')").iloc[0]
    return int(span["oldest"]), int(span["newest"])


def is_past_kept(house: House, window: Window) -> bool:
    """Whether no score of the window can have been stored before the lake's oldest snapshot."""
    oldest = house.lake.sql(
        "SELECT snapshot_id, snapshot_time::TIMESTAMP AS made_at FROM ducklake_snapshots('lake') ORDER BY snapshot_id LIMIT 1"
    ).iloc[0]
    return bool(oldest["snapshot_id"] == 0 or utc(oldest["made_at"].to_pydatetime()) <= window.start + HOUR)
