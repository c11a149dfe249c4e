"""Stage snapshots: raw to canonical, one row per pool and hour. The work is done in `snapshots/`."""

from veririsk_assets.contracts.pools import POOL_SNAPSHOTS
from veririsk_assets.defs.plots import tvl_by_hour
from veririsk_assets.defs.stage import hourly_asset
from veririsk_assets.pipeline.pools import FEEDS, hourly_pool_snapshots

ASSETS = [
    hourly_asset(
        POOL_SNAPSHOTS,
        hourly_pool_snapshots,
        FEEDS,
        beside="Writes snapshots/pools (what a pool_key stands for) and snapshots/hourly_markets beside it.",
        plot=tvl_by_hour,
    )
]
