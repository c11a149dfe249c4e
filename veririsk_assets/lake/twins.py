"""Pools that are probably one pool under two ids: their TVL is the same hour after hour. Suspected, not known: a person decides."""

from datetime import datetime

import numpy as np
import pandas as pd

from veririsk_assets.contracts.pools import POOL_SNAPSHOTS, POOLS
from veririsk_assets.contracts.windows import WEEK_HOURS, Window, utc
from veririsk_assets.lake.lake import Lake
from veririsk_assets.panels.twins import suspected_twins

COLUMNS = ("pool_key", "twin_key", "compared_hours", "agreeing_hours", "largest_difference_ratio")
# GeckoTerminal's names of chains as the other sources write them.
CHAINS = {"eth": "ethereum", "polygon_pos": "polygon", "avax": "avalanche", "xdai": "gnosis", "ftm": "fantom"}


def twins_of(lake: Lake, end: datetime | None) -> pd.DataFrame:
    """COLUMNS of each pair once (`pool_key` < `twin_key`), by the TVL of the week up to `end`; none where nothing is scored yet."""
    if end is None:
        return pd.DataFrame({name: pd.Series(dtype="float64" if name == COLUMNS[-1] else "int64") for name in COLUMNS})
    panel = lake.panel(POOL_SNAPSHOTS, ["tvl_usd"], Window.ending(utc(end), WEEK_HOURS))
    found = suspected_twins(panel["tvl_usd"], _chains(lake, panel.keys))
    values = (panel.keys[found.left], panel.keys[found.right], found.hours, found.agreeing_hours, found.largest_difference)
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def _chains(lake: Lake, keys: np.ndarray) -> np.ndarray:
    """A number per pool's chain, -1 where no source names it."""
    known = lake.read(POOLS, columns=["pool_key", "chain"]).drop_duplicates("pool_key").set_index("pool_key")["chain"]
    chain = known.reindex(keys).str.strip().str.lower().replace(CHAINS)
    return pd.factorize(chain.mask(chain.isin(["", "?"])))[0]
