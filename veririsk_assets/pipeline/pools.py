"""Pools by the hour, what is known: raw → snapshots → features. One step per table."""

import numpy as np
import pandas as pd

from veririsk_assets.contracts import pool_features, pools, raw
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.features.pools import build_features
from veririsk_assets.pipeline import late
from veririsk_assets.pipeline.crosswalk import crosswalk
from veririsk_assets.pipeline.step import House, StepResult
from veririsk_assets.snapshots import pools as snapshots
from veririsk_assets.sources.universe import choose


def hourly_pool_snapshots(house: House, window: Window) -> StepResult:
    """snapshots/hourly_pools, with snapshots/pools and snapshots/hourly_markets beside it."""
    seen = house.lake.snapshot_id()
    asked, window = window, late.widened(house, "snapshots", raw.FEEDS, "available_at", window)
    built = snapshots.build_snapshots(
        _followed(house, _raw_rows(house, window), window), crosswalk(house.settings.source == "simulated"), window
    )
    _remember(house, built.pools, built.hourly)
    house.lake.replace(pools.MARKET_SNAPSHOTS, built.markets, window)
    written = house.lake.replace(pools.POOL_SNAPSHOTS, built.hourly, window)
    late.remember(house, "snapshots", seen)
    return StepResult.of(
        written,
        late_hours=window.hours - asked.hours,
        tombstones=int(built.hourly["is_tombstone"].sum()),
        unknown_tvl=int(built.hourly["tvl_usd"].isna().sum()),
    )


def _raw_rows(house: House, window: Window) -> dict[str, pd.DataFrame]:
    """What was available by the window's cut-off, from the look-back of the snapshots on."""
    where = "pulled_at > ? AND available_at <= ?"
    rows = {
        table.name: house.lake.read(table, where=where, parameters=snapshots.bounds(table.name, window))
        for table in raw.FEEDS
        if table is not raw.DEFILLAMA_POOLS
    }
    # Before the first cut-off only a pool's last word can serve: one row of the look-back's 54 (its values are levels, not sums).
    bounds = snapshots.bounds(raw.DEFILLAMA_POOLS.name, window)
    first = [bounds[0], naive(Window.ending(window.start + HOUR).cutoff)]
    last_word = f"SELECT (pool, max(pulled_at)) FROM lake.{raw.DEFILLAMA_POOLS.sql_name} WHERE {where} GROUP BY pool"
    where += f" AND (available_at > ? OR (pool, pulled_at) IN ({last_word}))"
    return rows | {raw.DEFILLAMA_POOLS.name: house.lake.read(raw.DEFILLAMA_POOLS, where=where, parameters=[*bounds, first[1], *first])}


def _followed(house: House, rows: dict[str, pd.DataFrame], window: Window) -> dict[str, pd.DataFrame]:
    """Live rows of the universe: what the newest pull lets in or keeps, and what has just vanished from it."""
    said = rows[raw.DEFILLAMA_POOLS.name]
    if house.settings.source != "live" or said.empty:
        return rows
    newest = said[said["pulled_at"] == said["pulled_at"].max()]
    before = Window.ending(window.start)
    keys = house.lake.read(pools.POOL_SNAPSHOTS, before, ["pool_key"], where="source = 'defillama'")["pool_key"]
    names = house.lake.read(pools.POOLS, columns=["pool_key", "pool_id"])
    previous = set(names.loc[names["pool_key"].isin(keys), "pool_id"].str.removeprefix("defillama:"))
    followed = choose(newest, previous, house.settings) | (previous - set(newest["pool"]))
    return rows | {raw.DEFILLAMA_POOLS.name: said[said["pool"].isin(followed)]}


def _remember(house: House, seen: pd.DataFrame, hourly: pd.DataFrame) -> None:
    """Adds pools that were never seen before; a pool keeps the name under which it came."""
    known = house.lake.read(pools.POOLS, columns=["pool_key"])
    new = seen[~seen["pool_key"].isin(known["pool_key"])]
    first = hourly.groupby("pool_key")["as_of"].min()
    new = new[new["pool_key"].isin(first.index)]
    if len(new):
        house.lake.append(pools.POOLS, new.assign(first_seen_at=first.loc[new["pool_key"]].to_numpy())[pools.POOLS.names])


def hourly_pool_features(house: House, window: Window) -> StepResult:
    """features/hourly_pools: rows where the TVL is known."""
    seen = house.lake.snapshot_id()
    asked, window = window, late.widened(house, "features", [pools.POOL_SNAPSHOTS], "as_of", window)
    back = window.lookback(pool_features.LOOKBACK_HOURS)
    panel = house.lake.panel(pools.POOL_SNAPSHOTS, pool_features.INPUTS, back)
    market = house.lake.panel(pools.MARKET_SNAPSHOTS, pool_features.MARKET_INPUTS, back, keys=np.array([0]))
    built = build_features(panel, market, window.hours)
    known = ~np.isnan(panel["tvl_usd"][-window.hours :])
    written = house.lake.replace(pools.POOL_FEATURES, built.frame(known), window)
    late.remember(house, "features", seen)
    return StepResult.of(written, late_hours=window.hours - asked.hours, lookback_hours=pool_features.LOOKBACK_HOURS)
