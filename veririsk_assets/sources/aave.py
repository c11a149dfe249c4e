"""Aave's large reserves, from a subgraph of Messari's lending schema (2.0 or newer)."""

from collections.abc import Sequence
from typing import Any

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.vocabulary import AAVE_ASSETS
from veririsk_assets.settings import Settings
from veririsk_assets.sources import subgraph
from veririsk_assets.sources.numbers import lower, mapping, number
from veririsk_assets.sources.pull import Pull, pulled, rows_expected, rows_of
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.redaction import keep_secret
from veririsk_assets.wire.session import Wire

NAME = "aave"
REPLAYED_URL = "https://aave.replayed.invalid/subgraph"
REQUESTS_PER_MINUTE, BURST = 60.0, 4
FIELDS = "id inputToken { id symbol } totalDepositBalanceUSD totalBorrowBalanceUSD cumulativeLiquidateUSD"
QUERY = (
    f"query($assets: [String!]) {{ markets(first: 100, orderBy: id, where: {{inputToken_in: $assets}}) {{ {FIELDS} }} "
    "_meta { block { number timestamp } } }"
)
HAS_MARKETS = rows_expected("id", "data", "markets")


def reserves(wire: Wire, settings: Settings) -> Pull:
    """The reserves followed, USD at the subgraph's own prices. `observed_at` is the time of the block."""
    is_live = settings.source == "live"
    url = keep_secret(settings.aave_subgraph_url.get_secret_value()) if is_live else REPLAYED_URL
    provider = Provider(NAME, url, REQUESTS_PER_MINUTE, BURST, is_metered=is_live)
    reply = wire.post_json(
        provider, "", {"query": QUERY, "variables": {"assets": list(AAVE_ASSETS)}}, check=subgraph.sound(wire, HAS_MARKETS)
    )
    rows = rows_of(reply, "data", "markets")
    tokens = [mapping(row.get("inputToken")) for row in rows]
    columns: dict[str, Sequence[Any]] = {
        "market": [lower(row.get("id")) for row in rows],
        "asset": [lower(token.get("id")) for token in tokens],
        "symbol": [lower(token.get("symbol")) for token in tokens],
        "supplied_usd": [number(row.get("totalDepositBalanceUSD")) for row in rows],
        "borrowed_usd": [number(row.get("totalBorrowBalanceUSD")) for row in rows],
        "liquidated_usd_cum": [number(row.get("cumulativeLiquidateUSD")) for row in rows],
    }
    observed_at = [subgraph.block_time(reply)] * len(rows)
    return pulled(raw.AAVE_RESERVES, reply, columns, observed_at, "intraday")
