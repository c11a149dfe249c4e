"""Once a day: at which probabilities a version's levels begin, so that its recent scores would have spent their budgets."""

from dataclasses import astuple
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.windows import DAY_HOURS, SAMPLED_HOURS
from veririsk_assets.models.levels import LONGEST_HOURS, RECENT_HOURS, are_few, recent
from veririsk_assets.models.score_map import choose_score_map
from veririsk_assets.pipeline.learning.training_rows import sampled
from veririsk_assets.pipeline.step import House
from veririsk_assets.scoring.status import STALE_HOURS

# So many entities say what is usual; and so many rows are held at a time.
MAX_ENTITIES, MAX_ROWS = 3_000, 250_000


def day_thresholds(house: House, system: System, served: Any, days: np.ndarray) -> np.ndarray:
    """Days × (medium, high, top) of the version, of probabilities before any shift; NaN where recent scores are too few.

    `days`: datetime64[us], ascending. Every 4th hour of entities that get a score; of very many entities a share.
    """
    entities = house.lake.sql(f"SELECT count(*) AS n FROM lake.{system.entities.sql_name}")["n"].iloc[0]
    share = -(-int(entities) // MAX_ENTITIES) or 1
    rows_a_day = int(entities) // share * DAY_HOURS // max(system.step_hours, SAMPLED_HOURS)
    count = max(MAX_ROWS // max(rows_a_day, 1), 1)
    return np.concatenate([_chunk(house, system, served, days[i : i + count], share) for i in range(0, len(days), count)])


def _chunk(house: House, system: System, served: Any, days: np.ndarray, share: int) -> np.ndarray:
    rows, day = _scored_rows(house, system, served.features, days, share, RECENT_HOURS), _hours(days)
    if are_few(day, _hours(rows["as_of"].to_numpy())):
        # Every day sees its whole month, so that it says the same whichever days are asked with it.
        rows = _scored_rows(house, system, served.features, days, share, LONGEST_HOURS)
    said = served.probability(served.margin(served.matrix(rows))) if len(rows) else np.zeros(0)
    return np.array([_thresholds(said, of) for of in recent(day, _hours(rows["as_of"].to_numpy()))])


def _hours(stamps: np.ndarray) -> np.ndarray:
    return stamps.astype("datetime64[h]").astype(np.int64)


def _thresholds(said: np.ndarray, rows: slice | None) -> tuple[float, ...]:
    return (np.nan,) * 3 if rows is None else astuple(choose_score_map(said[rows]))


def _scored_rows(house: House, system: System, features: tuple[str, ...], days: np.ndarray, share: int, back: int) -> pd.DataFrame:
    """Features of the hours before the days, in order of time: of entities that are there, heard of lately and long enough."""
    bounds = [pd.Timestamp(days[0] - np.timedelta64(back, "h")).to_pydatetime(), pd.Timestamp(days[-1]).to_pydatetime()]
    of_sample = f"as_of >= ? AND as_of < ? AND {sampled(system)} AND ({system.key} // 4) % {share} = 0"
    key = ["as_of", system.key]
    is_scored = f"NOT is_tombstone AND {system.measure} > 0 AND input_age_hours <= {STALE_HOURS}"
    grid = house.lake.read(system.snapshots, columns=key, where=f"{of_sample} AND {is_scored}", parameters=bounds)
    old = f"{of_sample} AND age_hours >= {system.min_history_hours}"
    known = house.lake.read(system.features, columns=[*key, *features], where=old, parameters=bounds)
    return known.merge(grid, on=key).sort_values(key, ignore_index=True)
