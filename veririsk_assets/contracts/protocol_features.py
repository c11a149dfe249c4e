"""Every protocol feature: unit, formula and look-back. `features/protocols.py` computes exactly these, in this order.

A row is a day; t - 7 is seven days earlier. The first twelve are the indicators of the DeFi Risk Assessment documentation, their
definitions ours where it has none.
"""

from veririsk_assets.contracts.tables import Column, number
from veririsk_assets.contracts.windows import DAY_HOURS

WEEK, MONTH, QUARTER = 7, 30, 90


def _feature(name: str, unit: str, days: int, formula: str, description: str, **rules: float) -> Column:
    return number(name, description, unit, formula=formula, lookback_hours=days * DAY_HOURS, **rules)


def _volatility(name: str, what: str) -> Column:
    return _feature(
        name, "ratio per day", MONTH, f"std of the 30 last daily ln({what}_t / {what}_{{t-1}})", f"Volatility of the {what} over 30 days"
    )


INDICATORS: tuple[Column, ...] = (
    _volatility("tvl_vol_30", "TVL"),
    _volatility("price_vol_30", "price"),
    _volatility("volume_vol_30", "volume"),
    _volatility("mc_vol_30", "market cap"),
    _feature("price_slope", "per day", MONTH - 1, "slope of the line through ln price of 30 days", "Trend of the token's price over 30 days"),
    _feature("tvl_slope", "per day", MONTH - 1, "slope of the line through ln TVL of 30 days", "Trend of the TVL over 30 days"),
    _feature("tvl_trend_7", "ratio", WEEK, "TVL_t / TVL_{t-7} - 1", "TVL change over 7 days"),
    _feature("price_momentum", "ratio", WEEK, "price_t / price_{t-7} - 1", "Change of the token's price over 7 days"),
    _feature("liquidity_ratio_30", "ratio", MONTH - 1, "mean of volume / TVL of 30 days", "Daily volume against TVL"),
    _feature("volume_consistency", "ratio", MONTH - 1, "mean / std of the volume of 30 days", "How even the volume is from day to day"),
    _feature("market_cap_stability", "days", MONTH, "1 / mc_vol_30, where that is above 0.0001", "How steady the market capitalisation is"),
    _feature("drawdown_risk", "0-1", MONTH - 1, "largest fall of TVL from its running peak in 30 days", "Deepest fall inside 30 days", ge=0.0, le=1.0),
)  # fmt: skip

MORE: tuple[Column, ...] = (
    _feature("tvl_change_1d", "ratio", 1, "TVL_t / TVL_{t-1} - 1", "TVL change over the last day"),
    _feature("tvl_change_3d", "ratio", 3, "TVL_t / TVL_{t-3} - 1", "TVL change over 3 days"),
    _feature("tvl_change_30d", "ratio", MONTH, "TVL_t / TVL_{t-30} - 1", "TVL change over 30 days"),
    _feature("tvl_below_high_30", "ratio", MONTH - 1, "TVL_t / largest TVL of 30 days - 1", "How far TVL stands below its 30-day high", le=0.0),
    _feature("tvl_vol_7", "ratio per day", WEEK, "std of the 7 last daily ln(TVL_t / TVL_{t-1})", "Volatility of the TVL over 7 days"),
    _feature("ewma_volatility_30", "ratio per day", QUARTER, "sqrt(EWMA of squared daily log changes), span 30 days, window 90", "Volatility of the TVL, weighted to the last month"),
    _feature("worst_day_30", "ratio", MONTH, "smallest daily change of 30 days", "The worst day of 30"),
    _feature("downside_30", "ratio per day", MONTH, "sqrt(mean of min(change, 0)^2) over 30 days", "Volatility of falls only"),
    _feature("rank_tvl_vol_30", "0-1", MONTH, "rank among the protocols of the day", "Where its volatility stands among protocols", ge=0.0, le=1.0),
    _feature("rank_tvl_trend_7", "0-1", WEEK, "rank among the protocols of the day", "Where its weekly change stands among protocols", ge=0.0, le=1.0),
    _feature("tvl_against_market_7", "ratio", WEEK, "tvl_trend_7 - its median over the protocols of the day", "TVL change over 7 days against the market's"),
    _feature("market_median_change_7", "ratio", WEEK, "median of tvl_trend_7", "The middle protocol's TVL change over 7 days"),
    _feature("market_share_falling_7", "0-1", WEEK, "share with tvl_trend_7 < -0.1", "Share of protocols that lost over 10 % in 7 days", ge=0.0, le=1.0),
    _feature("market_volatility_30", "ratio per day", MONTH, "std of the median daily log change of 30 days", "Volatility of the middle protocol"),
    _feature("log_tvl", "log USD", 0, "ln TVL", "Size"),
    _feature("age_hours", "hours", QUARTER, "24 × days since the first known TVL, at most 90 days", "For how long it has been seen", ge=0.0),
    _feature("input_age_hours", "hours", 0, "cut-off - time of the TVL", "Age of the TVL", ge=0.0),
    _feature("early_warning_score", "0-100", MONTH, "weighted composite, see docs/models.md", "The rule-based score", ge=0.0, le=100.0),
)  # fmt: skip

FEATURE_COLUMNS = (*INDICATORS, *MORE)
FEATURE_NAMES = tuple(column.name for column in FEATURE_COLUMNS)
LOOKBACK_DAYS = max(column.lookback_hours for column in FEATURE_COLUMNS) // DAY_HOURS
# What they are computed from, on the daily grid.
INPUTS = ("tvl_usd", "price_usd", "market_cap_usd", "volume_usd", "input_age_hours")
# How old what is heard is, says nothing of a protocol.
MODEL_FEATURES = tuple(name for name in FEATURE_NAMES if name != "input_age_hours")
