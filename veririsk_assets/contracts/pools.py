"""Tables of pools by the hour, from snapshot to explanation. Features are in `pool_features.py`."""

from veririsk_assets.contracts.columns import GRID, HORIZON, HOUR_AND_POOL, USD
from veririsk_assets.contracts.entity import explanations_table, scores_table
from veririsk_assets.contracts.pool_features import FEATURE_COLUMNS
from veririsk_assets.contracts.tables import Column, Table, flag, instant, number, text, whole
from veririsk_assets.contracts.vocabulary import HEADS

# A pair of a Uniswap-V2-shaped subgraph is known by this and its address.
PAIR_PREFIX = "univ2:"
# By what people know a pool.
IDENTITY = ("pool_id", "name", "protocol", "chain")

POOLS = Table(
    "snapshots",
    "pools",
    "one pool",
    ("pool_key",),
    "first_seen_at",
    "Every pool ever seen: what its integer key stands for.",
    (
        whole("pool_key", "Integer for the pool's id", required=True, ge=0),
        text("pool_id", "Source-native id: defillama:<uuid>, <network>:<address> or univ2:<pair>", required=True),
        text("name", "Name as the source shows it", required=True),
        text("protocol", "Protocol slug", required=True),
        text("chain", "Chain", required=True),
        text("source", "Source that names the pool", required=True),
        instant("first_seen_at", "Hour at which it was first seen", required=True),
    ),
)

POOL_SNAPSHOTS = Table(
    "snapshots",
    "hourly_pools",
    "one pool and hour on a dense grid",
    HOUR_AND_POOL,
    "as_of",
    "The last observation available at the cut-off, with its age. Null where no source knows; never estimated, never interpolated.",
    (
        *GRID,
        number("tvl_usd", "Total value locked", **USD),
        number("reserve0", "Reserve of token 0", "tokens", ge=0.0),
        number("reserve1", "Reserve of token 1", "tokens", ge=0.0),
        number("price0_usd", "Outside price of token 0", **USD),
        number("price1_usd", "Outside price of token 1", **USD),
        number("reserve0_usd", "Reserve of token 0 at the outside price", **USD),
        number("reserve1_usd", "Reserve of token 1 at the outside price", **USD),
        number("price_ratio", "The pool's own price: reserve1 / reserve0", "token1 per token0", ge=0.0),
        number("volume_24h_usd", "Volume of the last 24 hours", **USD),
        number("volume_1h_usd", "Volume of the last hour", **USD),
        number("lp_supply", "LP-token supply", "tokens", ge=0.0),
        number("lp_top1_share", "Share of the LP tokens that the largest holder has", "0-1", ge=0.0, le=1.0),
        number("lp_top5_share", "Share of the LP tokens that the five largest holders have", "0-1", ge=0.0, le=1.0),
        number("apy", "Yield, as a ratio per year", "ratio"),
        number("input_age_hours", "Cut-off minus the time the TVL was true", "hours", ge=0.0),
        number("protocol_held_usd", "What its protocol holds: TVL, staked and borrowed together", **USD),
        number("second_tvl_usd", "TVL of the same pool by another source than the one that names it", **USD),
        text("source", "Source of the TVL"),
        flag("is_tombstone", "The pool is missing from its source although the source answered", required=True),
        flag("is_suspect", "The TVL jumped and neither price, LP supply, protocol nor a second source supports it"),
        whole("taken_back_hours", "So many hours before this one had a TVL that this one takes back", "hours", ge=0),
        text("doubt", "What is wrong with the TVL, an outside price or the source; null for nothing"),
    ),
    sort=HOUR_AND_POOL,
)

POOL_FEATURES = Table(
    "features",
    "hourly_pools",
    "one pool and hour with a known TVL",
    HOUR_AND_POOL,
    "as_of",
    "What a model may know about a pool at the end of an hour.",
    (*GRID, *FEATURE_COLUMNS),
    sort=HOUR_AND_POOL,
)

POOL_LABELS = Table(
    "labels",
    "hourly_pools",
    "one pool, hour and horizon whose horizon has passed",
    (*HOUR_AND_POOL, "horizon_hours"),
    "as_of",
    "What happened after as_of. Matured rows only; a matured label is final.",
    (
        *GRID,
        HORIZON,
        number("crash", "1 if TVL fell 20 % below its value at as_of at any hour of the horizon", "0 or 1", ge=0, le=1),
        number("crash_endpoint", "1 if TVL stood 20 % lower at the end of the horizon", "0 or 1", ge=0, le=1),
        number("outflow", "1 if LP supply fell 20 % at any hour of the horizon; null where it is unknown", "0 or 1", ge=0, le=1),
        number("price_fall", "1 if TVL per LP token fell 20 % at any hour of the horizon; null without LP supply", "0 or 1", ge=0, le=1),
        number("min_change_ratio", "Lowest TVL of the horizon over TVL at as_of, minus 1", "ratio", ge=-1.0),
        flag("is_at_risk", "Not already 10 % below the 24-hour high", required=True),
        instant("matured_at", "When the label became final", required=True),
    ),
    sort=HOUR_AND_POOL,
)

CAUSE_COLUMNS: tuple[Column, ...] = (
    number("price_fall_probability", "Calibrated probability that TVL per LP token falls 20 % within the horizon", "0-1", ge=0.0, le=1.0),
    number(
        "liquidity_fall_probability",
        "Calibrated probability that LP supply falls 20 % within the horizon; null where LP supply is not known",
        "0-1",
        ge=0.0,
        le=1.0,
    ),
    text("cause_note", "Why a cause has no probability; null when both are there"),
)

TVL = number("tvl_usd", "TVL that the score is about", **USD)
POOL_SCORES = scores_table("hourly_pools", "pool", GRID, TVL, CAUSE_COLUMNS)
POOL_EXPLANATIONS = explanations_table("hourly_pools", GRID, HEADS)
