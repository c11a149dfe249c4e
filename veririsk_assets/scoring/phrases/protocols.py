"""What every feature of protocols is called in a sentence."""

from veririsk_assets.scoring.phrases.phrase import Phrase, below_high, change, states, with_reasons


def _slope(what: str) -> Phrase:
    return Phrase(
        f"{what} has risen by {{}} a day over 30 days", f"{what} has fallen by {{}} a day over 30 days", f"{what} has no trend over 30 days",
        f"The 30-day trend of {what} is not known", "percent", "signed",
    )  # fmt: skip


def _rank(what: str) -> Phrase:
    return Phrase(
        f"{what} is higher than in {{}} of protocols", f"{what} is higher than in {{}} of protocols", f"{what} is the lowest of all protocols",
        f"{what} cannot be ranked", "percent",
    )  # fmt: skip


_SAID: dict[str, Phrase] = {
    "tvl_vol_30": states("TVL volatility per day over 30 days"),
    "price_vol_30": states("Volatility per day of its token's price over 30 days"),
    "volume_vol_30": states("Volatility per day of its volume over 30 days"),
    "mc_vol_30": states("Volatility per day of its market capitalisation over 30 days"),
    "price_slope": _slope("its token's price"),
    "tvl_slope": _slope("TVL"),
    "tvl_trend_7": change("TVL", "7 days"),
    "price_momentum": change("Its token's price", "7 days"),
    "liquidity_ratio_30": states("Daily volume against TVL over 30 days"),
    "volume_consistency": states("Mean daily volume against its own spread over 30 days", "times"),
    "market_cap_stability": states("The steadiness of its market capitalisation (1 / volatility)", "number"),
    "drawdown_risk": states("The deepest TVL fall within 30 days"),
    "tvl_change_1d": change("TVL", "1 day"),
    "tvl_change_3d": change("TVL", "3 days"),
    "tvl_change_30d": change("TVL", "30 days"),
    "tvl_below_high_30": below_high("TVL", "30-day high"),
    "tvl_vol_7": states("TVL volatility per day over 7 days"),
    "ewma_volatility_30": states("TVL volatility per day, weighted to the last month,"),
    "worst_day_30": Phrase(
        "TVL rose at least {} on every day of 30", "The worst day of 30 took {} of the TVL", "No day of 30 took TVL away",
        "The worst day of 30 is not known", "percent", "bare",
    ),
    "downside_30": states("Downside TVL volatility per day over 30 days"),
    "rank_tvl_vol_30": _rank("30-day TVL volatility"),
    "rank_tvl_trend_7": _rank("The 7-day TVL change"),
    "tvl_against_market_7": Phrase(
        "TVL did {} better than the middle protocol's over 7 days", "TVL did {} worse than the middle protocol's over 7 days",
        "TVL moved with the middle protocol's over 7 days", "How TVL moved against the market over 7 days is not known", "points", "signed",
    ),
    "market_median_change_7": change("The middle protocol's TVL", "7 days"),
    "market_share_falling_7": states("The share of protocols that lost over 10 % in 7 days"),
    "market_volatility_30": states("Volatility per day of the middle protocol over 30 days"),
    "log_tvl": Phrase("TVL is {}", "TVL is {}", "TVL is {}", "TVL is not known", "usd", "raw"),
    "age_hours": Phrase("The protocol was first seen {} ago", "", "The protocol was first seen today", "The protocol's age is not known", "hours"),
    "input_age_hours": Phrase("The last observation is {} old", "", "The last observation is of this hour", "The age of the input is not known", "hours"),
    "early_warning_score": states("The early-warning score", "number"),
}  # fmt: skip

SWINGS = "TVL that has swung widely goes on swinging"
PHRASES: dict[str, Phrase] = with_reasons(_SAID, {
    SWINGS: ("tvl_vol_30", "tvl_vol_7", "ewma_volatility_30", "worst_day_30", "downside_30", "rank_tvl_vol_30", "drawdown_risk"),
    "What has moved far moves on, or back": (
        "tvl_slope", "tvl_trend_7", "tvl_change_1d", "tvl_change_3d", "tvl_change_30d", "tvl_below_high_30",
    ),
    "Its token holds part of the TVL, and the trust in it": ("price_vol_30", "mc_vol_30", "price_slope", "price_momentum", "market_cap_stability"),
    "Trade that comes and goes takes liquidity with it": ("volume_vol_30", "liquidity_ratio_30", "volume_consistency"),
    "It says how this one stands among the others, whatever the market does": ("rank_tvl_trend_7", "tvl_against_market_7"),
    "Protocols fall together": ("market_median_change_7", "market_share_falling_7", "market_volatility_30"),
    "Small protocols fall more easily": ("log_tvl",),
    "Young protocols fall more often": ("age_hours",),
    "What is old may be otherwise by now": ("input_age_hours",),
    "It adds up six signs of trouble": ("early_warning_score",),
})  # fmt: skip
