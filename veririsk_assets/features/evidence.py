"""What the world outside the pools says: perpetual futures, lending, stablecoins, gas, mood, token prices, LP holders.

NaN where no source knows it. Nothing here is an input of the early-warning score.
"""

import numpy as np

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pool_features import DAY, MONTH, WEEK
from veririsk_assets.features.market import shared
from veririsk_assets.panels.rolling import Over, returns


def evidence_features(panel: Panel, market: Panel, over: Over) -> dict[str, np.ndarray]:
    """EVIDENCE_FEATURES; `market` holds SURROUNDING_INPUTS as one column."""
    features = shared(_market_columns(market, over), over.rows, panel.shape[1]) | _token_prices(panel, over)
    top = panel["lp_top1_share"]
    features |= {"lp_top1_share": over.last(top), "lp_top5_share": over.last(panel["lp_top5_share"])}
    return features | {"lp_top1_share_change_7d": over.difference(top, hours=WEEK)}


def _market_columns(market: Panel, over: Over) -> dict[str, np.ndarray]:
    funding, utilisation, mood = market["funding_rate"], market["aave_utilisation"], market["fear_greed"]
    return {
        "funding_rate_24h": over.mean(funding, DAY),
        "funding_rate_7d": over.mean(funding, WEEK),
        "perp_premium_24h": over.mean(market["perp_premium"], DAY),
        "open_interest_change_24h": over.change(market["open_interest_usd"], hours=DAY),
        "aave_utilisation": over.last(utilisation),
        "aave_utilisation_change_24h": over.difference(utilisation, hours=DAY),
        "aave_liquidation_surge_7d": _surge(
            over.mean(market["aave_liquidations_usd"], WEEK), market["aave_liquidations_usd"], MONTH - 1, over
        ),
        "stablecoin_supply_change_7d": over.change(market["stablecoin_supply_usd"], hours=WEEK),
        "gas_surge_7d": _surge(over.last(market["gas_gwei"]), market["gas_gwei"], WEEK, over),
        "fear_greed": over.last(mood),
        "fear_greed_change_7d": over.difference(mood, hours=WEEK),
    }


def _surge(now: np.ndarray, x: np.ndarray, hours: int, over: Over) -> np.ndarray:
    """`now` against the mean of `x` over hours; NaN where that is 0."""
    usual = over.mean(x, hours)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(usual > 0, now / usual, np.float32(np.nan))


def _token_prices(panel: Panel, over: Over) -> dict[str, np.ndarray]:
    """The worse of the two tokens where both prices are known, else that of the known one."""
    sides = [_of_token(panel[name], over) for name in ("price0_usd", "price1_usd")]
    worse = {"token_price_change_24h_worst": np.fmin, "token_price_volatility_7d": np.fmax, "token_price_drawdown_7d_worst": np.fmin}
    return {name: pick(*(side[name] for side in sides)) for name, pick in worse.items()}


def _of_token(price: np.ndarray, over: Over) -> dict[str, np.ndarray]:
    return {
        "token_price_change_24h_worst": over.change(price, hours=DAY),
        "token_price_volatility_7d": over.std(returns(over.recent(price, WEEK)), WEEK),
        "token_price_drawdown_7d_worst": over.below_maximum(price, WEEK + 1),
    }
