"""Pools by the hour, what is said: features → scores → explanations."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from veririsk_assets.contracts import pools, raw, systems
from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.vocabulary import CAUSES, HEURISTIC, HORIZONS
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.pipeline import champions, recalibration
from veririsk_assets.pipeline.said import LISTS, serving_hour
from veririsk_assets.pipeline.step import House, StepResult
from veririsk_assets.scoring import explain as reasons
from veririsk_assets.scoring.score import CAUSE_PROBABILITIES, score
from veririsk_assets.scoring.status import AGED_HOURS, AGED_HOURS_RECORDED, Facts

HOUR_AND_POOL = ["as_of", "pool_key"]
PULLED = "CAST(row_json->>'pulled_at' AS TIMESTAMP)"
GRID_COLUMNS = [*HOUR_AND_POOL, "tvl_usd", "input_age_hours", "is_tombstone", "source", "doubt"]


@dataclass(frozen=True)
class Inputs:
    """`rows`: every pool on the grid, with its features where there are any; `doubts` by as_of, `refused` by as_of and source; `shifts` by version."""

    rows: pd.DataFrame
    doubts: pd.Series
    refused: pd.Series
    shifts: pd.DataFrame


def hourly_pool_scores(house: House, window: Window) -> StepResult:
    """scores/hourly_pools: every pool on the grid, each horizon by the version that serves its hour."""
    snapshot_id = house.lake.snapshot_id()
    inputs = read_inputs(house, systems.POOLS, window)
    frames = [
        frame
        for horizon in HORIZONS
        for version, part in champions.by_version(house, systems.POOLS, inputs.rows, horizon)
        for frame in scored(house, systems.POOLS, inputs, part, horizon, version)
    ]
    empty = pd.DataFrame(columns=pools.POOL_SCORES.names)
    result = pd.concat(frames, ignore_index=True) if frames else empty
    result = result.assign(scored_at=pd.Timestamp(naive(house.now())), lake_snapshot_id=snapshot_id)
    written = house.lake.replace(pools.POOL_SCORES, result[pools.POOL_SCORES.names], window)
    counts = {name: result[name].value_counts().to_dict() for name in ("risk_level", "status", "model_version")}
    return StepResult.of(written, **counts, source_problems=sorted(set(inputs.doubts[inputs.doubts != ""])))


def read_inputs(house: House, system: System, window: Window) -> Inputs:
    """Every snapshot row of the window, and what is known against them."""
    grid = house.lake.read(pools.POOL_SNAPSHOTS, window, GRID_COLUMNS)
    features = house.lake.read(pools.POOL_FEATURES, window)
    shifts = recalibration.known_shifts(house, system, window)
    return Inputs(on_grid(grid, features), source_doubts(house, window), refused_ratio(house, window), shifts)


def on_grid(grid: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """Snapshot rows beside their features; the age of the input is the snapshot's."""
    return grid[GRID_COLUMNS].merge(features.drop(columns="input_age_hours"), on=HOUR_AND_POOL, how="left")


def scored(house: House, system: System, inputs: Inputs, rows: pd.DataFrame, horizon: int, version: str) -> Iterator[pd.DataFrame]:
    """Scores of the rows by one version, without scored_at and lake_snapshot_id; a frame per set of source problems."""
    served = champions.load(house.settings, system, horizon, version)
    for problem, part in _by_doubt(rows, inputs.doubts):
        facts = _facts(house, part, inputs.refused, problem)
        shift = recalibration.shift_at(inputs.shifts, horizon, version, part["as_of"])
        yield part[HOUR_AND_POOL].assign(**score(part, served, facts, horizon, shift))


def _by_doubt(rows: pd.DataFrame, doubts: pd.Series) -> Iterator[tuple[str, pd.DataFrame]]:
    problem = doubts.reindex(rows["as_of"]).fillna("").to_numpy()
    for value in np.unique(problem.astype(str)):
        yield str(value), rows[problem == value]


def _facts(house: House, rows: pd.DataFrame, refused: pd.Series, problem: str) -> Facts:
    return Facts(
        tvl_usd=rows["tvl_usd"].to_numpy(),
        input_age_hours=rows["input_age_hours"].to_numpy(),
        age_hours=rows["age_hours"].to_numpy(),
        is_tombstone=rows["is_tombstone"].to_numpy(dtype=bool),
        early_warning_score=rows["early_warning_score"].to_numpy(),
        quarantine_share=refused.reindex(pd.MultiIndex.from_frame(rows[["as_of", "source"]])).fillna(0.0).to_numpy(),
        doubt=rows["doubt"].fillna("").to_numpy(dtype=object),
        source_problems=(problem,) if problem else (),
        aged_hours=AGED_HOURS_RECORDED if house.settings.source == "recorded" else AGED_HOURS,
    )


def source_doubts(house: House, window: Window, tried_by: datetime | None = None) -> pd.Series:
    """Per as_of, which endpoints failed; empty if none did. `tried_by` leaves out later pulls."""
    before = f" AND pulled_at <= TIMESTAMP '{naive(tried_by).isoformat(sep=' ')}'" if tried_by else ""
    outcomes = "'failed', 'partial', 'over_budget', 'plan_only', 'pulled'"
    tried = house.lake.read(raw.SOURCE_STATUS, window, ["as_of", "endpoint", "outcome"], where=f"outcome IN ({outcomes}){before}")
    # Evidence that is silent is a null column, which the features show.
    tried = tried[~tried["endpoint"].isin([table.name for table in raw.EVIDENCE])]
    is_pulled = tried["outcome"] == "pulled"
    failed, answered = tried[~is_pulled], tried.loc[is_pulled, ["as_of", "endpoint"]]
    # A later pull of the same hour heals the failure.
    healed = pd.MultiIndex.from_frame(failed[["as_of", "endpoint"]]).isin(pd.MultiIndex.from_frame(answered))
    failed = failed[~healed]
    words = failed["endpoint"] + " " + failed["outcome"].str.replace("_", " ")
    joined = {as_of: "; ".join(sorted(set(said))) for as_of, said in words.groupby(failed["as_of"])}
    return pd.Series(
        [joined.get(as_of, "") for as_of in pd.DatetimeIndex(window.as_ofs)], index=pd.DatetimeIndex(window.as_ofs), dtype=object
    )


def refused_ratio(house: House, window: Window, tried_by: datetime | None = None) -> pd.Series:
    """By as_of and source, the share of a source's rows that lost what the pool is measured by. `tried_by` leaves out later refusals."""
    before = f" AND quarantined_at <= TIMESTAMP '{naive(tried_by).isoformat(sep=' ')}'" if tried_by else ""
    parts = []
    for source, (table, _, _) in LISTS.items():
        bounds = [naive(window.start), naive(window.end + HOUR)]
        needed = ", ".join(f"'{name}'" for name in sorted(table.needed))
        refused = house.lake.sql(
            f"SELECT {serving_hour(PULLED)} AS as_of, count(DISTINCT row_json) AS n FROM lake.monitoring.quarantine WHERE table_name = ? "
            f"AND column_name IN ({needed}) AND {PULLED} > ? AND {PULLED} <= ?{before} GROUP BY 1",
            [table.sql_name, *bounds],
        ).set_index("as_of")["n"]
        if refused.empty:
            continue
        stored = house.lake.sql(
            f"SELECT {serving_hour('pulled_at')} AS as_of, count(*) AS n FROM lake.{table.sql_name} WHERE pulled_at > ? AND pulled_at <= ? GROUP BY 1",
            bounds,
        ).set_index("as_of")["n"]
        share = refused / np.maximum(stored.reindex(refused.index).fillna(0.0), refused)
        parts.append(pd.Series(share.to_numpy(), index=pd.MultiIndex.from_product([share.index, [source]], names=["as_of", "source"])))
    empty = pd.Series(dtype=np.float64, index=pd.MultiIndex.from_arrays([[], []], names=["as_of", "source"]))
    return pd.concat(parts) if parts else empty


def hourly_pool_explanations(house: House, window: Window) -> StepResult:
    """explanations/hourly_pools: the five strongest reasons of every score there is, and three of each of its causes."""
    scores = house.lake.read(pools.POOL_SCORES, window, where="risk_score IS NOT NULL")
    features = house.lake.read(pools.POOL_FEATURES, window)
    frames = []
    for (horizon, name, version), part in scores.groupby(["horizon_hours", "model_name", "model_version"]):
        rows = part[[*HOUR_AND_POOL, "margin", *CAUSE_PROBABILITIES]].merge(features, on=HOUR_AND_POOL, how="left")
        served = None if name == HEURISTIC else champions.load(house.settings, systems.POOLS, int(horizon), str(version))
        for columns in _explained(rows, served, int(horizon)):
            said = pd.DataFrame(columns)
            frames.append(said.assign(**{key: rows[key].to_numpy()[said["row"]] for key in HOUR_AND_POOL}))
    result = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=pools.POOL_EXPLANATIONS.names)
    return StepResult.of(house.lake.replace(pools.POOL_EXPLANATIONS, result[pools.POOL_EXPLANATIONS.names], window))


def _explained(rows: pd.DataFrame, served: reasons.Served | None, horizon: int) -> Iterator[dict[str, np.ndarray]]:
    """Columns of explanations/hourly_pools: of the crash, then of each cause that has a probability."""
    from veririsk_assets.features.early_warning import terms

    if served is not None:
        yield reasons.explain(rows, served, rows["margin"].to_numpy(), horizon)
        for cause, column in zip(CAUSES, CAUSE_PROBABILITIES, strict=True):
            if served.heads is not None and rows[column].notna().any():
                yield reasons.explain_cause(rows, served.heads, cause, rows[column].to_numpy(), horizon)
        return
    columns = {name: rows[name].to_numpy(dtype=np.float64) for name in rows if name not in HOUR_AND_POOL}
    yield reasons.explain_rule(terms(columns), columns, rows["margin"].to_numpy(), horizon)
