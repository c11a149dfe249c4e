"""What could be known at an hour: snapshots and features of every pool, rebuilt in memory from append-only raw rows."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from veririsk_assets.contracts import pool_features, pools, raw
from veririsk_assets.contracts.panel import Panel, to_panel
from veririsk_assets.contracts.surroundings import SURROUNDINGS
from veririsk_assets.contracts.windows import HOUR, Window, naive, utc
from veririsk_assets.features.pools import build_features
from veririsk_assets.lake.quality import check
from veririsk_assets.pipeline.pools import judged, on_grid
from veririsk_assets.pipeline.step import House
from veririsk_assets.snapshots import pools as snapshots
from veririsk_assets.snapshots.suspects import LOOKBACK_HOURS

# Snapshots are rebuilt in pieces of this length, so that a month of raw rows need not be in memory at once.
PIECE_HOURS = 168


@dataclass(frozen=True)
class Then:
    """What could be known at an hour: snapshot rows and features of every pool."""

    grid: pd.DataFrame
    features: pd.DataFrame
    remarks: list[str]


def known_then(house: House, window: Window) -> Then:
    """Snapshots and features of one hour, from raw rows with `available_at` up to its cut-off."""
    back = window.lookback(pool_features.LOOKBACK_HOURS)
    hourly, surroundings = _snapshots(house, back)
    panel = to_panel(hourly, "pool_key", list(pool_features.INPUTS), back, np.unique(hourly["pool_key"].to_numpy(dtype=np.int64)))
    market = to_panel(surroundings.assign(key=0), "key", list(pool_features.SURROUNDING_INPUTS), back, np.array([0]))
    return Then(hourly[hourly["as_of"] == naive(window.as_of)], _features(panel, market), _shortness(house, back))


def _snapshots(house: House, back: Window) -> tuple[pd.DataFrame, pd.DataFrame]:
    hourly = pd.DataFrame(columns=pools.POOL_SNAPSHOTS.names)
    surroundings = pd.DataFrame(columns=SURROUNDINGS.names)
    for piece in back.chunks(PIECE_HOURS):
        built = on_grid(house, piece)
        begin = pd.Timestamp(naive(piece.lookback(piece.hours + LOOKBACK_HOURS).start))
        rows = judged(built.hourly, built.surroundings, hourly[hourly["as_of"] > begin], surroundings[surroundings["as_of"] > begin], piece)
        hourly = _joined(hourly, check(pools.POOL_SNAPSHOTS, rows).rows)
        surroundings = _joined(surroundings, check(SURROUNDINGS, built.surroundings).rows)
    return hourly, surroundings


def _joined(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([first, second], ignore_index=True) if len(first) else second


def _features(panel: Panel, market: Panel) -> pd.DataFrame:
    built = build_features(panel, market, 1)
    return check(pools.POOL_FEATURES, built.frame("pool_key", ~np.isnan(panel["tvl_usd"][-1:]))).rows


def first_pull(house: House) -> datetime | None:
    firsts = [house.lake.sql(f"SELECT min(pulled_at) AS first FROM lake.{table.sql_name}")["first"].iloc[0] for table in raw.FEEDS]
    known = [first for first in firsts if first == first]
    return utc(min(known).to_pydatetime()) if known else None


def _shortness(house: House, back: Window) -> list[str]:
    """A word where raw history does not reach as far back as the features look."""
    first, wanted = first_pull(house), back.start - snapshots.LOOKBACK_HOURS * HOUR
    if first is None or first <= wanted + 2 * HOUR:
        return []
    missing = round((first - wanted) / HOUR)
    total = round((back.end - wanted) / HOUR)
    return [f"raw history begins {first:%Y-%m-%d %H:%M}: {missing} of the {total} hours that a score looks back on are not there"]
