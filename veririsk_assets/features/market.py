"""What all pools share in an hour, and where each pool stands among them."""

import numpy as np

from veririsk_assets.contracts.pool_features import DAY, WEEK
from veririsk_assets.panels.rolling import Over, across, cross_rank, returns

FALLING_RATIO = -0.05


def market_features(tvl_returns: np.ndarray, tvl_change_24h: np.ndarray, eth_price: np.ndarray, over: Over) -> dict[str, np.ndarray]:
    """Market-wide columns, the same for every pool of an hour. `eth_price`: hours × 1 with the look-back."""
    pools = tvl_returns.shape[1]
    common = across(np.nanmedian, over.recent(tvl_returns, WEEK))[:, None]
    falling = np.where(np.isnan(tvl_change_24h), np.float32(np.nan), tvl_change_24h < FALLING_RATIO)
    columns = {
        "market_share_falling_24h": across(np.nanmean, falling)[:, None],
        "market_median_change_24h": across(np.nanmedian, tvl_change_24h)[:, None],
        "market_volatility_7d": over.std(common, WEEK),
        "market_drawdown_7d": _drawdown_of_returns(common, over),
        "eth_return_24h": over.change(eth_price, hours=DAY),
        "eth_volatility_7d": over.std(returns(eth_price), WEEK),
        "eth_drawdown_7d": over.below_maximum(eth_price, WEEK + 1),
    }
    return shared(columns, over.rows, pools)


def shared(columns: dict[str, np.ndarray], rows: int, pools: int) -> dict[str, np.ndarray]:
    """One column for all pools: seen rows × pools, held once."""
    return {name: np.broadcast_to(column.astype(np.float32), (rows, pools)) for name, column in columns.items()}


def rank_features(features: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Where a pool stands among the pools of its hour, 0 to 1."""
    return {f"rank_{name}": cross_rank(features[name]) for name in ("tvl_change_24h", "ewma_volatility_7d", "drawdown_7d")}


def _drawdown_of_returns(moves: np.ndarray, over: Over) -> np.ndarray:
    """How far the compounded returns of a week stand below their high. Each hour compounds its own week: the start of a
    panel must not show in its end. Known where the week's mean is.
    """
    short = max(0, over.rows + WEEK - 1 - len(moves))
    padded = np.vstack([np.full((short, 1), np.nan, dtype=np.float32), moves])
    weeks = np.lib.stride_tricks.sliding_window_view(padded[:, 0], WEEK)[-over.rows :]
    with np.errstate(divide="ignore"):  # the middle pool lost everything: minus infinity is right
        levels = np.cumsum(np.log1p(np.nan_to_num(weeks), dtype=np.float64), axis=1)
    drawdown = np.expm1(levels[:, -1] - np.maximum(levels.max(axis=1), 0.0))[:, None]
    return np.where(np.isnan(over.mean(moves, WEEK)), np.nan, drawdown)
