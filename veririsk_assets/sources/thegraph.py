"""The Graph: pairs of a Uniswap-V2-shaped subgraph with reserves, LP supply and cumulative volume, all at one block."""

from collections.abc import Sequence
from typing import Any

from veririsk_assets.contracts import raw
from veririsk_assets.settings import Settings
from veririsk_assets.sources import subgraph
from veririsk_assets.sources.numbers import instant, lower, mapping, number, text
from veririsk_assets.sources.pull import Pull, pulled, rows_of, together
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.redaction import keep_secret
from veririsk_assets.wire.session import Reply, Wire

NAME = "thegraph"
DEX = "uniswap-v2"
PER_PAGE = 1000
MAX_PAGES = 20
REQUESTS_PER_MINUTE, BURST = 60.0, 10
# A pair leaves the universe at this share of the TVL at which it enters.
LEAVING_SHARE = 0.8
# Replayed markets answer at the gateway's address, for a key that is none.
REPLAYED_URL = "https://gateway.thegraph.com/api/replayed/subgraphs/id/uniswap-v2"
FIELDS = "id token0 { id symbol decimals } token1 { id symbol decimals } reserve0 reserve1 reserveUSD totalSupply volumeUSD txCount"


def pairs(wire: Wire, settings: Settings, pairs: Sequence[str] | None = None) -> Pull:
    """The pairs with these ids; None: those above the universe's leaving TVL in live mode, else all.

    `observed_at` is the time of the block. A live subgraph has 100,000s of pairs: they are never all asked for.
    """
    provider = provider_of(settings)
    floor = LEAVING_SHARE * settings.min_tvl_usd if settings.source == "live" and pairs is None else None
    pages: list[Pull] = []
    after, block = "", None
    for _ in range(MAX_PAGES):
        variables = {"first": PER_PAGE, "after": after, "ids": None if pairs is None else list(pairs)}
        reply = wire.post_json(provider, "", {"query": _query(floor, pairs, block), "variables": variables}, check=subgraph.check)
        rows = rows_of(reply, mapping(reply.body["data"]).get("pairs"))
        pages.append(_rows(reply, rows))
        last = text(rows[-1].get("id")) if rows else None
        if len(rows) < PER_PAGE or last is None or last <= after:
            break
        # Later pages are asked at the first page's block, so that all pairs are seen at one moment.
        after, block = last, block or subgraph.block(reply).get("number")
    return together(raw.THEGRAPH_PAIRS, pages)


def _query(floor_usd: float | None, ids: Sequence[str] | None, block: Any) -> str:
    where = "id_gt: $after" + (f', reserveUSD_gte: "{floor_usd:.0f}"' if floor_usd is not None else "") + (", id_in: $ids" if ids else "")
    at = f", block: {{number: {int(block)}}}" if block is not None else ""
    variables = "$first: Int!, $after: ID!" + (", $ids: [ID!]" if ids else "")
    listed = f"pairs(first: $first, orderBy: id, orderDirection: asc, where: {{{where}}}{at}) {{ {FIELDS} }}"
    return f"query({variables}) {{ {listed} _meta{f'(block: {{number: {int(block)}}})' if block is not None else ''} {{ block {{ number timestamp }} }} }}"


def provider_of(settings: Settings) -> Provider:
    is_live = settings.source == "live"
    url = keep_secret(settings.thegraph_url.get_secret_value()) if is_live else REPLAYED_URL
    return Provider(NAME, url, REQUESTS_PER_MINUTE, BURST, is_metered=is_live)


def _rows(reply: Reply, rows: list[dict[str, Any]]) -> Pull:
    at_block = instant(subgraph.block(reply).get("timestamp"))
    # A recorded market holds each pair at a time of its own, and its dex; the gateway never sends this field.
    recorded = [mapping(row.get("recorded")) for row in rows]
    columns: dict[str, Sequence[Any]] = {
        "pair": [text(row.get("id")) for row in rows],
        "dex": [text(own.get("dex")) or DEX for own in recorded],
        "token0": [lower(mapping(row.get("token0")).get("symbol")) for row in rows],
        "token1": [lower(mapping(row.get("token1")).get("symbol")) for row in rows],
        "reserve0": [number(row.get("reserve0")) for row in rows],
        "reserve1": [number(row.get("reserve1")) for row in rows],
        "reserve_usd": [number(row.get("reserveUSD")) for row in rows],
        "lp_supply": [number(row.get("totalSupply")) for row in rows],
        "volume_usd_cum": [number(row.get("volumeUSD")) for row in rows],
        "tx_count_cum": [number(row.get("txCount")) for row in rows],
    }
    observed_at = [instant(own["timestamp"]) if "timestamp" in own else at_block for own in recorded]
    return pulled(raw.THEGRAPH_PAIRS, reply, columns, observed_at, "intraday")
