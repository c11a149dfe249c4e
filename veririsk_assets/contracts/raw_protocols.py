"""Raw tables that protocols bring: what sources tell of days that are over. Every version of a day stays, with when it was said."""

from veririsk_assets.contracts.raw import DEFILLAMA_PROTOCOLS, USD, raw_table
from veririsk_assets.contracts.tables import flag, number, text

METRICS = ("dexs", "fees")
PROVISIONAL = flag("is_provisional", "The day was not over when it was said: never learnt from", required=True)
PROTOCOL_ID = text("protocol_id", "DeFiLlama's protocol id", required=True)

DEFILLAMA_TVL_DAYS = raw_table(
    "defillama_tvl_days",
    "one protocol's TVL at the start of one day, as one pull said it",
    ("protocol_id", "observed_at"),
    "DeFiLlama /protocol/{slug}: every day since it is tracked; asked once, and again after a month for what was rewritten. Only what is new or differs is stored.",
    PROTOCOL_ID,
    text("slug", "Protocol slug that was asked for", required=True),
    number("tvl_usd", "TVL, borrowed and staking excluded: the first value of the day", expected=True, **USD),
    PROVISIONAL,
)
DEFILLAMA_VOLUME_DAYS = raw_table(
    "defillama_volume_days",
    "one protocol's volume or fees of one day, as one pull said it",
    ("protocol_id", "metric", "observed_at"),
    "DeFiLlama /summary/dexs/{slug} and /summary/fees/{slug}: every day since it is tracked. Of a day it is known when the day is over.",
    PROTOCOL_ID,
    text("metric", "dexs (traded volume) or fees", required=True, isin=METRICS),
    text("slug", "Protocol slug that was asked for", required=True),
    number("value_usd", "Volume or fees of the day", expected=True, unit="USD", ge=0.0, le=1e13),
    PROVISIONAL,
)
DEFILLAMA_VOLUMES = raw_table(
    "defillama_volumes",
    "one protocol's volume or fees of the last 24 hours in one pull",
    ("protocol_id", "metric"),
    "DeFiLlama /overview/dexs and /overview/fees, asked once a day after midnight: who trades, and how much in the day that ended.",
    PROTOCOL_ID,
    text("metric", "dexs (traded volume) or fees", required=True, isin=METRICS),
    text("slug", "Its slug in summaries"),
    number("value_24h_usd", "Of the last 24 hours", expected=True, unit="USD", ge=0.0, le=1e13),
)
DEFILLAMA_CHAIN_TVL_DAYS = raw_table(
    "defillama_chain_tvl_days",
    "the TVL of all chains at the start of one day, as one pull said it",
    ("observed_at",),
    "DeFiLlama /v2/historicalChainTvl: all of DeFi, liquid staking and what counts twice left out.",
    number("tvl_usd", "TVL of all chains", expected=True, **USD),
    PROVISIONAL,
)
COINGECKO_COIN_DAYS = raw_table(
    "coingecko_coin_days",
    "one coin at the start of one day, as one pull said it",
    ("coin_id", "observed_at"),
    "CoinGecko /coins/{id}/market_chart: price and market capitalisation of each day, a year back on the free plan; asked once per coin.",
    text("coin_id", "CoinGecko id", required=True),
    number("price_usd", "Price", "USD", expected=True, gt=0.0, le=1e13),
    number("market_cap_usd", "Market capitalisation", **USD),
    number("volume_24h_usd", "Rolling 24-hour volume of its token", **USD),
    PROVISIONAL,
)
COINGECKO_TOKENS = raw_table(
    "coingecko_tokens",
    "one protocol's token as CoinGecko said it after midnight",
    ("coin_id",),
    "CoinGecko /coins/markets of the tokens of the protocols that are followed, asked once a day after midnight.",
    text("coin_id", "CoinGecko id", required=True),
    number("price_usd", "Current price", "USD", expected=True, gt=0.0, le=1e13),
    number("market_cap_usd", "Market capitalisation", **USD),
    number("volume_24h_usd", "Rolling 24-hour volume", **USD),
)
PROTOCOL_PULLS = (
    DEFILLAMA_VOLUMES,
    DEFILLAMA_TVL_DAYS,
    DEFILLAMA_VOLUME_DAYS,
    DEFILLAMA_CHAIN_TVL_DAYS,
    COINGECKO_TOKENS,
    COINGECKO_COIN_DAYS,
)
# Who is followed is in the list of protocols, who trades in the overviews.
ASKED_AFTER = tuple(
    (table, (DEFILLAMA_PROTOCOLS, DEFILLAMA_VOLUMES) if table is DEFILLAMA_VOLUME_DAYS else (DEFILLAMA_PROTOCOLS,))
    for table in PROTOCOL_PULLS
)
