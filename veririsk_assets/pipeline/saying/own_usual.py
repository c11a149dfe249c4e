"""What is usual for an entity itself: the ranges of its features over the 30 days before the day, one value a day."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.windows import DAY_HOURS
from veririsk_assets.pipeline.step import House
from veririsk_assets.scoring.explain import Own

DAYS, FEWEST_DAYS, TAIL = 30, 10, 0.05


def own_usual(house: House, system: System, rows: pd.DataFrame) -> Own:
    """Feature → (5 %, 95 %) of each row's entity before the row's day began; NaN where fewer than ten days are known.

    `rows` have `as_of` and the key. An entity's value of a day is that of one hour, another one for each entity.
    """
    if rows.empty:
        return {}
    day = rows["as_of"].to_numpy(dtype="datetime64[us]").astype("datetime64[D]")
    first, keys = day.min() - DAYS, np.sort(rows[system.key].unique())
    days = (day - first).astype(np.int64)
    grid = _grid(house, system, first, int(days.max()), keys)
    place = np.searchsorted(keys, rows[system.key].to_numpy())
    found = np.full((2, len(system.feature_names), len(rows)), np.nan, dtype=np.float32)
    for one in np.unique(days):
        of_day = np.flatnonzero(days == one)
        found[:, :, of_day] = _ends(grid[:, one - DAYS : one])[:, :, place[of_day]]
    return {name: (found[0, i], found[1, i]) for i, name in enumerate(system.feature_names)}


def _grid(house: House, system: System, first: np.datetime64, days: int, keys: np.ndarray) -> np.ndarray:
    """Features × days × keys, float32, NaN where nothing is stored."""
    hour_of_day = "true" if system.step_hours == DAY_HOURS else f"(epoch_us(as_of) // 3600000000 + {system.key}) % {DAY_HOURS} = 0"
    bounds = [pd.Timestamp(first).to_pydatetime(), pd.Timestamp(first + days).to_pydatetime()]
    where = f"as_of >= ? AND as_of < ? AND {hour_of_day}"
    stored = house.lake.read(system.features, columns=["as_of", system.key, *system.feature_names], where=where, parameters=bounds)
    stored = stored[stored[system.key].isin(keys)]
    day = (stored["as_of"].to_numpy(dtype="datetime64[us]").astype("datetime64[D]") - first).astype(np.int64)
    place = np.searchsorted(keys, stored[system.key].to_numpy())
    grid = np.full((len(system.feature_names), days, len(keys)), np.nan, dtype=np.float32)
    for i, name in enumerate(system.feature_names):
        grid[i, day, place] = stored[name].to_numpy(dtype=np.float32)
    return grid


def _ends(grid: np.ndarray) -> np.ndarray:
    """(low, high) × features × keys of the last days of the grid."""
    ordered = np.sort(grid, axis=1)
    known = np.isfinite(grid).sum(axis=1)
    ends = list(_picked(ordered, known))
    return np.where(known >= FEWEST_DAYS, np.stack(ends), np.nan)


def _picked(ordered: np.ndarray, known: np.ndarray) -> Iterator[np.ndarray]:
    """The values that 5 % lie below and above; NaN sorts last."""
    last = np.maximum(known - 1, 0)
    for at in (np.floor(last * TAIL), np.ceil(last * (1 - TAIL))):
        yield np.take_along_axis(ordered, at.astype(np.int64)[:, None], axis=1)[:, 0]
