"""Raw tables: what each source said, typed and not interpreted. Append-only; see `sources/` for who fills them."""

from typing import Any

from veririsk_assets.contracts.tables import Column, Table, instant, number, text, whole
from veririsk_assets.contracts.vocabulary import OBSERVED_KINDS

PROVENANCE: tuple[Column, ...] = (
    text("source", "Provider that answered", required=True),
    text("endpoint", "Endpoint asked, secrets redacted", required=True),
    instant("pulled_at", "When we fetched it; also when it became available to us", required=True),
    instant("available_at", "When it could be known: a replay uses rows available by its cut-off", required=True),
    instant("observed_at", "When it was true, by the source's own stamp; null where the source gives none"),
    text("observed_kind", "What observed_at means", required=True, isin=OBSERVED_KINDS),
    text("payload_hash", "Hash of the response body that the row came from", required=True),
)

USD: dict[str, Any] = {"unit": "USD", "ge": 0.0, "le": 1e13}


def _raw(name: str, grain: str, key: tuple[str, ...], description: str, *columns: Column) -> Table:
    return Table("raw", name, grain, (*key, "pulled_at"), "pulled_at", description, PROVENANCE + columns)


DEFILLAMA_POOLS = _raw(
    "defillama_pools",
    "one pool as DeFiLlama's yields host said it in one pull",
    ("pool",),
    "DeFiLlama /pools: TVL and yields of every pool it tracks. No timestamp; rows can be up to 7 days old.",
    text("pool", "DeFiLlama's pool uuid", required=True),
    text("chain", "Chain name"),
    text("project", "Protocol slug"),
    text("symbol", "Pool symbol"),
    text("pool_meta", "Free-text detail that tells twin pools apart"),
    text("exposure", "single or multi"),
    number("tvl_usd", "TVL; for lending, supply minus borrow", required=True, **USD),
    number("apy_pct", "APY", "percent"),
    number("apy_base_pct", "APY from fees or interest", "percent"),
    number("apy_reward_pct", "APY from rewards", "percent"),
    number("volume_24h_usd", "Volume of the last day where reported", **USD),
)

DEFILLAMA_PROTOCOLS = _raw(
    "defillama_protocols",
    "one protocol as DeFiLlama said it in one pull",
    ("protocol_id",),
    "DeFiLlama /protocols: current TVL per protocol. Flags set after the event (rugged, deadFrom) are not kept.",
    text("protocol_id", "DeFiLlama's protocol id", required=True),
    text("slug", "Protocol slug", required=True),
    text("name", "Protocol name"),
    text("category", "DeFiLlama category"),
    text("chain", "Chain, or Multi-Chain"),
    text("gecko_id", "CoinGecko id of its token"),
    text("parent_protocol", "Parent, where there is one"),
    number("tvl_usd", "TVL, borrowed and staking excluded", required=True, **USD),
    number("mcap_usd", "Market capitalisation of its token", **USD),
)

COINGECKO_MARKETS = _raw(
    "coingecko_markets",
    "one coin as CoinGecko said it in one pull",
    ("coin_id",),
    "CoinGecko /coins/markets: outside prices, used for reserve values and market-wide stress.",
    text("coin_id", "CoinGecko id", required=True),
    text("symbol", "Ticker, lower case", required=True),
    number("price_usd", "Current price", required=True, **USD),
    number("market_cap_usd", "Market capitalisation", **USD),
    number("volume_24h_usd", "Rolling 24-hour volume: differencing it does not give an hour", **USD),
)

GECKOTERMINAL_POOLS = _raw(
    "geckoterminal_pools",
    "one on-chain pool as GeckoTerminal said it in one pull",
    ("network", "address"),
    "GeckoTerminal on-chain pools: liquidity of both sides and hourly volume.",
    text("network", "Network id, as in eth", required=True),
    text("address", "Pool address", required=True),
    text("name", "Pool name"),
    text("dex", "Exchange id"),
    text("base_token", "Base token's symbol, lower case"),
    text("quote_token", "Quote token's symbol, lower case"),
    number("reserve_usd", "Liquidity of both sides", required=True, **USD),
    number("base_balance", "Base-token balance, in tokens", "tokens", ge=0.0),
    number("quote_balance", "Quote-token balance, in tokens", "tokens", ge=0.0),
    number("volume_1h_usd", "Volume of the last hour", **USD),
    number("volume_24h_usd", "Volume of the last 24 hours", **USD),
    instant("pool_created_at", "When the pool was created"),
)

THEGRAPH_PAIRS = _raw(
    "thegraph_pairs",
    "one Uniswap-V2-shaped pair as its subgraph said it at one block",
    ("pair", "observed_at"),
    "The Graph: reserves, LP supply and cumulative volume of constant-product pairs.",
    text("pair", "Pair address, or the recorded pool's name", required=True),
    text("dex", "Exchange whose subgraph answered", required=True),
    text("token0", "Symbol of token 0, lower case", required=True),
    text("token1", "Symbol of token 1, lower case", required=True),
    number("reserve0", "Reserve of token 0", "tokens", required=True, ge=0.0),
    number("reserve1", "Reserve of token 1", "tokens", required=True, ge=0.0),
    number("reserve_usd", "Both reserves at the subgraph's own prices", required=True, **USD),
    number("lp_supply", "LP-token supply", "tokens", ge=0.0),
    number("volume_usd_cum", "Volume since the pair was created", "USD", ge=0.0),
    number("tx_count_cum", "Transactions since the pair was created", "count", ge=0.0),
)

SOURCE_STATUS = Table(
    "raw",
    "source_status",
    "one attempt to pull one endpoint for one hour",
    ("source", "endpoint", "as_of", "pulled_at"),
    "as_of",
    "What each pull did: how many rows came, or why none did. A failing source is data.",
    (
        text("source", "Provider", required=True),
        text("endpoint", "Endpoint asked", required=True),
        instant("as_of", "Hour the pull was for", required=True),
        instant("pulled_at", "When it was tried", required=True),
        text(
            "outcome",
            "What came of it",
            required=True,
            isin=("pulled", "kept", "failed", "not_recorded", "plan_only", "over_budget", "off"),
        ),
        text("reason", "Why, in words; secrets redacted"),
        whole("rows_count", "Rows stored", "count", required=True, ge=0),
    ),
)

PULLS: tuple[Table, ...] = (DEFILLAMA_POOLS, DEFILLAMA_PROTOCOLS, COINGECKO_MARKETS, GECKOTERMINAL_POOLS, THEGRAPH_PAIRS)
