"""Every pool feature: unit, formula and look-back. `features/pools.py` computes exactly these, in this order."""

from veririsk_assets.contracts.tables import Column, number

DAY = 24
WEEK = 7 * DAY
MONTH = 30 * DAY


def _feature(name: str, unit: str, lookback_hours: int, formula: str, description: str, **rules: float) -> Column:
    return number(name, description, unit, formula=formula, lookback_hours=lookback_hours, **rules)


def _since(what: str, percent: int, move: str, event: str) -> Column:
    formula = f"hours since an hourly LP {move} of {percent} %, capped at 719; null where over 71 hours since are unknown"
    return _feature(f"hours_since_{what}_{percent}pct", "hours", MONTH - 1, formula, f"Time since {event}")


PHASE2_FEATURES: tuple[Column, ...] = (
    _feature("tvl_change_6h", "ratio", 6, "(TVL_t - TVL_{t-6}) / TVL_{t-6}", "TVL change over 6 hours"),
    _feature("tvl_change_24h", "ratio", 24, "(TVL_t - TVL_{t-24}) / TVL_{t-24}", "TVL change over 24 hours"),
    _feature("tvl_acceleration", "ratio", 12, "tvl_change_6h_t - tvl_change_6h_{t-6}", "Whether the TVL change is speeding up"),
    _feature("volume_spike_ratio", "ratio", 23, "volume_1h / mean of 24 h", "Hourly volume against its 24-hour mean"),
    _feature(
        "reserve_imbalance",
        "ratio",
        0,
        "|R0 - R1| / (R0 + R1), USD at outside prices",
        "How uneven the two sides are; null without outside prices",
    ),
    _feature("reserve_imbalance_rate", "ratio", 6, "imbalance_t - imbalance_{t-6}", "Change of the imbalance over 6 hours"),
    _feature("volatility_6h", "ratio", 6, "std of the 6 last hourly TVL returns", "Volatility over 6 hours"),
    _feature("volatility_24h", "ratio", 24, "std of the 24 last hourly TVL returns", "Volatility over 24 hours"),
    _feature("volatility_ratio", "ratio", 24, "volatility_6h / volatility_24h", "Short against long volatility"),
    _feature("early_warning_score", "0-100", 24, "weighted composite, see docs/models.md", "The rule-based score", ge=0.0, le=100.0),
)

RICHER_FEATURES: tuple[Column, ...] = (
    _feature("tvl_change_1h", "ratio", 1, "(TVL_t - TVL_{t-1}) / TVL_{t-1}", "TVL change over the last hour"),
    _feature("tvl_change_12h", "ratio", 12, "(TVL_t - TVL_{t-12}) / TVL_{t-12}", "TVL change over 12 hours"),
    _feature("tvl_change_72h", "ratio", 72, "(TVL_t - TVL_{t-72}) / TVL_{t-72}", "TVL change over 3 days"),
    _feature("tvl_change_7d", "ratio", WEEK, "(TVL_t - TVL_{t-168}) / TVL_{t-168}", "TVL change over 7 days"),
    _feature("tvl_change_30d", "ratio", MONTH - 1, "(TVL_t - TVL_{t-719}) / TVL_{t-719}", "TVL change over 30 days"),
    _feature("abs_return_mean_7d", "ratio", WEEK, "mean |hourly return| over 168 h", "Average size of an hourly TVL move over 7 days"),
    _feature(
        "ewma_volatility_7d",
        "ratio",
        504,
        "sqrt(EWMA of squared returns), span 168 h, window 504 h",
        "Volatility, weighted to the last week",
    ),
    _feature(
        "ewma_volatility_30d",
        "ratio",
        MONTH - 1,
        "sqrt(EWMA of squared returns), span 720 h, window 719 h",
        "Volatility, weighted to the last month",
    ),
    _feature("downside_semideviation_7d", "ratio", WEEK, "sqrt(mean of min(return, 0)^2) over 168 h", "Volatility of falls only, 7 days"),
    _feature(
        "downside_semideviation_30d", "ratio", MONTH - 1, "sqrt(mean of min(return, 0)^2) over 719 h", "Volatility of falls only, 30 days"
    ),
    _feature("worst_return_7d", "ratio", WEEK, "min hourly return over 168 h", "Worst hour of the last 7 days"),
    _feature("drawdown_24h", "ratio", DAY, "TVL_t / max TVL of 25 h - 1", "How far below the 24-hour high"),
    _feature("drawdown_7d", "ratio", WEEK, "TVL_t / max TVL of 169 h - 1", "How far below the 7-day high"),
    _feature("drawdown_30d", "ratio", MONTH - 1, "TVL_t / max TVL of 720 h - 1", "How far below the 30-day high"),
    _feature("reserve_imbalance_mean_6h", "ratio", 5, "mean of reserve_imbalance over 6 h", "Imbalance, steadied over 6 hours"),
    _feature("reserve_imbalance_mean_24h", "ratio", 23, "mean of reserve_imbalance over 24 h", "Imbalance, steadied over a day"),
    _feature("volume_surge_6h", "ratio", WEEK - 1, "mean volume_1h of 6 h / mean of 168 h", "Volume of 6 hours against the week"),
    _feature("volume_to_tvl_ratio", "ratio", 0, "volume_24h / TVL", "How often the TVL turned over in a day"),
    _feature(
        "price_ratio_change_24h", "ratio", DAY, "|ln(p_t / p_{t-24})|, p = reserve1 / reserve0", "Move of the pool's own price over a day"
    ),
    _feature("price_ratio_volatility_7d", "ratio", WEEK, "std of hourly log changes of p over 168 h", "Volatility of the pool's own price"),
    _feature("apy", "ratio", 0, "as the source says", "Yield per year"),
    _feature("apy_change_24h", "ratio", DAY, "apy_t - apy_{t-24}", "Change of the yield over a day"),
    _feature("lp_supply_change_6h", "ratio", 6, "(LP_t - LP_{t-6}) / LP_{t-6}", "LP-supply change over 6 hours"),
    _feature("lp_supply_change_24h", "ratio", DAY, "(LP_t - LP_{t-24}) / LP_{t-24}", "LP-supply change over a day"),
    _feature("lp_supply_change_7d", "ratio", WEEK, "(LP_t - LP_{t-168}) / LP_{t-168}", "LP-supply change over 7 days"),
    _feature("lp_supply_volatility_7d", "ratio", WEEK, "std of hourly LP-supply changes over 168 h", "How unsteady the LP supply is"),
    _feature(
        "lp_largest_burn_7d",
        "ratio",
        WEEK,
        "max of -hourly LP change, 168 h, at least 0",
        "Largest share of LP tokens burnt in one hour, 7 days",
    ),
    _feature(
        "lp_largest_mint_7d",
        "ratio",
        WEEK,
        "max of hourly LP change, 168 h, at least 0",
        "Largest share of LP tokens minted in one hour, 7 days",
    ),
    _feature("lp_largest_burn_30d", "ratio", MONTH - 1, "as above, 719 h", "Largest share of LP tokens burnt in one hour, 30 days"),
    _feature("lp_largest_mint_30d", "ratio", MONTH - 1, "as above, 719 h", "Largest share of LP tokens minted in one hour, 30 days"),
    _feature(
        "lp_mint_concentration_30d", "ratio", MONTH - 1, "largest mint / sum of mints, 719 h", "How much of what was minted came at once"
    ),
    _feature(
        "lp_hot_money_ratio_30d", "ratio", MONTH - 1, "(LP_t - min LP of 720 h) / LP_t", "Share minted within 30 days and not yet burnt"
    ),
    _feature("lp_supply_to_max_30d", "ratio", MONTH - 1, "LP_t / max LP of 720 h", "LP supply against its 30-day maximum"),
    _since("burn", 5, "fall", "a large exit"),
    _since("burn", 20, "fall", "a very large exit"),
    _since("mint", 5, "rise", "a large deposit"),
    _since("mint", 20, "rise", "a very large deposit"),
    _feature("lp_price_change_24h", "ratio", DAY, "change of TVL / LP over 24 h", "Price part of the TVL change"),
    _feature("lp_price_volatility_7d", "ratio", WEEK, "std of hourly changes of TVL / LP over 168 h", "Volatility of the price part"),
    _feature("rank_tvl_change_24h", "0-1", DAY, "rank among pools of the hour", "TVL change over a day, ranked among all pools"),
    _feature("rank_ewma_volatility_7d", "0-1", 504, "rank among pools of the hour", "Volatility, ranked among all pools"),
    _feature("rank_drawdown_7d", "0-1", WEEK, "rank among pools of the hour", "Drawdown, ranked among all pools"),
    _feature("market_share_falling_24h", "ratio", DAY, "share of pools with tvl_change_24h < -5 %", "How many pools are falling together"),
    _feature("market_median_change_24h", "ratio", DAY, "median of tvl_change_24h", "The middle pool's TVL change over a day"),
    _feature("market_volatility_7d", "ratio", WEEK, "std over 168 h of the median hourly return", "Market-wide volatility"),
    _feature("market_drawdown_7d", "ratio", WEEK, "compounded median return against its 7-day high", "Market-wide drawdown"),
    _feature("eth_return_24h", "ratio", DAY, "ETH_t / ETH_{t-24} - 1", "ETH return over a day; null without outside prices"),
    _feature("eth_volatility_7d", "ratio", WEEK, "std of hourly ETH returns over 168 h", "ETH volatility; null without outside prices"),
    _feature("eth_drawdown_7d", "ratio", WEEK, "ETH_t / max ETH of 169 h - 1", "ETH drawdown; null without outside prices"),
    _feature("log_tvl", "ln(USD)", 0, "ln(TVL)", "Size of the pool"),
    _feature("age_hours", "hours", MONTH - 1, "hours since first seen, capped at 719", "Age of the pool as we know it"),
    _feature("input_age_hours", "hours", 0, "cut-off - observed_at", "How old the TVL is"),
    _feature(
        "unchanged_hours",
        "hours",
        WEEK,
        "hours for which this TVL has been seen, capped at 168; null if seen once",
        "How long the source has repeated itself",
    ),
)

# Evidence from outside the pools: perpetual futures, lending, stablecoins, gas, mood, token prices, LP holders.
EVIDENCE_FEATURES: tuple[Column, ...] = (
    _feature("funding_rate_24h", "ratio", 23, "mean of funding_rate over 24 h", "What longs pay shorts per hour, BTC and ETH, over a day"),
    _feature(
        "funding_rate_7d", "ratio", WEEK - 1, "mean of funding_rate over 168 h", "What longs pay shorts per hour, BTC and ETH, over a week"
    ),
    _feature("perp_premium_24h", "ratio", 23, "mean of perp_premium over 24 h", "How far BTC and ETH perpetuals trade above their oracle"),
    _feature(
        "open_interest_change_24h", "ratio", DAY, "(OI_t - OI_{t-24}) / OI_{t-24}, USD", "Change of BTC and ETH open interest over a day"
    ),
    _feature("aave_utilisation", "ratio", 0, "borrowed / supplied, USD", "How much of the Aave reserves is borrowed"),
    _feature(
        "aave_utilisation_change_24h", "ratio", DAY, "utilisation_t - utilisation_{t-24}", "Change of the Aave utilisation over a day"
    ),
    _feature(
        "aave_liquidation_surge_7d",
        "ratio",
        MONTH - 2,
        "mean of aave_liquidations_usd over 168 h / over 719 h",
        "Liquidations of the week against the month's",
    ),
    _feature(
        "stablecoin_supply_change_7d", "ratio", WEEK, "(S_t - S_{t-168}) / S_{t-168}, USDT + USDC + DAI", "Stablecoins issued over 7 days"
    ),
    _feature("gas_surge_7d", "ratio", WEEK - 1, "gas_t / mean gas of 168 h", "Gas price against its week"),
    _feature("fear_greed", "0-100", 0, "as the source says", "Fear & Greed index; low is fear", ge=0.0, le=100.0),
    _feature("fear_greed_change_7d", "points", WEEK, "index_t - index_{t-168}", "Change of the Fear & Greed index over 7 days"),
    _feature(
        "token_price_change_24h_worst",
        "ratio",
        DAY,
        "min over the known tokens of P_t / P_{t-24} - 1",
        "The worse of the tokens' outside price changes",
    ),
    _feature(
        "token_price_volatility_7d",
        "ratio",
        WEEK,
        "max over the known tokens of the std of hourly returns, 168 h",
        "The larger of the tokens' outside volatilities",
    ),
    _feature(
        "token_price_drawdown_7d_worst",
        "ratio",
        WEEK,
        "min over the known tokens of P_t / max P of 169 h - 1",
        "The token that stands furthest below its 7-day high",
    ),
    _feature("lp_top1_share", "ratio", 0, "LP tokens of the largest holder / LP supply", "Share of the largest LP holder", ge=0.0, le=1.0),
    _feature(
        "lp_top5_share",
        "ratio",
        0,
        "LP tokens of the five largest holders / LP supply",
        "Share of the five largest LP holders",
        ge=0.0,
        le=1.0,
    ),
    _feature("lp_top1_share_change_7d", "ratio", WEEK, "share_t - share_{t-168}", "Change of the largest LP holder's share over 7 days"),
)

FEATURE_COLUMNS: tuple[Column, ...] = PHASE2_FEATURES + RICHER_FEATURES + EVIDENCE_FEATURES
PHASE2_NAMES: tuple[str, ...] = tuple(column.name for column in PHASE2_FEATURES)
FEATURE_NAMES: tuple[str, ...] = tuple(column.name for column in FEATURE_COLUMNS)
EVIDENCE_NAMES: tuple[str, ...] = tuple(column.name for column in EVIDENCE_FEATURES)
# Evidence that an ablation on recorded pools has shown to help; docs/experiments.md says which was tried.
ADMITTED: tuple[str, ...] = ()
MODEL_FEATURES: tuple[str, ...] = tuple(name for name in FEATURE_NAMES if name not in EVIDENCE_NAMES or name in ADMITTED)
LOOKBACK_HOURS: int = max(column.lookback_hours for column in FEATURE_COLUMNS)
INPUTS: tuple[str, ...] = (
    "tvl_usd", "reserve0_usd", "reserve1_usd", "price_ratio", "volume_1h_usd", "volume_24h_usd",
    "lp_supply", "apy", "input_age_hours", "price0_usd", "price1_usd", "lp_top1_share", "lp_top5_share", "taken_back_hours",
)  # fmt: skip
SURROUNDING_INPUTS: tuple[str, ...] = (
    "eth_price_usd", "funding_rate", "perp_premium", "open_interest_usd", "aave_utilisation", "aave_liquidations_usd",
    "stablecoin_supply_usd", "gas_gwei", "fear_greed",
)  # fmt: skip
