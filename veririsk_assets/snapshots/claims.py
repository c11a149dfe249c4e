"""Whether a pool can be as large as its source says: no pool holds more than the protocol that it belongs to."""

import numpy as np
import pandas as pd

from veririsk_assets.contracts.windows import Window
from veririsk_assets.panels.as_of import as_of_fill

MAX_AGE_HOURS = 6.0
# The largest of a day: a protocol whose own total fails for an hour must not make liars of its pools.
HELD_HOURS = 24
# The two are read at different minutes, and a protocol's total rounds.
TOLERANCE = 1.25


def held_by_protocol(protocols: pd.DataFrame | None, slugs: pd.Series, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """What the protocol of each pool holds, and the most of the last 24 hours; hours × pools, NaN where that is not known.

    `protocols`: rows of raw/defillama_protocols; `slugs`: the protocol of each pool, in the order of the columns.
    """
    shape = (window.hours, len(slugs))
    if protocols is None or not len(protocols):
        return np.full(shape, np.nan), np.full(shape, np.nan)
    names, place = np.unique(slugs.fillna("?").str.replace("_", "-").to_numpy(dtype=str), return_inverse=True)
    rows = protocols[protocols["slug"].isin(names)]
    codes = np.searchsorted(names, rows["slug"].to_numpy(dtype=str))
    grid = window.lookback(HELD_HOURS)
    stamps = rows["available_at"].to_numpy(dtype="datetime64[us]")
    index, _ = as_of_fill(stamps, stamps, codes.astype(np.int64), grid, np.arange(len(names)), MAX_AGE_HOURS)
    held = rows["held_usd"].fillna(rows["tvl_usd"]).to_numpy(dtype=np.float64)
    now = np.where(index >= 0, held[index], np.nan) if len(held) else np.full(index.shape, np.nan)
    # A protocol that holds nothing has said nothing of its pools.
    now = np.where(now > 0, now, np.nan)
    most = now[HELD_HOURS:].copy()
    for lag in range(1, HELD_HOURS + 1):
        most = np.fmax(most, now[HELD_HOURS - lag : len(now) - lag])
    return now[HELD_HOURS:, place], most[:, place]


def claims_too_much(tvl: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Where a TVL exceeds what the protocol held."""
    with np.errstate(invalid="ignore"):
        return tvl > TOLERANCE * held
