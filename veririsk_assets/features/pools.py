"""Pool features: what a model may know about a pool at the end of an hour.

Arrays in, arrays out. No Dagster, no storage, no clock. Names, units, formulas: `contracts/pool_features.py`.
"""

import numpy as np

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pool_features import DAY, FEATURE_NAMES, MONTH, WEEK
from veririsk_assets.contracts.windows import Window
from veririsk_assets.features.early_warning import early_warning_score
from veririsk_assets.features.lp_supply import lp_supply_features
from veririsk_assets.features.market import market_features, rank_features
from veririsk_assets.panels.rolling import Over, ago, log_returns, returns

AGE_CAP = MONTH - 1


def build_features(panel: Panel, market: Panel, hours: int) -> Panel:
    """FEATURE_NAMES for the last `hours` hours, float32 hours × pools.

    `panel` holds INPUTS and `market` MARKET_INPUTS (one column) with LOOKBACK_HOURS before; a TVL of zero or below is
    an unknown one. Source of the first ten formulas: VeriRisk Phase-2 report, table "Features".
    """
    over = Over(hours)
    tvl = np.where(panel["tvl_usd"] > 0, panel["tvl_usd"], np.nan).astype(np.float32)
    moves = returns(tvl)
    features = phase2_features(panel, tvl, moves, over)
    features |= _levels_and_volatility(tvl, moves, over) | _other_sources(panel, tvl, over)
    features |= lp_supply_features(panel["lp_supply"], tvl, over)
    features |= rank_features(features) | market_features(moves, features["tvl_change_24h"], market["eth_price_usd"], over)
    features["early_warning_score"] = early_warning_score(features)
    values = {name: np.asarray(features[name], dtype=np.float32) for name in FEATURE_NAMES}
    return Panel(Window.ending(panel.window.end, hours), panel.keys, values)


def phase2_features(panel: Panel, tvl: np.ndarray, moves: np.ndarray, over: Over) -> dict[str, np.ndarray]:
    """The report's ten but for the composite, which needs these nine."""
    reserve0, reserve1 = panel["reserve0_usd"], panel["reserve1_usd"]
    both = reserve0 + reserve1
    volume = panel["volume_1h_usd"]
    tvl_change_6h = over.change(tvl, hours=6)
    volatility_6h, volatility_24h = over.std(moves, 6), over.std(moves, DAY)
    with np.errstate(divide="ignore", invalid="ignore"):
        imbalance = np.where(both > 0, np.abs(reserve0 - reserve1) / both, np.nan).astype(np.float32)
        mean_volume = over.mean(volume, DAY)
        return {
            "tvl_change_6h": tvl_change_6h,
            "tvl_change_24h": over.change(tvl, hours=DAY),
            "tvl_acceleration": tvl_change_6h - over.change(ago(tvl, 6), hours=6),
            "volume_spike_ratio": np.where(mean_volume > 0, over.last(volume) / mean_volume, np.nan),
            "reserve_imbalance": over.last(imbalance),
            "reserve_imbalance_rate": over.difference(imbalance, hours=6),
            "volatility_6h": volatility_6h,
            "volatility_24h": volatility_24h,
            "volatility_ratio": np.where(volatility_24h > 0, volatility_6h / volatility_24h, np.nan),
        }


def _levels_and_volatility(tvl: np.ndarray, moves: np.ndarray, over: Over) -> dict[str, np.ndarray]:
    now, square, fall = over.last(tvl), moves * moves, np.minimum(moves, 0)
    return {
        "tvl_change_1h": over.change(tvl, hours=1),
        "tvl_change_72h": over.change(tvl, hours=72),
        "tvl_change_7d": over.change(tvl, hours=WEEK),
        "tvl_change_30d": over.change(tvl, hours=MONTH - 1),
        "abs_return_mean_7d": over.mean(np.abs(moves), WEEK),
        "ewma_volatility_7d": np.sqrt(over.ewma(square, span=WEEK, hours=504)),
        "ewma_volatility_30d": np.sqrt(over.ewma(square, span=MONTH, hours=MONTH - 1)),
        "downside_semideviation_7d": np.sqrt(over.mean(fall * fall, WEEK)),
        "downside_semideviation_30d": np.sqrt(over.mean(fall * fall, MONTH - 1)),
        "worst_return_7d": over.minimum(moves, WEEK),
        "drawdown_24h": now / over.maximum(tvl, DAY + 1) - 1,
        "drawdown_7d": now / over.maximum(tvl, WEEK + 1) - 1,
        "drawdown_30d": now / over.maximum(tvl, MONTH) - 1,
        "log_tvl": np.log(now),
    }


def _other_sources(panel: Panel, tvl: np.ndarray, over: Over) -> dict[str, np.ndarray]:
    ratio, apy = panel["price_ratio"], panel["apy"]
    price_moves = log_returns(ratio)
    with np.errstate(divide="ignore", invalid="ignore"):
        price = np.log(np.where(ratio > 0, ratio, np.nan)).astype(np.float32)
    return {
        "volume_to_tvl_ratio": over.last(panel["volume_24h_usd"]) / over.last(tvl),
        "price_ratio_change_24h": np.abs(over.difference(price, hours=DAY)),
        "price_ratio_volatility_7d": over.std(price_moves, WEEK),
        "apy": over.last(apy),
        "apy_change_24h": over.difference(apy, hours=DAY),
        "age_hours": age_hours(tvl, over.rows),
        "input_age_hours": over.last(panel["input_age_hours"]),
        "unchanged_hours": np.where(np.isnan(over.last(tvl)), np.nan, over.hours_since(changed(tvl), WEEK)),
    }


def age_hours(tvl: np.ndarray, rows: int) -> np.ndarray:
    """Hours since the first known TVL within the look-back, at most AGE_CAP; NaN where none was known yet."""
    height = len(tvl)
    seen = ~np.isnan(tvl)
    out = np.full((rows, tvl.shape[1]), np.nan, dtype=np.float32)
    for i in range(rows):
        t = height - rows + i
        window = seen[max(0, t - AGE_CAP) : t + 1]
        out[i] = np.where(window.any(axis=0), len(window) - 1 - window.argmax(axis=0), np.nan)
    return out


def changed(tvl: np.ndarray) -> np.ndarray:
    """Where the TVL differs from the hour before; a gap is no news."""
    flag = np.zeros(tvl.shape, dtype=bool)
    flag[1:] = (tvl[1:] != tvl[:-1]) & ~np.isnan(tvl[1:]) & ~np.isnan(tvl[:-1])
    return flag
