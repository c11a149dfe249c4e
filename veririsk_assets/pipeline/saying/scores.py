"""Features → scores: what is said of every entity at each instant, by the version that serves it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.pipeline.known.instants import serving_hour
from veririsk_assets.pipeline.learning import champions, recalibration
from veririsk_assets.pipeline.step import House, StepResult
from veririsk_assets.scoring.score import score
from veririsk_assets.scoring.status import AGED_HOURS, AGED_HOURS_RECORDED, Facts

PULLED = "CAST(row_json->>'pulled_at' AS TIMESTAMP)"


@dataclass(frozen=True)
class Inputs:
    """`rows`: every entity on the grid, with its features where there are any; `doubts` by as_of, `refused` by as_of and source; `days`: shift and thresholds by version."""

    rows: pd.DataFrame
    doubts: pd.Series
    refused: pd.Series
    days: pd.DataFrame


def store_scores(house: House, system: System, window: Window) -> StepResult:
    """The system's scores: every entity on the grid, each horizon by the version that serves it then."""
    snapshot_id, names = house.lake.snapshot_id(), system.scores.names
    inputs = read_inputs(house, system, window)
    frames = [
        frame
        for horizon in system.horizons
        for version, part in champions.by_version(house, system, inputs.rows, horizon)
        for frame in scored(house, system, inputs, part, horizon, version)
    ]
    result = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=names)
    result = result.assign(scored_at=pd.Timestamp(naive(house.now())), lake_snapshot_id=snapshot_id)
    written = house.lake.replace(system.scores, result[names], window)
    counts = {name: result[name].value_counts().to_dict() for name in ("risk_level", "status", "model_version")}
    return StepResult.of(written, **counts, source_problems=sorted(set(inputs.doubts[inputs.doubts != ""])))


def grid_columns(system: System) -> list[str]:
    """Of a snapshot: what a score is about, and what is known against it."""
    return ["as_of", system.key, system.measure, "input_age_hours", "is_tombstone", "source", "doubt"]


def read_inputs(house: House, system: System, window: Window) -> Inputs:
    """Every snapshot row of the window, and what is known against them."""
    grid = house.lake.read(system.snapshots, window, grid_columns(system))
    features = house.lake.read(system.features, window)
    days = recalibration.known_days(house, system, window)
    return Inputs(on_grid(system, grid, features), source_doubts(house, system, window), refused_ratio(house, system, window), days)


def on_grid(system: System, grid: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """Snapshot rows beside their features; the age of the input is the snapshot's, and so is the measure."""
    known = features.drop(columns=[name for name in ("input_age_hours", system.measure) if name in features])
    return grid[grid_columns(system)].merge(known, on=["as_of", system.key], how="left")


def scored(house: House, system: System, inputs: Inputs, rows: pd.DataFrame, horizon: int, version: str) -> Iterator[pd.DataFrame]:
    """Scores of the rows (some of the inputs' own) by one version, without scored_at and lake_snapshot_id; a frame per set of source problems.

    Where a level begins depends on all entities of the hour, so all of them are scored.
    """
    served = champions.load(house.settings, system, horizon, version)
    everyone = inputs.rows[inputs.rows["as_of"].isin(rows["as_of"])]
    for problem, part in _by_doubt(everyone, inputs.doubts):
        facts = _facts(house, system, part, inputs.refused, problem)
        day = recalibration.day_at(inputs.days, horizon, version, part["as_of"])
        said = part[["as_of", system.key]].assign(**score(part, served, facts, horizon, system.causes, day))
        yield said[said.index.isin(rows.index)]


def _by_doubt(rows: pd.DataFrame, doubts: pd.Series) -> Iterator[tuple[str, pd.DataFrame]]:
    problem = doubts.reindex(rows["as_of"]).fillna("").to_numpy()
    for value in np.unique(problem.astype(str)):
        yield str(value), rows[problem == value]


def _facts(house: House, system: System, rows: pd.DataFrame, refused: pd.Series, problem: str) -> Facts:
    return Facts(
        value=rows[system.measure].to_numpy(),
        input_age_hours=rows["input_age_hours"].to_numpy(),
        age_hours=rows["age_hours"].to_numpy(),
        is_tombstone=rows["is_tombstone"].to_numpy(dtype=bool),
        early_warning_score=rows["early_warning_score"].to_numpy(),
        measure=system.measure,
        words=(system.singular, system.measured),
        quarantine_share=refused.reindex(pd.MultiIndex.from_frame(rows[["as_of", "source"]])).fillna(0.0).to_numpy(),
        doubt=rows["doubt"].fillna("").to_numpy(dtype=object),
        source_problems=(problem,) if problem else (),
        min_history_hours=system.min_history_hours,
        aged_hours=AGED_HOURS_RECORDED if house.settings.source == "recorded" else AGED_HOURS,
    )


def source_doubts(house: House, system: System, window: Window, tried_by: datetime | None = None) -> pd.Series:
    """Per as_of, which of the system's needed endpoints failed; empty if none did. `tried_by` leaves out later pulls."""
    before = f" AND pulled_at <= TIMESTAMP '{naive(tried_by).isoformat(sep=' ')}'" if tried_by else ""
    outcomes = "'failed', 'partial', 'over_budget', 'plan_only', 'pulled'"
    # Evidence that is silent is a null column, which the features show.
    needed = ", ".join(f"'{table.name}'" for table in system.needed)
    where = f"outcome IN ({outcomes}) AND endpoint IN ({needed}){before}"
    tried = house.lake.read(raw.SOURCE_STATUS, window, ["as_of", "endpoint", "outcome"], where=where)
    is_pulled = tried["outcome"] == "pulled"
    failed, answered = tried[~is_pulled], tried.loc[is_pulled, ["as_of", "endpoint"]]
    # A later pull of the same hour heals the failure.
    healed = pd.MultiIndex.from_frame(failed[["as_of", "endpoint"]]).isin(pd.MultiIndex.from_frame(answered))
    failed = failed[~healed]
    words = failed["endpoint"] + " " + failed["outcome"].str.replace("_", " ")
    joined = {as_of: "; ".join(sorted(set(said))) for as_of, said in words.groupby(failed["as_of"])}
    instants = pd.DatetimeIndex(window.as_ofs)
    return pd.Series([joined.get(as_of, "") for as_of in instants], index=instants, dtype=object)


def refused_ratio(house: House, system: System, window: Window, tried_by: datetime | None = None) -> pd.Series:
    """By as_of and source, the share of a source's rows that lost what the entity is measured by. `tried_by` leaves out later refusals."""
    before = f" AND quarantined_at <= TIMESTAMP '{naive(tried_by).isoformat(sep=' ')}'" if tried_by else ""
    bounds = [naive(window.start), naive(window.end + HOUR)]
    parts = []
    for table in system.named_by:
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
        index = pd.MultiIndex.from_product([share.index, [raw.provider_of(table)]], names=["as_of", "source"])
        parts.append(pd.Series(share.to_numpy(), index=index))
    empty = pd.Series(dtype=np.float64, index=pd.MultiIndex.from_arrays([[], []], names=["as_of", "source"]))
    return pd.concat(parts) if parts else empty
