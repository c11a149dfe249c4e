"""Pool features: what a model may know about a pool at the end of an hour.

Arrays in, arrays out. No Dagster, no storage, no clock. Names, units, formulas: `contracts/pool_features.py`.
"""

import numpy as np

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pool_features import DAY, FEATURE_NAMES, LOOKBACK_HOURS, MONTH, WEEK
from veririsk_assets.contracts.windows import HOUR, Window
from veririsk_assets.features.early_warning import early_warning_score
from veririsk_assets.features.evidence import evidence_features
from veririsk_assets.features.lp_supply import lp_supply_features
from veririsk_assets.features.market import market_features, rank_features
from veririsk_assets.features.steadied import steadied_features
from veririsk_assets.panels.retractions import as_known
from veririsk_assets.panels.rolling import Over, ago, log_returns, returns

AGE_CAP = MONTH - 1


def build_features(panel: Panel, market: Panel, hours: int) -> Panel:
    """FEATURE_NAMES for the last `hours` hours, float32 hours × pools, each without the values that had been taken back by then.

    `panel` holds INPUTS and `market` SURROUNDING_INPUTS (one column) with LOOKBACK_HOURS before, unknown where they begin later; a
    TVL of zero or below is an unknown one, and so is a feature that leaves the range of float32. Source of the first ten formulas: VeriRisk
    Phase-2 report, table "Features".
    """
    panel, market = (one.reaching_back(LOOKBACK_HOURS + hours) for one in (panel, market))
    return as_known(panel, hours, LOOKBACK_HOURS, ("tvl_usd",), lambda part, rows: _built(part, _beside(market, part), rows))


def _beside(market: Panel, part: Panel) -> Panel:
    """The hours of the market that lie beside a part of the pools' panel."""
    begin = round((part.window.start - market.window.start) / HOUR)
    return Panel(part.window, market.keys, {name: values[begin : begin + part.window.hours] for name, values in market.values.items()})


def _built(panel: Panel, market: Panel, hours: int) -> Panel:
    over = Over(hours)
    tvl = known_tvl(panel)
    moves = returns(tvl)
    features = phase2_features(panel, tvl, moves, over)
    features |= _levels_and_volatility(tvl, moves, over) | _other_sources(panel, tvl, over)
    features |= steadied_features(panel, tvl, over)
    features |= lp_supply_features(panel["lp_supply"], tvl, over)
    features |= rank_features(features) | market_features(moves, features["tvl_change_24h"], market["eth_price_usd"], over)
    features |= evidence_features(panel, market, over)
    features["early_warning_score"] = early_warning_score(features)
    return Panel(Window.ending(panel.window.end, hours), panel.keys, {name: _finite(features[name]) for name in FEATURE_NAMES})


def known_tvl(panel: Panel) -> np.ndarray:
    """The TVL where there is one: nothing can be relative to zero, and a negative one is a fault of its source."""
    tvl = panel["tvl_usd"]
    return tvl if (tvl > 0).all() else np.where(tvl > 0, tvl, tvl.dtype.type(np.nan))


def _finite(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x, dtype=np.float32)
    return np.where(np.isinf(x), np.float32(np.nan), x) if np.isinf(x).any() else x


def phase2_features(panel: Panel, tvl: np.ndarray, moves: np.ndarray, over: Over) -> dict[str, np.ndarray]:
    """The report's ten but for the composite, which needs these nine."""
    reserve0, reserve1 = over.recent(panel["reserve0_usd"], 6), over.recent(panel["reserve1_usd"], 6)
    both = reserve0 + reserve1
    volume = panel["volume_1h_usd"]
    tvl_change_6h = over.change(tvl, hours=6)
    volatility_6h, volatility_24h = over.std(moves, 6), over.std(moves, DAY)
    with np.errstate(divide="ignore", invalid="ignore"):
        imbalance = np.where(both > 0, np.abs(reserve0 - reserve1) / both, np.float32(np.nan))
        mean_volume = over.mean(volume, DAY)
        return {
            "tvl_change_6h": tvl_change_6h,
            "tvl_change_24h": over.change(tvl, hours=DAY),
            "tvl_acceleration": tvl_change_6h - over.change(ago(tvl, 6), hours=6),
            "volume_spike_ratio": np.where(mean_volume > 0, over.last(volume) / mean_volume, np.float32(np.nan)),
            "reserve_imbalance": over.last(imbalance),
            "reserve_imbalance_rate": over.difference(imbalance, hours=6),
            "volatility_6h": volatility_6h,
            "volatility_24h": volatility_24h,
            "volatility_ratio": np.where(volatility_24h > 0, volatility_6h / volatility_24h, np.float32(np.nan)),
        }


def _levels_and_volatility(tvl: np.ndarray, moves: np.ndarray, over: Over) -> dict[str, np.ndarray]:
    # Moves are told from the precise TVL; a high needs no more digits than it is stored with.
    level = tvl.astype(np.float32, copy=False)
    return {
        "tvl_change_1h": over.change(tvl, hours=1),
        "tvl_change_72h": over.change(tvl, hours=72),
        "tvl_change_7d": over.change(tvl, hours=WEEK),
        "tvl_change_30d": over.change(tvl, hours=MONTH - 1),
        "abs_return_mean_7d": over.mean(np.abs(over.recent(moves, WEEK)), WEEK),
        "ewma_volatility_7d": np.sqrt(over.ewma(moves, span=WEEK, hours=504, squared=True)),
        "ewma_volatility_30d": np.sqrt(over.ewma(moves, span=MONTH, hours=MONTH - 1, squared=True)),
        "downside_semideviation_7d": np.sqrt(over.mean(moves, WEEK, high=0, squared=True)),
        "downside_semideviation_30d": np.sqrt(over.mean(moves, MONTH - 1, high=0, squared=True)),
        "worst_return_7d": over.minimum(moves, WEEK),
        "drawdown_24h": over.below_maximum(level, DAY + 1),
        "drawdown_7d": over.below_maximum(level, WEEK + 1),
        "drawdown_30d": over.below_maximum(level, MONTH),
        "log_tvl": np.log(over.last(tvl)),
        "age_hours": over.hours_since_first(level, AGE_CAP),
    }


def _other_sources(panel: Panel, tvl: np.ndarray, over: Over) -> dict[str, np.ndarray]:
    price, apy = panel["price_ratio"], panel["apy"]
    return {
        "volume_to_tvl_ratio": over.last(panel["volume_24h_usd"]) / over.last(tvl),
        "price_ratio_change_24h": np.abs(over.log_change(price, DAY)),
        "price_ratio_volatility_7d": over.std(log_returns(over.recent(price, WEEK)), WEEK),
        "apy": over.last(apy),
        "apy_change_24h": over.difference(apy, hours=DAY),
        "input_age_hours": over.last(panel["input_age_hours"]),
        "unchanged_hours": over.hours_unchanged(over.recent(tvl, WEEK), WEEK),
    }
