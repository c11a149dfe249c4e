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


def raw_table(name: str, grain: str, key: tuple[str, ...], description: str, *columns: Column) -> Table:
    """What a provider said, with where and when from; named after the provider and what was asked."""
    return Table("raw", name, grain, (*key, "pulled_at"), "pulled_at", description, PROVENANCE + columns)


DEFILLAMA_POOLS = raw_table(
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
    number("tvl_usd", "TVL; for lending, supply minus borrow", expected=True, **USD),
    number("apy_pct", "APY", "percent"),
    number("apy_base_pct", "APY from fees or interest", "percent"),
    number("apy_reward_pct", "APY from rewards", "percent"),
    number("volume_24h_usd", "Volume of the last day where reported", **USD),
)

DEFILLAMA_PROTOCOLS = raw_table(
    "defillama_protocols",
    "one protocol as DeFiLlama said it in one pull",
    ("protocol_id",),
    "DeFiLlama /protocols: current TVL per protocol. Flags set after the event (rugged, deadFrom) are not kept.",
    text("protocol_id", "DeFiLlama's protocol id", required=True),
    text("slug", "Protocol slug", required=True),
    text("name", "Protocol name"),
    text("category", "DeFiLlama category"),
    text("chain", "Chain, or Multi-Chain"),
    whole("chains_count", "Chains it is on", "count", ge=0),
    text("gecko_id", "CoinGecko id of its token"),
    text("parent_protocol", "Parent, where there is one"),
    number("tvl_usd", "TVL, borrowed and staking excluded", expected=True, **USD),
    number("held_usd", "The most that it holds", formula="TVL + staking + pool2 + borrowed, as far as they are said", **USD),
    number("mcap_usd", "Market capitalisation of its token", **USD),
)

COINGECKO_MARKETS = raw_table(
    "coingecko_markets",
    "one coin as CoinGecko said it in one pull",
    ("coin_id",),
    "CoinGecko /coins/markets: outside prices, used for reserve values and market-wide stress.",
    text("coin_id", "CoinGecko id", required=True),
    text("symbol", "Ticker, lower case", required=True),
    number("price_usd", "Current price; 0 is none", "USD", expected=True, gt=0.0, le=1e13),
    number("market_cap_usd", "Market capitalisation", **USD),
    number("volume_24h_usd", "Rolling 24-hour volume: differencing it does not give an hour", **USD),
)

COINGECKO_COINS = raw_table(
    "coingecko_coins",
    "one coin's token address on one chain as CoinGecko's list said it",
    ("coin_id", "platform"),
    "CoinGecko /coins/list: by which address a coin is known on a chain, asked about once a day. A ticker alone names nobody.",
    text("coin_id", "CoinGecko id", required=True),
    text("symbol", "Ticker, lower case", required=True),
    text("platform", "CoinGecko's id of the chain, as in ethereum", required=True),
    text("address", "Token address on that chain, in lower case where it is hexadecimal", required=True),
)

GECKOTERMINAL_POOLS = raw_table(
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
    text("base_token_address", "Base token's address, in lower case where it is hexadecimal"),
    text("quote_token_address", "Quote token's address, in lower case where it is hexadecimal"),
    number("reserve_usd", "Liquidity of both sides", expected=True, **USD),
    number("base_balance", "Base-token balance, in tokens", "tokens", ge=0.0),
    number("quote_balance", "Quote-token balance, in tokens", "tokens", ge=0.0),
    number("volume_1h_usd", "Volume of the last hour", **USD),
    number("volume_24h_usd", "Volume of the last 24 hours", **USD),
    instant("pool_created_at", "When the pool was created"),
)

THEGRAPH_PAIRS = raw_table(
    "thegraph_pairs",
    "one Uniswap-V2-shaped pair as its subgraph said it at one block",
    ("pair", "observed_at"),
    "The Graph: reserves, LP supply and cumulative volume of constant-product pairs.",
    text("pair", "Pair address, or the recorded pool's name", required=True),
    text("dex", "Exchange whose subgraph answered", required=True),
    text("token0", "Symbol of token 0, lower case", expected=True),
    text("token1", "Symbol of token 1, lower case", expected=True),
    text("token0_address", "Address of token 0, lower case; a recording has none"),
    text("token1_address", "Address of token 1, lower case; a recording has none"),
    number("reserve0", "Reserve of token 0", "tokens", expected=True, ge=0.0),
    number("reserve1", "Reserve of token 1", "tokens", expected=True, ge=0.0),
    number("reserve_usd", "Both reserves at the subgraph's own prices", expected=True, **USD),
    number("lp_supply", "LP-token supply", "tokens", ge=0.0),
    number("volume_usd_cum", "Volume since the pair was created", "USD", ge=0.0),
    number("tx_count_cum", "Transactions since the pair was created", "count", ge=0.0),
)

THEGRAPH_LP_POSITIONS = raw_table(
    "thegraph_lp_positions",
    "one of the largest holders of a pair's LP tokens at one block",
    ("pair", "holder"),
    "The Graph: the ten largest holders of each pair's LP tokens, asked about once a day. Burnt tokens have no holder.",
    text("pair", "Pair address", required=True),
    text("holder", "Address that holds the tokens; a farm or a lock is one holder", required=True),
    number("balance", "LP tokens held", "tokens", expected=True, ge=0.0),
    number("lp_supply", "LP-token supply at the same block, burnt tokens included", "tokens", expected=True, ge=0.0),
)

HYPERLIQUID_MARKETS = raw_table(
    "hyperliquid_markets",
    "one perpetual as Hyperliquid said it in one pull",
    ("coin",),
    "Hyperliquid metaAndAssetCtxs: funding, premium and open interest of every perpetual. It only knows now.",
    text("coin", "Perpetual's name, upper case for most", required=True),
    number("funding_rate", "What longs pay shorts per hour", "ratio"),
    number("premium", "(Impact price - oracle) / oracle; null without impact prices", "ratio"),
    number("open_interest_coins", "Open interest", "coins", ge=0.0),
    number("mark_price_usd", "Mark price; 0 is none", "USD", gt=0.0, le=1e13),
    number("oracle_price_usd", "Oracle price; 0 is none", "USD", gt=0.0, le=1e13),
    number("volume_24h_usd", "Notional volume of the last day", **USD),
)

STABLECOINS = raw_table(
    "stablecoins",
    "one stablecoin as DeFiLlama said it in one pull",
    ("stablecoin_id",),
    "DeFiLlama stablecoins host: what circulates of every stablecoin, in pegged units: a price fall is no outflow.",
    text("stablecoin_id", "DeFiLlama's stablecoin id", required=True),
    text("symbol", "Ticker, lower case", expected=True),
    text("name", "Name"),
    text("gecko_id", "CoinGecko id"),
    text("peg_type", "What a unit is pegged to, as peggedUSD"),
    text("peg_mechanism", "fiat-backed, crypto-backed or algorithmic"),
    number("circulating", "Circulating supply on all chains", "pegged units", expected=True, ge=0.0, le=1e13),
    number("price_usd", "Price of a unit; 0 is none", "USD", gt=0.0, le=1e13),
)

FEAR_GREED = raw_table(
    "fear_greed",
    "one day's index as alternative.me said it in one pull",
    ("observed_at",),
    "alternative.me Fear & Greed index of the crypto market, published daily about 00:05 UTC.",
    number("value", "0 is extreme fear, 100 extreme greed", "0-100", required=True, ge=0.0, le=100.0),
    text("classification", "The index in words"),
)

ETH_GAS = raw_table(
    "eth_gas",
    "Ethereum's newest block as a node said it in one pull",
    ("block_number",),
    "Ethereum JSON-RPC: what gas costs now.",
    whole("block_number", "Newest block", required=True, ge=0),
    number("gas_price_gwei", "Gas price that the node suggests", "gwei", required=True, ge=0.0, le=1e6),
    number("base_fee_gwei", "Base fee of the newest block", "gwei", ge=0.0, le=1e6),
)

AAVE_RESERVES = raw_table(
    "aave_reserves",
    "one Aave reserve as its subgraph said it at one block",
    ("market",),
    "A lending subgraph of Aave: what is supplied, borrowed and was ever liquidated of the reserves followed.",
    text("market", "Market id", required=True),
    text("asset", "Address of the reserve's token, lower case", required=True),
    text("symbol", "Symbol of the reserve's token, lower case"),
    number("supplied_usd", "Deposited", expected=True, **USD),
    number("borrowed_usd", "Borrowed", expected=True, **USD),
    number("liquidated_usd_cum", "Liquidated since the market was created", **USD),
)

SOURCE_STATUS = Table(
    "raw",
    "source_status",
    "what came of one attempt to pull one endpoint for one hour",
    # On a clock that stands, attempts of one moment are told apart by what came of them.
    ("source", "endpoint", "as_of", "pulled_at", "outcome"),
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
            isin=("pulled", "partial", "kept", "failed", "not_recorded", "plan_only", "over_budget", "off", "not_due"),
        ),
        text("reason", "Why, in words; secrets redacted"),
        whole("rows_count", "Rows stored", "count", required=True, ge=0),
    ),
)

# What pools are measured by, and what is known of the market around them. A silent source of evidence leaves its columns null.
POOL_PULLS: tuple[Table, ...] = (DEFILLAMA_POOLS, DEFILLAMA_PROTOCOLS, COINGECKO_MARKETS, GECKOTERMINAL_POOLS, THEGRAPH_PAIRS)
EVIDENCE: tuple[Table, ...] = (COINGECKO_COINS, THEGRAPH_LP_POSITIONS, HYPERLIQUID_MARKETS, STABLECOINS, FEAR_GREED, ETH_GAS, AAVE_RESERVES)
PULLS: tuple[Table, ...] = POOL_PULLS + EVIDENCE
# What snapshots are made from.
FEEDS: tuple[Table, ...] = PULLS
# A raw table is named after its provider and what was asked, but for these.
_PROVIDERS = {"stablecoins": "defillama", "fear_greed": "alternative_me", "eth_gas": "ethereum"}


def provider_of(table: Table) -> str:
    """Whom a raw table's rows come from."""
    return _PROVIDERS.get(table.name) or table.name.partition("_")[0]
