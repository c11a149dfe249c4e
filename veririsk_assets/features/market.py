"""What all pools share in an hour, and where each pool stands among them."""

import numpy as np

from veririsk_assets.contracts.pool_features import DAY, WEEK
from veririsk_assets.panels.rolling import Over, cross_rank, returns

FALLING_RATIO = -0.05


def market_features(tvl_returns: np.ndarray, tvl_change_24h: np.ndarray, eth_price: np.ndarray, over: Over) -> dict[str, np.ndarray]:
    """Market-wide columns, the same for every pool of an hour. `eth_price`: hours × 1 with the look-back."""
    pools = tvl_returns.shape[1]
    common = _median(tvl_returns)[:, None]
    level = np.cumprod(1.0 + np.nan_to_num(common), axis=0, dtype=np.float64).astype(np.float32)
    level = np.where(np.isnan(common), np.nan, level).astype(np.float32)
    falling = np.where(np.isnan(tvl_change_24h), np.nan, tvl_change_24h < FALLING_RATIO)
    columns = {
        "market_share_falling_24h": _mean(falling)[:, None],
        "market_median_change_24h": _median(tvl_change_24h)[:, None],
        "market_volatility_7d": over.std(common, WEEK),
        "market_drawdown_7d": over.last(level) / over.maximum(level, WEEK + 1) - 1,
        "eth_return_24h": over.change(eth_price, hours=DAY),
        "eth_volatility_7d": over.std(returns(eth_price), WEEK),
        "eth_drawdown_7d": over.last(eth_price) / over.maximum(eth_price, WEEK + 1) - 1,
    }
    return {name: np.broadcast_to(column.astype(np.float32), (over.rows, pools)) for name, column in columns.items()}


def rank_features(features: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Where a pool stands among the pools of its hour, 0 to 1."""
    return {f"rank_{name}": cross_rank(features[name]) for name in ("tvl_change_24h", "ewma_volatility_7d", "drawdown_7d")}


def _median(x: np.ndarray) -> np.ndarray:
    """Row medians; NaN for a row without a known value."""
    out = np.full(len(x), np.nan, dtype=np.float32)
    known = ~np.isnan(x).all(axis=1) if x.shape[1] else np.zeros(len(x), dtype=bool)
    out[known] = np.nanmedian(x[known], axis=1)
    return out


def _mean(x: np.ndarray) -> np.ndarray:
    out = np.full(len(x), np.nan, dtype=np.float32)
    known = ~np.isnan(x).all(axis=1) if x.shape[1] else np.zeros(len(x), dtype=bool)
    out[known] = np.nanmean(x[known], axis=1)
    return out
