"""Stage snapshots: raw to canonical, one row per pool and hour. The work is done in `snapshots/`."""

from typing import TYPE_CHECKING

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.pools import POOL_SNAPSHOTS
from veririsk_assets.contracts.windows import Window
from veririsk_assets.defs.plots import tvl_by_hour
from veririsk_assets.defs.stage import step_asset

if TYPE_CHECKING:
    from veririsk_assets.pipeline.step import House, StepResult


def hourly_pools(house: "House", window: Window) -> "StepResult":
    from veririsk_assets.pipeline.pools import hourly_pool_snapshots

    return hourly_pool_snapshots(house, window)


ASSETS = [
    step_asset(
        POOL_SNAPSHOTS,
        hourly_pools,
        raw.FEEDS,
        beside="Writes snapshots/pools (what a pool_key stands for) and snapshots/hourly_surroundings beside it.",
        plot=tvl_by_hour,
    )
]
