"""Noisy hourly signals, averaged over hours: one hour of imbalance or volume says little, six in a row say a lot."""

import numpy as np

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pool_features import DAY, WEEK
from veririsk_assets.panels.rolling import Over


def steadied_features(panel: Panel, tvl: np.ndarray, over: Over) -> dict[str, np.ndarray]:
    """Means of the imbalance, volume against the week's, and the TVL change between 6 and 24 hours."""
    reserve0, reserve1 = over.recent(panel["reserve0_usd"], DAY), over.recent(panel["reserve1_usd"], DAY)
    both, volume = reserve0 + reserve1, over.recent(panel["volume_1h_usd"], WEEK)
    with np.errstate(divide="ignore", invalid="ignore"):
        imbalance = np.where(both > 0, np.abs(reserve0 - reserve1) / both, np.float32(np.nan))
        usual = over.mean(volume, WEEK)
        return {
            "tvl_change_12h": over.change(tvl, hours=12),
            "reserve_imbalance_mean_6h": over.mean(imbalance, 6),
            "reserve_imbalance_mean_24h": over.mean(imbalance, DAY),
            "volume_surge_6h": np.where(usual > 0, over.mean(volume, 6) / usual, np.float32(np.nan)),
        }
