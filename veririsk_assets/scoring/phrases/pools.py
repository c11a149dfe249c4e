"""What every feature of pools is called in a sentence."""

from veririsk_assets.scoring.phrases.phrase import Phrase, below_high, change, moved, since, states, with_reasons


def _largest(what: str, span: str) -> Phrase:
    said = f"The largest {what} of the last {span} was {{}} of the LP supply in one hour"
    return Phrase(said, said, f"There was no {what} in the last {span}", f"The {what}s of the last {span} are not known", "percent")


def _rank(what: str) -> Phrase:
    said = f"{what} is higher than in {{}} of pools"
    return Phrase(said, said, f"{what} is the lowest of all pools", f"{what} cannot be ranked", "percent")


_SAID: dict[str, Phrase] = {
    "tvl_change_1h": change("TVL", "1 hour"),
    "tvl_change_6h": change("TVL", "6 hours"),
    "tvl_change_12h": change("TVL", "12 hours"),
    "tvl_change_24h": change("TVL", "24 hours"),
    "tvl_change_72h": change("TVL", "3 days"),
    "tvl_change_7d": change("TVL", "7 days"),
    "tvl_change_30d": change("TVL", "30 days"),
    "tvl_acceleration": Phrase(
        "The 6-hour TVL change is {} higher than 6 hours ago", "The 6-hour TVL change is {} lower than 6 hours ago",
        "The TVL change is as fast as 6 hours ago", "Whether the TVL change speeds up is not known", "points", "signed",
    ),
    "volume_spike_ratio": states("Hourly volume against its 24-hour mean", "times"),
    "reserve_imbalance": states("The imbalance of the two reserves"),
    "reserve_imbalance_mean_6h": states("The imbalance of the two reserves, averaged over 6 hours,"),
    "reserve_imbalance_mean_24h": states("The imbalance of the two reserves, averaged over 24 hours,"),
    "volume_surge_6h": states("The volume of the last 6 hours against the week's", "times"),
    "reserve_imbalance_rate": Phrase(
        "The imbalance of the reserves grew by {} over 6 hours", "The imbalance of the reserves shrank by {} over 6 hours",
        "The imbalance of the reserves did not move over 6 hours", "How the imbalance of the reserves moved is not known",
        "points", "signed",
    ),
    "volatility_6h": states("TVL volatility per hour over 6 hours"),
    "volatility_24h": states("TVL volatility per hour over 24 hours"),
    "volatility_ratio": states("6-hour against 24-hour TVL volatility", "times"),
    "early_warning_score": states("The early-warning score", "number"),
    "abs_return_mean_7d": states("The average hourly TVL move of 7 days"),
    "ewma_volatility_7d": states("TVL volatility per hour, weighted to the last 7 days,"),
    "ewma_volatility_30d": states("TVL volatility per hour, weighted to the last 30 days,"),
    "downside_semideviation_7d": states("Downside TVL volatility per hour over 7 days"),
    "downside_semideviation_30d": states("Downside TVL volatility per hour over 30 days"),
    "worst_return_7d": Phrase(
        "TVL rose at least {} in every hour of 7 days", "The worst hour of 7 days took {} of the TVL", "No hour of 7 days took TVL away",
        "The worst hour of 7 days is not known", "percent", "bare",
    ),
    "drawdown_24h": below_high("TVL", "24-hour high"),
    "drawdown_7d": below_high("TVL", "7-day high"),
    "drawdown_30d": below_high("TVL", "30-day high"),
    "volume_to_tvl_ratio": states("24-hour volume against TVL"),
    "price_ratio_change_24h": states("The move of the pool's own price over 24 hours"),
    "price_ratio_volatility_7d": states("The volatility per hour of the pool's own price over 7 days"),
    "apy": states("The yield per year"),
    "apy_change_24h": moved("The yield", "24 hours"),
    "lp_supply_change_6h": change("LP supply", "6 hours"),
    "lp_supply_change_24h": change("LP supply", "24 hours"),
    "lp_supply_change_7d": change("LP supply", "7 days"),
    "lp_supply_volatility_7d": states("LP-supply volatility per hour over 7 days"),
    "lp_largest_burn_7d": _largest("burn", "7 days"),
    "lp_largest_mint_7d": _largest("mint", "7 days"),
    "lp_largest_burn_30d": _largest("burn", "30 days"),
    "lp_largest_mint_30d": _largest("mint", "30 days"),
    "lp_mint_concentration_30d": states("The largest mint's share of all mints of 30 days"),
    "lp_hot_money_ratio_30d": states("LP supply minted within 30 days and not yet burnt"),
    "lp_supply_to_max_30d": states("LP supply against its 30-day maximum"),
    "hours_since_burn_5pct": since("burn of 5 % or more"),
    "hours_since_burn_20pct": since("burn of 20 % or more"),
    "hours_since_mint_5pct": since("mint of 5 % or more"),
    "hours_since_mint_20pct": since("mint of 20 % or more"),
    "lp_price_change_24h": change("TVL per LP token", "24 hours"),
    "lp_price_volatility_7d": states("Volatility per hour of TVL per LP token over 7 days"),
    "rank_tvl_change_24h": _rank("The 24-hour TVL change"),
    "rank_ewma_volatility_7d": _rank("7-day volatility"),
    "rank_drawdown_7d": _rank("TVL against its 7-day high"),
    "market_share_falling_24h": states("The share of pools that lost over 5 % in 24 hours"),
    "market_median_change_24h": change("The middle pool's TVL", "24 hours"),
    "market_volatility_7d": states("Market-wide volatility per hour over 7 days"),
    "market_drawdown_7d": below_high("The market", "7-day high"),
    "eth_return_24h": change("ETH", "24 hours"),
    "eth_volatility_7d": states("ETH volatility per hour over 7 days"),
    "eth_drawdown_7d": below_high("ETH", "7-day high"),
    "funding_rate_24h": states("The hourly funding rate of BTC and ETH perpetuals, averaged over 24 hours,"),
    "funding_rate_7d": states("The hourly funding rate of BTC and ETH perpetuals, averaged over 7 days,"),
    "perp_premium_24h": Phrase(
        "BTC and ETH perpetuals traded {} above their oracle over 24 hours", "BTC and ETH perpetuals traded {} below their oracle over 24 hours",
        "BTC and ETH perpetuals traded at their oracle over 24 hours", "The premium of BTC and ETH perpetuals is not known", "percent", "signed",
    ),
    "open_interest_change_24h": change("The open interest of BTC and ETH perpetuals", "24 hours"),
    "aave_utilisation": states("The borrowed share of the Aave reserves"),
    "aave_utilisation_change_24h": moved("The borrowed share of the Aave reserves", "24 hours"),
    "aave_liquidation_surge_7d": states("The Aave liquidations of 7 days against the month's", "times"),
    "stablecoin_supply_change_7d": change("The supply of stablecoins", "7 days"),
    "gas_surge_7d": states("The gas price against its 7-day mean", "times"),
    "fear_greed": states("The Fear & Greed index", "number"),
    "fear_greed_change_7d": Phrase(
        "The Fear & Greed index rose by {} over 7 days", "The Fear & Greed index fell by {} over 7 days",
        "The Fear & Greed index did not move over 7 days", "How the Fear & Greed index moved over 7 days is not known", "number", "signed",
    ),
    "token_price_change_24h_worst": change("The weaker token's outside price", "24 hours"),
    "token_price_volatility_7d": states("The volatility per hour of the wilder token's outside price over 7 days"),
    "token_price_drawdown_7d_worst": below_high("The weaker token's outside price", "7-day high"),
    "lp_top1_share": states("The largest holder's share of the LP supply"),
    "lp_top5_share": states("The five largest holders' share of the LP supply"),
    "lp_top1_share_change_7d": moved("The largest holder's share of the LP supply", "7 days"),
    "log_tvl": Phrase("TVL is {}", "TVL is {}", "TVL is {}", "TVL is not known", "usd", "raw"),
    "age_hours": Phrase("The pool was first seen {} ago", "", "The pool was first seen this hour", "The pool's age is not known", "hours"),
    "input_age_hours": Phrase(
        "The last observation is {} old", "", "The last observation is of this hour", "The age of the input is not known", "hours"
    ),
    "unchanged_hours": Phrase(
        "The TVL has not changed for {}", "", "The TVL changed this hour", "Whether the TVL changes is not known", "hours"
    ),
}  # fmt: skip

UNDER_WAY = "Most falls go on from one that has begun"
SWINGS = "TVL that has swung widely goes on swinging"
TRADING = "Heavy trading drains reserves, and comes with trouble"
ONE_SIDED = "Reserves drawn to one side show that one token is being sold"
WEAKER_TOKEN = "A pool falls with the weaker of its tokens"
EXITS = "Where some withdraw, others follow"
OWNERS = "What one owner has brought, one owner can take away"
TOGETHER = "Pools fall together"
ETHER = "Most pools hold ETH or follow it"
LEVERAGE = "Leverage makes falls steep, and loans that end badly spread to pools"
MOOD = "When money and courage leave the market, pools lose both"
AMONG_OTHERS = "It says how this one stands among the others, whatever the market does"

PHRASES: dict[str, Phrase] = with_reasons(_SAID, {
    UNDER_WAY: (
        "tvl_change_1h", "tvl_change_6h", "tvl_change_12h", "tvl_change_24h", "tvl_acceleration",
        "drawdown_24h", "drawdown_7d", "drawdown_30d", "lp_price_change_24h",
    ),
    "What has moved far moves on, or back": ("tvl_change_72h", "tvl_change_7d", "tvl_change_30d"),
    SWINGS: (
        "volatility_6h", "volatility_24h", "volatility_ratio", "abs_return_mean_7d", "ewma_volatility_7d", "ewma_volatility_30d",
        "downside_semideviation_7d", "downside_semideviation_30d", "worst_return_7d", "lp_price_volatility_7d",
    ),
    TRADING: ("volume_spike_ratio", "volume_surge_6h", "volume_to_tvl_ratio"),
    ONE_SIDED: ("reserve_imbalance", "reserve_imbalance_mean_6h", "reserve_imbalance_mean_24h", "reserve_imbalance_rate"),
    "It adds up nine signs of trouble": ("early_warning_score",),
    WEAKER_TOKEN: (
        "price_ratio_change_24h", "price_ratio_volatility_7d", "token_price_change_24h_worst", "token_price_volatility_7d",
        "token_price_drawdown_7d_worst",
    ),
    "A high yield draws money that leaves as fast": ("apy", "apy_change_24h"),
    EXITS: (
        "lp_supply_change_6h", "lp_supply_change_24h", "lp_supply_change_7d", "lp_supply_volatility_7d", "lp_supply_to_max_30d",
        "lp_largest_burn_7d", "lp_largest_burn_30d", "hours_since_burn_5pct", "hours_since_burn_20pct",
    ),
    OWNERS: (
        "lp_largest_mint_7d", "lp_largest_mint_30d", "lp_mint_concentration_30d", "lp_hot_money_ratio_30d", "hours_since_mint_5pct",
        "hours_since_mint_20pct", "lp_top1_share", "lp_top5_share", "lp_top1_share_change_7d",
    ),
    AMONG_OTHERS: ("rank_tvl_change_24h", "rank_ewma_volatility_7d", "rank_drawdown_7d"),
    TOGETHER: ("market_share_falling_24h", "market_median_change_24h", "market_volatility_7d", "market_drawdown_7d"),
    ETHER: ("eth_return_24h", "eth_volatility_7d", "eth_drawdown_7d"),
    LEVERAGE: (
        "funding_rate_24h", "funding_rate_7d", "perp_premium_24h", "open_interest_change_24h", "aave_utilisation",
        "aave_utilisation_change_24h", "aave_liquidation_surge_7d",
    ),
    MOOD: ("stablecoin_supply_change_7d", "gas_surge_7d", "fear_greed", "fear_greed_change_7d"),
    "Small pools fall more easily": ("log_tvl",),
    "Young pools fall more often": ("age_hours",),
    "What is old may be otherwise by now": ("input_age_hours",),
    "Where nothing moves there is no fall, or the source sleeps": ("unchanged_hours",),
})  # fmt: skip
