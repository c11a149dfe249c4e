"""Protocols by the day: what is known of each, and what became of it."""

from typing import Any

from veririsk_assets.contracts.columns import HORIZON, USD, grid
from veririsk_assets.contracts.entity import explanations_table, scores_table
from veririsk_assets.contracts.protocol_features import FEATURE_COLUMNS
from veririsk_assets.contracts.tables import Table, flag, instant, number, text, whole
from veririsk_assets.contracts.windows import DAY_HOURS

GRID, KEY = grid("protocol", DAY_HOURS), ("as_of", "protocol_key")
IDENTITY = ("protocol_id", "name", "category", "chain")
HORIZONS = (24, 72, 168)
CRASH = "crash"
# Assets of others, whole chains and what only holds for another protocol: their TVL falls for reasons of their own, or counts twice.
LEFT_OUT = ("CEX", "Chain", "Bridge", "Canonical Bridge", "Cross Chain Bridge", "Bridge Aggregator", "Treasury Manager", "Interface")
# A parent's TVL is the sum of its children, which are listed themselves.
PARENT = "parent#"
TVL = number("tvl_usd", "TVL at the start of the day, borrowed and staking excluded", **USD)
PERCENTILE: dict[str, Any] = {"unit": "0-1", "ge": 0.0, "le": 1.0}
CONFIDENCE = number(
    "confidence",
    "1 less the width of the probability's 90 % interval, over calibrations of the model on other weeks; null for the rule",
    **PERCENTILE,
)

PROTOCOLS = Table(
    "snapshots", "protocols", "one protocol", ("protocol_key",), "first_seen_at",
    "Every protocol ever on the grid. It keeps the slug under which it came, whatever it is called later.",
    (
        whole("protocol_key", "Integer for DeFiLlama's id: 48 bits of its BLAKE2b hash", required=True, ge=0),
        text("protocol_id", "Protocol slug as first seen", required=True),
        text("name", "Name", required=True),
        text("category", "DeFiLlama category"),
        text("chain", "Chain, or Multi-Chain"),
        text("defillama_id", "DeFiLlama's id, which outlives a renamed slug", required=True),
        text("gecko_id", "CoinGecko id of its token"),
        instant("first_seen_at", "Day on which it was first on the grid", required=True),
    ),
    step_hours=DAY_HOURS,
)  # fmt: skip
PROTOCOL_SNAPSHOTS = Table(
    "snapshots", "daily_protocols", "one protocol and day", KEY, "as_of",
    "What was known of every protocol at 01:05: TVL and price of the day's beginning, volume and fees of the day that ended. A day that was told live "
    "stays as it was told; of days before, the first version of their history counts.",
    (
        *GRID,
        instant("available_at", "When the TVL could be known"),
        TVL,
        number("price_usd", "Price of its token", "USD", gt=0.0, le=1e13),
        number("market_cap_usd", "Market capitalisation of its token", **USD),
        number("volume_usd", "Traded volume of the day that ended", **USD),
        number("fees_usd", "Fees of the day that ended", **USD),
        text("category", "DeFiLlama category"),
        whole("chains_count", "Chains it is on; null before it was told live", "count", ge=0),
        number("input_age_hours", "Age of the TVL at the cut-off", "hours", ge=0.0),
        text("source", "Source of the TVL"),
        flag("is_tombstone", "Its source lists protocols that day, and this one no more", required=True),
        text("doubt", "What is wrong with its TVL"),
    ),
    sort=KEY,
    step_hours=DAY_HOURS,
)  # fmt: skip
PROTOCOL_FEATURES = Table(
    "features", "daily_protocols", "one protocol and day", KEY, "as_of", "What may be known of a protocol at the start of a day.",
    (*GRID, *FEATURE_COLUMNS), sort=KEY, step_hours=DAY_HOURS,
)  # fmt: skip
PROTOCOL_LABELS = Table(
    "labels", "daily_protocols", "one protocol, day and horizon", (*KEY, "horizon_hours"), "as_of",
    "What became of the TVL. A value that its source took back within three days is none, so a label is known three days after its horizon.",
    (
        *GRID,
        HORIZON,
        number(CRASH, "1 if the TVL stood at least 20 % lower on any day of the horizon", ge=0.0, le=1.0),
        number("halving", "1 if it stood at least 50 % lower", ge=0.0, le=1.0),
        number("crash_against_market", "1 if it stood at least 20 % lower than the middle protocol's move explains", ge=0.0, le=1.0),
        number("min_change_ratio", "Lowest change of the horizon", "ratio"),
        instant("matured_at", "When that was known", required=True),
    ),
    sort=KEY,
    step_hours=DAY_HOURS,
)  # fmt: skip
PROTOCOL_SCORES = scores_table("daily_protocols", "protocol", GRID, TVL, (CONFIDENCE,), step_hours=DAY_HOURS)
PROTOCOL_EXPLANATIONS = explanations_table("daily_protocols", GRID, (CRASH,), step_hours=DAY_HOURS)
