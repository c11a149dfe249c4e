"""Stage features: what may be known at as_of. The work is done in `features/`."""

from typing import TYPE_CHECKING

from veririsk_assets.contracts.pools import POOL_FEATURES, POOL_SNAPSHOTS
from veririsk_assets.contracts.windows import Window
from veririsk_assets.defs.stage import step_asset

if TYPE_CHECKING:
    from veririsk_assets.pipeline.step import House, StepResult


def hourly_pools(house: "House", window: Window) -> "StepResult":
    from veririsk_assets.pipeline.pools import hourly_pool_features

    return hourly_pool_features(house, window)


ASSETS = [step_asset(POOL_FEATURES, hourly_pools, [POOL_SNAPSHOTS])]
