"""Pools by the hour, what is known: raw → snapshots → features. One step per table."""

from dataclasses import replace

import numpy as np
import pandas as pd

from veririsk_assets.contracts import pool_features, pools
from veririsk_assets.contracts.panel import Panel, to_panel
from veririsk_assets.contracts.raw import FEEDS
from veririsk_assets.contracts.surroundings import SURROUNDINGS
from veririsk_assets.contracts.windows import Window
from veririsk_assets.features.pools import build_features
from veririsk_assets.pipeline import followed, late
from veririsk_assets.pipeline.crosswalk import crosswalk
from veririsk_assets.pipeline.said import raw_rows, shortfalls
from veririsk_assets.pipeline.step import House, StepResult
from veririsk_assets.snapshots import pools as snapshots
from veririsk_assets.snapshots.suspects import INPUTS, LOOKBACK_HOURS
from veririsk_assets.snapshots.suspects import suspects as find_suspects

# Long ranges are computed in pieces of a week.
RECOMPUTED_HOURS = 168


def hourly_pool_snapshots(house: House, window: Window) -> StepResult:
    """snapshots/hourly_pools, with snapshots/pools and snapshots/hourly_surroundings beside it."""
    seen = house.lake.snapshot_id()
    asked, window = window, late.widened(house, pools.POOL_SNAPSHOTS, FEEDS, "available_at", window)
    built = on_grid(house, window)
    before = window.lookback(LOOKBACK_HOURS).start
    earlier = Window(before, window.start)
    hourly = judged(
        built.hourly,
        built.surroundings,
        house.lake.read(pools.POOL_SNAPSHOTS, earlier, ["as_of", "pool_key", *INPUTS]),
        house.lake.read(SURROUNDINGS, earlier, ["as_of", "eth_price_usd"]),
        window,
    )
    _remember(house, built.pools, hourly)
    house.lake.replace(SURROUNDINGS, built.surroundings, window)
    written = house.lake.replace(pools.POOL_SNAPSHOTS, hourly, window)
    late.remember(house, pools.POOL_SNAPSHOTS, seen)
    return StepResult.of(
        written,
        late_hours=window.hours - asked.hours,
        tombstones=int(hourly["is_tombstone"].sum()),
        unknown_tvl=int(hourly["tvl_usd"].isna().sum()),
        suspects=int(hourly["is_suspect"].sum()),
    )


def on_grid(house: House, window: Window) -> snapshots.Snapshots:
    """Snapshots of a window from raw rows, of the pools that are followed; jumps are not judged yet."""
    rows = raw_rows(house, window)
    is_live = house.settings.source == "live"
    said = rows["defillama_pools"]
    if is_live:
        rows = rows | {"defillama_pools": followed.candidates(house, said, window)}
    built = snapshots.build_snapshots(rows, crosswalk(house.settings.source == "simulated"), window, shortfalls(house, window))
    if not is_live or said.empty:
        return built
    return replace(built, hourly=followed.followed(house, said, built.hourly, window))


def judged(
    hourly: pd.DataFrame, markets: pd.DataFrame, earlier: pd.DataFrame, earlier_markets: pd.DataFrame, window: Window
) -> pd.DataFrame:
    """Rows of snapshots/hourly_pools with what is suspect in them, by the hours before.

    `earlier`: stored rows of the LOOKBACK_HOURS before the window, with INPUTS; `earlier_markets` likewise with the price of ETH.
    """
    if hourly.empty:
        return hourly
    seen = window.lookback(LOOKBACK_HOURS)
    keys = np.unique(hourly["pool_key"].to_numpy(dtype=np.int64))
    together = pd.concat([earlier[["as_of", "pool_key", *INPUTS]], hourly[["as_of", "pool_key", *INPUTS]]]) if len(earlier) else hourly
    panel = to_panel(together, "pool_key", list(INPUTS), seen, keys)
    ether = pd.concat([earlier_markets, markets]) if len(earlier_markets) else markets
    eth = to_panel(ether.assign(key=0), "key", ["eth_price_usd"], seen, np.array([0]))["eth_price_usd"]
    found = find_suspects(panel, eth, window.hours)
    columns = {"is_suspect": found.is_suspect, "taken_back_hours": found.taken_back_hours, "before_usd": found.before_usd}
    known = Panel(window, keys, columns).frame("pool_key")
    rows = hourly.drop(columns=["is_suspect", "taken_back_hours"]).merge(known, on=["as_of", "pool_key"], how="left")
    moved = [
        f"TVL went from {b:,.0f} to {t:,.0f} USD and nothing else supports it"
        for b, t in zip(rows["before_usd"], rows["tvl_usd"], strict=True)
    ]
    words = np.where(rows["is_suspect"], moved, "")
    rows["doubt"] = snapshots.joined(rows["doubt"].fillna("").to_numpy(dtype=object), words)
    rows["doubt"] = rows["doubt"].where(rows["doubt"] != "", None)
    return rows[pools.POOL_SNAPSHOTS.names]


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
    asked, window = window, late.widened(house, pools.POOL_FEATURES, [pools.POOL_SNAPSHOTS], "as_of", window)
    back = window.lookback(pool_features.LOOKBACK_HOURS)
    panel = house.lake.panel(pools.POOL_SNAPSHOTS, pool_features.INPUTS, back)
    market = house.lake.panel(SURROUNDINGS, pool_features.SURROUNDING_INPUTS, back, keys=np.array([0]))
    built = build_features(panel, market, window.hours)
    known = ~np.isnan(panel["tvl_usd"][-window.hours :])
    written = house.lake.replace(pools.POOL_FEATURES, built.frame("pool_key", known), window)
    late.remember(house, pools.POOL_FEATURES, seen)
    return StepResult.of(written, late_hours=window.hours - asked.hours, lookback_hours=pool_features.LOOKBACK_HOURS)


def recompute(house: House, window: Window) -> StepResult:
    """Snapshots and features of a range from what raw holds now. Scores stay: they are what was said."""
    snapshots_written = [hourly_pool_snapshots(house, week) for week in window.chunks(RECOMPUTED_HOURS)]
    features_written = [hourly_pool_features(house, week) for week in window.chunks(RECOMPUTED_HOURS)]
    done = [*snapshots_written, *features_written]
    return StepResult(
        sum(one.rows for one in done),
        sum(one.quarantined for one in done),
        any(one.changed for one in done),
        {"snapshots": sum(one.rows for one in snapshots_written), "features": sum(one.rows for one in features_written)},
    )
