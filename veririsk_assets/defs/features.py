"""Stage features: what may be known at as_of. The work is done in `features/`."""

from veririsk_assets.contracts.pools import POOL_FEATURES, POOL_SNAPSHOTS
from veririsk_assets.defs.stage import hourly_asset
from veririsk_assets.pipeline.pools import hourly_pool_features

ASSETS = [hourly_asset(POOL_FEATURES, hourly_pool_features, [POOL_SNAPSHOTS])]
