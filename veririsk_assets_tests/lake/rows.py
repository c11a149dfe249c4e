"""Rows of snapshots/hourly_pools for tests of the lake."""

import numpy as np
import pandas as pd

from veririsk_assets.contracts.pools import POOL_SNAPSHOTS
from veririsk_assets.contracts.windows import Window


def snapshot_rows(window: Window, pools: int = 3, tvl_usd: float = 1000.0) -> pd.DataFrame:
    """A dense grid of rows with the given TVL."""
    frame = pd.DataFrame({name: np.nan for name in POOL_SNAPSHOTS.names}, index=range(window.hours * pools))
    return frame.assign(
        as_of=np.repeat(window.as_ofs, pools),
        pool_key=np.tile(np.arange(pools), window.hours),
        tvl_usd=tvl_usd,
        source="defillama",
        is_tombstone=False,
    )
