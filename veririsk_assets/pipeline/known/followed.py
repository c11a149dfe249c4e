"""Which live pools are on the grid at each hour: chosen by what was known at its own cut-off, and kept through their fall."""

from datetime import timedelta

import numpy as np
import pandas as pd

from veririsk_assets.contracts import pools
from veririsk_assets.contracts.vocabulary import entity_key
from veririsk_assets.contracts.windows import Window, naive
from veririsk_assets.pipeline.step import House
from veririsk_assets.sources.universe import LEAVING_SHARE, is_named, named_ids

# A pool stays this long after it was last above the leaving TVL: longer than any label over its fall takes to mature.
KEPT = timedelta(days=30)
PREFIX = "defillama:"


def candidates(house: House, said: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Rows of raw/defillama_pools of pools that may be followed at any hour of the window."""
    before = _before(house, window)
    known = said[said["pool"].notna()]
    large = known.loc[known["tvl_usd"] >= house.settings.min_tvl_usd, "pool"]
    named = known.loc[is_named(known), "pool"]
    stored = house.lake.read(pools.POOL_SNAPSHOTS, window, ["pool_key"], where="source = 'defillama'")["pool_key"]
    keys = pd.Index(stored).union(before.index)
    ids = house.lake.read(pools.POOLS, columns=["pool_key", "pool_id"])
    kept = ids.loc[ids["pool_key"].isin(keys), "pool_id"].str.removeprefix(PREFIX)
    return known[known["pool"].isin({*large, *named, *kept})]


def followed(house: House, said: pd.DataFrame, hourly: pd.DataFrame, window: Window) -> pd.DataFrame:
    """The rows of `hourly` (snapshots/hourly_pools) whose pool is followed at their hour; pools of other sources always are.

    A pool enters at `min_tvl_usd`, and stays until it has been below 80 % of it for 30 days. Named pools are always in. A row
    that is stored stays: it has been published.
    """
    floor, hours = house.settings.min_tvl_usd, window.hours
    before = _before(house, window)
    stored = house.lake.read(pools.POOL_SNAPSHOTS, window, ["as_of", "pool_key"])
    own = hourly["source"] == "defillama"
    keys = np.unique(hourly.loc[own, "pool_key"].to_numpy(dtype=np.int64))
    grid = (
        hourly[own].pivot(index="as_of", columns="pool_key", values="tvl_usd").reindex(index=pd.DatetimeIndex(window.as_ofs), columns=keys)
    )
    tvl = grid.to_numpy(dtype=np.float64)
    named = _named(said, keys, window)
    published = np.zeros(tvl.shape, dtype=bool)
    at, column = grid.index.get_indexer(stored["as_of"]), grid.columns.get_indexer(stored["pool_key"])
    published[at[column >= 0], column[column >= 0]] = True
    last_large = before.reindex(keys).to_numpy(dtype="datetime64[us]")
    keeps = np.zeros(tvl.shape, dtype=bool)
    like_named = np.isin(keys, [entity_key(PREFIX + pool) for pool in said.loc[is_named(said), "pool"]])
    is_in = np.isin(keys, before.index) & ((np.datetime64(naive(window.start)) - last_large <= np.timedelta64(KEPT)) | like_named)
    for row in range(hours):
        with np.errstate(invalid="ignore"):
            last_large = np.where(tvl[row] >= LEAVING_SHARE * floor, window.as_ofs[row], last_large)
            stays = (window.as_ofs[row] - last_large <= np.timedelta64(KEPT)) | like_named
            is_in = (tvl[row] >= floor) | named[row] | published[row] | (is_in & stays)
        keeps[row] = is_in
    on = grid.columns.get_indexer(hourly["pool_key"])
    keep = ~own.to_numpy() | keeps[grid.index.get_indexer(hourly["as_of"]), on]
    return hourly[keep]


def _before(house: House, window: Window) -> pd.Series:
    """Pools on the grid of the last 30 days before the window → when they were last above the leaving TVL (NaT: never in them)."""
    table = f"lake.{pools.POOL_SNAPSHOTS.sql_name}"
    rows = house.lake.sql(
        f"SELECT pool_key, max(as_of) FILTER (tvl_usd >= ?) AS last_large FROM {table} "
        "WHERE as_of > ? AND as_of <= ? AND source = 'defillama' GROUP BY pool_key",
        [LEAVING_SHARE * house.settings.min_tvl_usd, naive(window.start - KEPT), naive(window.start)],
    )
    return rows.set_index("pool_key")["last_large"].astype("datetime64[us]")


def _named(said: pd.DataFrame, keys: np.ndarray, window: Window) -> np.ndarray:
    """hours × pools: the pools that the report names, by the newest pull before each cut-off."""
    rows = said[is_named(said)]
    found = np.zeros((window.hours, len(keys)), dtype=bool)
    pulls = np.sort(rows["pulled_at"].unique())
    for row, hour in enumerate(window.each()):
        known = pulls[pulls <= np.datetime64(naive(hour.cutoff))]
        if len(known):
            newest = rows[rows["pulled_at"] == known[-1]]
            found[row] = np.isin(keys, [entity_key(PREFIX + pool) for pool in named_ids(newest)])
    return found
