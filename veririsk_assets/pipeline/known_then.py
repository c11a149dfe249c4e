"""What could be known at an hour: snapshots and features of every pool, rebuilt in memory from append-only raw rows."""

import json
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from veririsk_assets.contracts import pool_features, pools, raw
from veririsk_assets.contracts.panel import Panel, to_panel
from veririsk_assets.contracts.windows import HOUR, Window, naive, utc
from veririsk_assets.features.pools import build_features
from veririsk_assets.lake.quality import check
from veririsk_assets.pipeline.crosswalk import crosswalk
from veririsk_assets.pipeline.step import House
from veririsk_assets.snapshots import pools as snapshots

# Snapshots are rebuilt in pieces of this length, so that a month of raw rows need not be in memory at once.
PIECE_HOURS = 168


@dataclass(frozen=True)
class Then:
    """What could be known at an hour: snapshot rows and features of every pool, and the share of rows refused."""

    grid: pd.DataFrame
    features: pd.DataFrame
    refused_ratio: float
    remarks: list[str]


def known_then(house: House, window: Window) -> Then:
    """Snapshots and features of one hour, from raw rows with `available_at` up to its cut-off."""
    back = window.lookback(pool_features.LOOKBACK_HOURS)
    hourly, markets, refused = _snapshots(house, back)
    panel = to_panel(hourly, list(pool_features.INPUTS), back, np.unique(hourly["pool_key"].to_numpy(dtype=np.int64)))
    market = to_panel(markets.assign(pool_key=0), list(pool_features.MARKET_INPUTS), back, np.array([0]))
    grid = hourly[hourly["as_of"] == naive(window.as_of)]
    gone = int(refused.get(naive(window.as_of), 0))
    return Then(grid, _features(panel, market), gone / max(gone + len(grid), 1), _shortness(house, back))


def _snapshots(house: House, back: Window) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    hourly, markets, refused = [], [], []
    keep = ["as_of", "pool_key", "is_tombstone", *dict.fromkeys(("tvl_usd", "input_age_hours", *pool_features.INPUTS))]
    for piece in back.chunks(PIECE_HOURS):
        built = snapshots.build_snapshots(_raw_rows(house, piece), crosswalk(house.settings.source == "simulated"), piece)
        passed = check(pools.POOL_SNAPSHOTS, _followed(house, built.hourly, piece))
        hourly.append(passed.rows[keep])
        markets.append(check(pools.MARKET_SNAPSHOTS, built.markets).rows)
        refused += [pd.Timestamp(row["as_of"]) for row in passed.faults["row_json"].map(json.loads)]
    return (
        pd.concat(hourly, ignore_index=True),
        pd.concat(markets, ignore_index=True),
        pd.Series(refused, dtype="datetime64[us]").value_counts(),
    )


def _raw_rows(house: House, window: Window) -> dict[str, pd.DataFrame]:
    where = "pulled_at > ? AND available_at <= ?"
    return {table.name: house.lake.read(table, where=where, parameters=snapshots.bounds(table.name, window)) for table in raw.FEEDS}


def _followed(house: House, hourly: pd.DataFrame, window: Window) -> pd.DataFrame:
    """In live mode which pools were followed at an hour depends on the hours before it: that is taken from the stored grid."""
    if house.settings.source != "live":
        return hourly
    stored = house.lake.read(pools.POOL_SNAPSHOTS, window, ["as_of", "pool_key"])
    return hourly.merge(stored, on=["as_of", "pool_key"])


def _features(panel: Panel, market: Panel) -> pd.DataFrame:
    built = build_features(panel, market, 1)
    return check(pools.POOL_FEATURES, built.frame(~np.isnan(panel["tvl_usd"][-1:]))).rows


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
