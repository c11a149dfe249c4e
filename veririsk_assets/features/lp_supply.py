"""What the supply of LP tokens tells: capital that came and left, apart from prices. NaN where no source knows it."""

import numpy as np

from veririsk_assets.contracts.pool_features import DAY, MONTH, WEEK
from veririsk_assets.panels.rolling import Over, returns

WINDOW = MONTH - 1


def lp_supply_features(lp_supply: np.ndarray, tvl: np.ndarray, over: Over) -> dict[str, np.ndarray]:
    """The `lp_…` and `hours_since_…` features; inputs with their look-back, outputs the last rows."""
    moves = returns(lp_supply)
    level = lp_supply.astype(np.float32, copy=False)
    now, low, high = over.last(level), over.minimum(level, MONTH), over.maximum(level, MONTH)
    price = _price(over.recent(lp_supply, WEEK + 1), over.recent(tvl, WEEK + 1))
    largest_mint, minted = _at_least_0(over.maximum(moves, WINDOW)), over.total(moves, WINDOW, low=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        features = {
            "lp_supply_change_6h": over.change(lp_supply, hours=6),
            "lp_supply_change_24h": over.change(lp_supply, hours=DAY),
            "lp_supply_change_7d": over.change(lp_supply, hours=WEEK),
            "lp_supply_volatility_7d": over.std(moves, WEEK),
            "lp_largest_burn_7d": _at_least_0(-over.minimum(moves, WEEK)),
            "lp_largest_mint_7d": _at_least_0(over.maximum(moves, WEEK)),
            "lp_largest_burn_30d": _at_least_0(-over.minimum(moves, WINDOW)),
            "lp_largest_mint_30d": largest_mint,
            "lp_mint_concentration_30d": np.where(minted > 0, np.minimum(largest_mint / minted, 1), np.float32(np.nan)),
            "lp_hot_money_ratio_30d": np.where(now > 0, (now - low) / now, np.float32(np.nan)),
            "lp_supply_to_max_30d": np.where(high > 0, now / high, np.float32(np.nan)),
            "lp_price_change_24h": over.change(price, hours=DAY),
            "lp_price_volatility_7d": over.std(returns(price), WEEK),
        }
    return features | _hours_since_large_moves(moves, ~np.isnan(now), over)


def _hours_since_large_moves(moves: np.ndarray, known: np.ndarray, over: Over) -> dict[str, np.ndarray]:
    since = {}
    for percent, ratio in ((5, 0.05), (20, 0.2)):
        since[f"hours_since_burn_{percent}pct"] = over.hours_since(moves, WINDOW, at_most=-ratio)
        since[f"hours_since_mint_{percent}pct"] = over.hours_since(moves, WINDOW, at_least=ratio)
    return {name: np.where(known, hours, np.float32(np.nan)) for name, hours in since.items()}


def _price(lp_supply: np.ndarray, tvl: np.ndarray) -> np.ndarray:
    """TVL per LP token; NaN without LP tokens."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(lp_supply > 0, tvl / lp_supply, lp_supply.dtype.type(np.nan))


def _at_least_0(x: np.ndarray) -> np.ndarray:
    # maximum lets NaN pass.
    return np.maximum(x, np.float32(0))
