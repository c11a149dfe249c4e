"""What every feature is called in a sentence. `{}` is the value without its sign; the unit says how it is written."""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["percent", "points", "number", "times", "hours", "usd"]


@dataclass(frozen=True)
class Phrase:
    """Sentences for a value above 0, below 0 and too small to name, and what is said when it is unknown.

    `ends` says how the usual range is written: with both signs, with minus signs only, without (the words
    give the side), or raw, for a value whose sign is not said at all, such as the logarithm of dollars.
    """

    up: str
    down: str
    flat: str
    unknown: str
    unit: Unit
    ends: Literal["signed", "plain", "bare", "raw"] = "plain"


def _inside(what: str) -> str:
    """The same words where no sentence begins."""
    return f"the {what[4:]}" if what.startswith("The ") else what


def _change(what: str, span: str) -> Phrase:
    return Phrase(
        f"{what} rose {{}} over {span}", f"{what} fell {{}} over {span}", f"{what} did not move over {span}",
        f"How {_inside(what)} moved over {span} is not known", "percent", "signed",
    )  # fmt: skip


def _moved(what: str, span: str) -> Phrase:
    return Phrase(
        f"{what} rose by {{}} over {span}", f"{what} fell by {{}} over {span}", f"{what} did not move over {span}",
        f"How {_inside(what)} moved over {span} is not known", "points", "signed",
    )  # fmt: skip


def _is(what: str, unit: Unit = "percent") -> Phrase:
    return Phrase(f"{what} is {{}}", f"{what} is −{{}}", f"{what} is {{}}", f"{what} is not known", unit)


def _below(what: str, high: str) -> Phrase:
    above, below = f"{what} is {{}} above its {high}", f"{what} is {{}} below its {high}"
    return Phrase(above, below, f"{what} is at its {high}", f"The {high} of {_inside(what)} is not known", "percent", "bare")


def _largest(what: str, span: str) -> Phrase:
    said = f"The largest {what} of the last {span} was {{}} of the LP supply in one hour"
    return Phrase(said, said, f"There was no {what} in the last {span}", f"The {what}s of the last {span} are not known", "percent")


def _since(what: str) -> Phrase:
    said = f"The last {what} was {{}} ago"
    return Phrase(said, said, f"A {what} happened this hour", f"When the last {what} happened is not known", "hours")


def _rank(what: str) -> Phrase:
    said = f"{what} is higher than in {{}} of pools"
    return Phrase(said, said, f"{what} is the lowest of all pools", f"{what} cannot be ranked", "percent")


PHRASES: dict[str, Phrase] = {
    "tvl_change_1h": _change("TVL", "1 hour"),
    "tvl_change_6h": _change("TVL", "6 hours"),
    "tvl_change_12h": _change("TVL", "12 hours"),
    "tvl_change_24h": _change("TVL", "24 hours"),
    "tvl_change_72h": _change("TVL", "3 days"),
    "tvl_change_7d": _change("TVL", "7 days"),
    "tvl_change_30d": _change("TVL", "30 days"),
    "tvl_acceleration": Phrase(
        "The 6-hour TVL change is {} higher than 6 hours ago", "The 6-hour TVL change is {} lower than 6 hours ago",
        "The TVL change is as fast as 6 hours ago", "Whether the TVL change speeds up is not known", "points", "signed",
    ),
    "volume_spike_ratio": _is("Hourly volume against its 24-hour mean", "times"),
    "reserve_imbalance": _is("The imbalance of the two reserves"),
    "reserve_imbalance_mean_6h": _is("The imbalance of the two reserves, averaged over 6 hours,"),
    "reserve_imbalance_mean_24h": _is("The imbalance of the two reserves, averaged over 24 hours,"),
    "volume_surge_6h": _is("The volume of the last 6 hours against the week's", "times"),
    "reserve_imbalance_rate": Phrase(
        "The imbalance of the reserves grew by {} over 6 hours", "The imbalance of the reserves shrank by {} over 6 hours",
        "The imbalance of the reserves did not move over 6 hours", "How the imbalance of the reserves moved is not known",
        "points", "signed",
    ),
    "volatility_6h": _is("TVL volatility per hour over 6 hours"),
    "volatility_24h": _is("TVL volatility per hour over 24 hours"),
    "volatility_ratio": _is("6-hour against 24-hour TVL volatility", "times"),
    "early_warning_score": _is("The early-warning score", "number"),
    "abs_return_mean_7d": _is("The average hourly TVL move of 7 days"),
    "ewma_volatility_7d": _is("TVL volatility per hour, weighted to the last 7 days,"),
    "ewma_volatility_30d": _is("TVL volatility per hour, weighted to the last 30 days,"),
    "downside_semideviation_7d": _is("Downside TVL volatility per hour over 7 days"),
    "downside_semideviation_30d": _is("Downside TVL volatility per hour over 30 days"),
    "worst_return_7d": Phrase(
        "TVL rose at least {} in every hour of 7 days", "The worst hour of 7 days took {} of the TVL", "No hour of 7 days took TVL away",
        "The worst hour of 7 days is not known", "percent", "bare",
    ),
    "drawdown_24h": _below("TVL", "24-hour high"),
    "drawdown_7d": _below("TVL", "7-day high"),
    "drawdown_30d": _below("TVL", "30-day high"),
    "volume_to_tvl_ratio": _is("24-hour volume against TVL"),
    "price_ratio_change_24h": _is("The move of the pool's own price over 24 hours"),
    "price_ratio_volatility_7d": _is("The volatility per hour of the pool's own price over 7 days"),
    "apy": _is("The yield per year"),
    "apy_change_24h": _moved("The yield", "24 hours"),
    "lp_supply_change_6h": _change("LP supply", "6 hours"),
    "lp_supply_change_24h": _change("LP supply", "24 hours"),
    "lp_supply_change_7d": _change("LP supply", "7 days"),
    "lp_supply_volatility_7d": _is("LP-supply volatility per hour over 7 days"),
    "lp_largest_burn_7d": _largest("burn", "7 days"),
    "lp_largest_mint_7d": _largest("mint", "7 days"),
    "lp_largest_burn_30d": _largest("burn", "30 days"),
    "lp_largest_mint_30d": _largest("mint", "30 days"),
    "lp_mint_concentration_30d": _is("The largest mint's share of all mints of 30 days"),
    "lp_hot_money_ratio_30d": _is("LP supply minted within 30 days and not yet burnt"),
    "lp_supply_to_max_30d": _is("LP supply against its 30-day maximum"),
    "hours_since_burn_5pct": _since("burn of 5 % or more"),
    "hours_since_burn_20pct": _since("burn of 20 % or more"),
    "hours_since_mint_5pct": _since("mint of 5 % or more"),
    "hours_since_mint_20pct": _since("mint of 20 % or more"),
    "lp_price_change_24h": _change("TVL per LP token", "24 hours"),
    "lp_price_volatility_7d": _is("Volatility per hour of TVL per LP token over 7 days"),
    "rank_tvl_change_24h": _rank("The 24-hour TVL change"),
    "rank_ewma_volatility_7d": _rank("7-day volatility"),
    "rank_drawdown_7d": _rank("TVL against its 7-day high"),
    "market_share_falling_24h": _is("The share of pools that lost over 5 % in 24 hours"),
    "market_median_change_24h": _change("The middle pool's TVL", "24 hours"),
    "market_volatility_7d": _is("Market-wide volatility per hour over 7 days"),
    "market_drawdown_7d": _below("The market", "7-day high"),
    "eth_return_24h": _change("ETH", "24 hours"),
    "eth_volatility_7d": _is("ETH volatility per hour over 7 days"),
    "eth_drawdown_7d": _below("ETH", "7-day high"),
    "funding_rate_24h": _is("The hourly funding rate of BTC and ETH perpetuals, averaged over 24 hours,"),
    "funding_rate_7d": _is("The hourly funding rate of BTC and ETH perpetuals, averaged over 7 days,"),
    "perp_premium_24h": Phrase(
        "BTC and ETH perpetuals traded {} above their oracle over 24 hours", "BTC and ETH perpetuals traded {} below their oracle over 24 hours",
        "BTC and ETH perpetuals traded at their oracle over 24 hours", "The premium of BTC and ETH perpetuals is not known", "percent", "signed",
    ),
    "open_interest_change_24h": _change("The open interest of BTC and ETH perpetuals", "24 hours"),
    "aave_utilisation": _is("The borrowed share of the Aave reserves"),
    "aave_utilisation_change_24h": _moved("The borrowed share of the Aave reserves", "24 hours"),
    "aave_liquidation_surge_7d": _is("The Aave liquidations of 7 days against the month's", "times"),
    "stablecoin_supply_change_7d": _change("The supply of stablecoins", "7 days"),
    "gas_surge_7d": _is("The gas price against its 7-day mean", "times"),
    "fear_greed": _is("The Fear & Greed index", "number"),
    "fear_greed_change_7d": Phrase(
        "The Fear & Greed index rose by {} over 7 days", "The Fear & Greed index fell by {} over 7 days",
        "The Fear & Greed index did not move over 7 days", "How the Fear & Greed index moved over 7 days is not known", "number", "signed",
    ),
    "token_price_change_24h_worst": _change("The weaker token's outside price", "24 hours"),
    "token_price_volatility_7d": _is("The volatility per hour of the wilder token's outside price over 7 days"),
    "token_price_drawdown_7d_worst": _below("The weaker token's outside price", "7-day high"),
    "lp_top1_share": _is("The largest holder's share of the LP supply"),
    "lp_top5_share": _is("The five largest holders' share of the LP supply"),
    "lp_top1_share_change_7d": _moved("The largest holder's share of the LP supply", "7 days"),
    "log_tvl": Phrase("TVL is {}", "TVL is {}", "TVL is {}", "TVL is not known", "usd", "raw"),
    "age_hours": Phrase("The pool was first seen {} ago", "", "The pool was first seen this hour", "The pool's age is not known", "hours"),
    "input_age_hours": Phrase(
        "The last observation is {} old", "", "The last observation is of this hour", "The age of the input is not known", "hours"
    ),
    "unchanged_hours": Phrase(
        "The TVL has not changed for {}", "", "The TVL changed this hour", "Whether the TVL changes is not known", "hours"
    ),
}  # fmt: skip


def phrase(feature: str) -> Phrase:
    """The phrase of a feature; an unlisted one is called by its name."""
    return PHRASES.get(feature) or _is(feature.replace("_", " ").capitalize(), "number")
