"""What the supply of LP tokens tells: capital that came and left, apart from prices. NaN where no source knows it."""

import numpy as np

from veririsk_assets.contracts.pool_features import DAY, MONTH, WEEK
from veririsk_assets.panels.rolling import Over, returns

WINDOW = MONTH - 1


def lp_supply_features(lp_supply: np.ndarray, tvl: np.ndarray, over: Over) -> dict[str, np.ndarray]:
    """The `lp_…` and `hours_since_…` features; inputs with their look-back, outputs the last rows."""
    moves = returns(lp_supply)
    mints, burns = np.maximum(moves, 0), np.maximum(-moves, 0)
    # NaN passes through maximum, so a gap stays a gap.
    mint_sum = over.mean(mints, WINDOW) * np.float32(WINDOW)
    now, low, high = over.last(lp_supply), over.minimum(lp_supply, MONTH), over.maximum(lp_supply, MONTH)
    price = np.where(lp_supply > 0, tvl / np.where(lp_supply > 0, lp_supply, 1), np.nan).astype(np.float32)
    largest_mint, largest_burn = over.maximum(mints, WINDOW), over.maximum(burns, WINDOW)
    unknown = np.isnan(now)
    with np.errstate(divide="ignore", invalid="ignore"):
        features = {
            "lp_supply_change_6h": over.change(lp_supply, hours=6),
            "lp_supply_change_24h": over.change(lp_supply, hours=DAY),
            "lp_supply_change_7d": over.change(lp_supply, hours=WEEK),
            "lp_supply_volatility_7d": over.std(moves, WEEK),
            "lp_largest_burn_7d": over.maximum(burns, WEEK),
            "lp_largest_mint_7d": over.maximum(mints, WEEK),
            "lp_largest_burn_30d": largest_burn,
            "lp_largest_mint_30d": largest_mint,
            "lp_mint_concentration_30d": np.where(mint_sum > 0, np.minimum(largest_mint / mint_sum, 1), np.nan),
            "lp_hot_money_ratio_30d": np.where(now > 0, (now - low) / now, np.nan),
            "lp_supply_to_max_30d": np.where(high > 0, now / high, np.nan),
            "lp_price_change_24h": over.change(price, hours=DAY),
            "lp_price_volatility_7d": over.std(returns(price), WEEK),
        }
    for name, flag in (
        ("burn_5pct", burns >= 0.05),
        ("burn_20pct", burns >= 0.2),
        ("mint_5pct", mints >= 0.05),
        ("mint_20pct", mints >= 0.2),
    ):
        features[f"hours_since_{name}"] = np.where(unknown, np.nan, over.hours_since(flag, WINDOW))
    return features
