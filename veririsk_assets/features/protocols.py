"""Protocol features: what a model may know about a protocol at the start of a day.

Arrays in, arrays out; a row is a day. Names, units, formulas: `contracts/protocol_features.py`.
"""

from collections.abc import Mapping

import numpy as np

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.protocol_features import FEATURE_NAMES, LOOKBACK_DAYS, MONTH, QUARTER, WEEK
from veririsk_assets.contracts.windows import DAY_HOURS, Window
from veririsk_assets.features.early_warning import Signal, early_warning_score, terms
from veririsk_assets.panels.rolling import Over, across, cross_rank, log_returns, returns

UNKNOWN = np.float32(np.nan)
# A market capitalisation that moves less is not said anew each day.
LEAST_VOLATILITY = 1e-4
FALLING_RATIO = -0.10
# From the calm end (no points) to the alarming end (all of its points).
SIGNALS: tuple[Signal, ...] = (
    Signal("tvl_change_1d", 20.0, -0.03, -0.12),
    Signal("tvl_trend_7", 20.0, -0.06, -0.25),
    Signal("tvl_vol_30", 20.0, 0.03, 0.12),
    Signal("drawdown_risk", 15.0, 0.15, 0.50),
    Signal("price_momentum", 15.0, -0.08, -0.30),
    Signal("tvl_slope", 10.0, -0.003, -0.02),
)


def build_features(panel: Panel, _surroundings: Panel, days: int) -> Panel:
    """FEATURE_NAMES for the last `days` days, float32 days × protocols.

    `panel` holds INPUTS with LOOKBACK_DAYS before. A value of zero or below is an unknown one.
    """
    panel, over = panel.reaching_back(LOOKBACK_DAYS + days), Over(days)
    tvl, price, cap, volume = (_above_zero(panel[name]) for name in ("tvl_usd", "price_usd", "market_cap_usd", "volume_usd"))
    found = _indicators(tvl, price, cap, volume, over)
    found |= _more(tvl, over) | {"input_age_hours": over.last(panel["input_age_hours"])}
    found |= _among_others(found, log_returns(tvl), over)
    found["early_warning_score"] = early_warning_score(found, SIGNALS)
    window = Window.ending(panel.window.end, days, DAY_HOURS)
    return Panel(window, panel.keys, {name: _finite(found[name]) for name in FEATURE_NAMES})


def rule(features: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Points by signal, which add up to the early-warning score."""
    return terms(features, SIGNALS)


def _above_zero(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, x.dtype.type(np.nan))


def _indicators(tvl: np.ndarray, price: np.ndarray, cap: np.ndarray, volume: np.ndarray, over: Over) -> dict[str, np.ndarray]:
    cap_volatility = over.std(log_returns(cap), MONTH)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "tvl_vol_30": over.std(log_returns(tvl), MONTH),
            "price_vol_30": over.std(log_returns(price), MONTH),
            "volume_vol_30": over.std(log_returns(volume), MONTH),
            "mc_vol_30": cap_volatility,
            "price_slope": over.slope(np.log(price), MONTH),
            "tvl_slope": over.slope(np.log(tvl), MONTH),
            "tvl_trend_7": over.change(tvl, WEEK),
            "price_momentum": over.change(price, WEEK),
            "liquidity_ratio_30": over.mean(volume / tvl, MONTH),
            "volume_consistency": over.mean(volume, MONTH) / over.std(volume, MONTH),
            "market_cap_stability": np.where(cap_volatility > LEAST_VOLATILITY, 1.0 / cap_volatility, UNKNOWN),
            "drawdown_risk": over.deepest_fall(tvl, MONTH),
        }


def _more(tvl: np.ndarray, over: Over) -> dict[str, np.ndarray]:
    moves, daily = returns(tvl), log_returns(tvl)
    return {
        "tvl_change_1d": over.change(tvl, 1),
        "tvl_change_3d": over.change(tvl, 3),
        "tvl_change_30d": over.change(tvl, MONTH),
        "tvl_below_high_30": over.below_maximum(tvl, MONTH),
        "tvl_vol_7": over.std(daily, WEEK),
        "ewma_volatility_30": np.sqrt(over.ewma(daily, MONTH, QUARTER, squared=True)),
        "worst_day_30": over.minimum(moves, MONTH),
        "downside_30": np.sqrt(over.mean(moves, MONTH, high=0.0, squared=True)),
        "log_tvl": np.log(over.last(tvl)),
        "age_hours": over.hours_since_first(tvl, QUARTER) * np.float32(DAY_HOURS),
    }


def _among_others(found: dict[str, np.ndarray], daily: np.ndarray, over: Over) -> dict[str, np.ndarray]:
    """What all protocols of a day share, and where each stands among them."""
    trend = found["tvl_trend_7"]
    middle = across(np.nanmedian, trend)[:, None]
    falling = np.where(np.isnan(trend), UNKNOWN, trend < FALLING_RATIO)
    market = {
        "market_median_change_7": middle,
        "market_share_falling_7": across(np.nanmean, falling)[:, None],
        "market_volatility_30": over.std(across(np.nanmedian, over.recent(daily, MONTH))[:, None], MONTH),
    }
    shared = {name: np.broadcast_to(column.astype(np.float32), trend.shape) for name, column in market.items()}
    ranks = {f"rank_{name}": cross_rank(found[name]) for name in ("tvl_vol_30", "tvl_trend_7")}
    return shared | ranks | {"tvl_against_market_7": trend - middle}


def _finite(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x, dtype=np.float32)
    endless = np.isinf(x)
    # A copy of years of everybody costs more than most features.
    return np.where(endless, UNKNOWN, x) if endless.any() else x
