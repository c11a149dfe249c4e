"""The Graph: pairs of a Uniswap-V2-shaped subgraph with reserves, LP supply and cumulative volume, all at one block."""

from collections.abc import Iterator, Sequence
from typing import Any

from veririsk_assets.contracts import raw
from veririsk_assets.settings import Settings
from veririsk_assets.sources import subgraph
from veririsk_assets.sources.numbers import address, instant, lower, mapping, number, text
from veririsk_assets.sources.pull import Pull, as_far_as_it_goes, list_expected, pulled, rows_expected, rows_of
from veririsk_assets.wire.errors import PermanentSourceError
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.redaction import keep_secret
from veririsk_assets.wire.session import Check, Reply, Wire

NAME = "thegraph"
DEX = "uniswap-v2"
PER_PAGE = 1000
MAX_PAGES = 20
REQUESTS_PER_MINUTE, BURST = 60.0, 10
# A pair leaves the universe at this share of the TVL at which it enters.
LEAVING_SHARE = 0.8
IDS_PER_PAGE = 500
# Replayed markets answer at the gateway's address, for a key that is none.
REPLAYED_URL = "https://gateway.thegraph.com/api/replayed/subgraphs/id/uniswap-v2"
FIELDS = "id token0 { id symbol decimals } token1 { id symbol decimals } reserve0 reserve1 reserveUSD totalSupply volumeUSD txCount"
# The page after a full last one is empty; the first one never is.
HAS_PAIRS, MAY_HAVE_PAIRS = rows_expected("id", "data", "pairs"), list_expected("data", "pairs")


def pairs(wire: Wire, settings: Settings, followed: Sequence[str] = ()) -> Pull:
    """In live mode the pairs above the universe's leaving TVL and, whatever their size, those that are `followed`; else all.

    `observed_at` is the time of the block. A live subgraph has 100,000s of pairs: they are never all asked for, and a pair
    that falls below the floor is still asked for by its id, so that its fall is seen.
    """
    return as_far_as_it_goes(raw.THEGRAPH_PAIRS, _pages(wire, settings, [pair.lower() for pair in followed]))


def _pages(wire: Wire, settings: Settings, followed: Sequence[str]) -> Iterator[Pull]:
    """Later pages are asked at the first page's block, so that all pairs are seen at one moment."""
    provider = provider_of(settings)
    floor = LEAVING_SHARE * settings.min_tvl_usd if settings.source == "live" else None
    after, block, seen = "", None, set()
    for page in range(MAX_PAGES):
        check = HAS_PAIRS if page == 0 else MAY_HAVE_PAIRS
        reply = _asked(wire, provider, _query(floor, False, block), {"first": PER_PAGE, "after": after}, check)
        rows = rows_of(reply, "data", "pairs")
        block = block or subgraph.block_number(reply)
        seen |= {lower(row.get("id")) for row in rows}
        yield _rows(reply, rows)
        last = text(rows[-1].get("id")) if rows else None
        if len(rows) < PER_PAGE or last is None or last <= after:
            break
        after = last
    else:
        raise PermanentSourceError(f"there are more than {MAX_PAGES} pages of {PER_PAGE} pairs")
    fallen = [pair for pair in dict.fromkeys(followed) if pair not in seen]
    for i in range(0, len(fallen), IDS_PER_PAGE):
        ids = fallen[i : i + IDS_PER_PAGE]
        reply = _asked(wire, provider, _query(None, True, block), {"first": PER_PAGE, "after": "", "ids": ids}, MAY_HAVE_PAIRS)
        yield _rows(reply, rows_of(reply, "data", "pairs"))


def _asked(wire: Wire, provider: Provider, query: str, variables: dict[str, Any], check: Check) -> Reply:
    return wire.post_json(provider, "", {"query": query, "variables": variables}, check=subgraph.sound(wire, check))


def _query(floor_usd: float | None, by_id: bool, block: int | None) -> str:
    where = "id_gt: $after" + (f', reserveUSD_gte: "{floor_usd:.0f}"' if floor_usd is not None else "") + (", id_in: $ids" if by_id else "")
    at = f", block: {{number: {block}}}" if block is not None else ""
    variables = "$first: Int!, $after: ID!" + (", $ids: [ID!]" if by_id else "")
    listed = f"pairs(first: $first, orderBy: id, orderDirection: asc, where: {{{where}}}{at}) {{ {FIELDS} }}"
    return f"query({variables}) {{ {listed} _meta{f'(block: {{number: {block}}})' if block is not None else ''} {{ block {{ number timestamp }} }} }}"


def provider_of(settings: Settings) -> Provider:
    is_live = settings.source == "live"
    url = keep_secret(settings.thegraph_url.get_secret_value()) if is_live else REPLAYED_URL
    return Provider(NAME, url, REQUESTS_PER_MINUTE, BURST, is_metered=is_live)


def _rows(reply: Reply, rows: list[dict[str, Any]]) -> Pull:
    at_block = subgraph.block_time(reply)
    tokens = [[mapping(row.get(name)) for row in rows] for name in ("token0", "token1")]
    # A recorded market holds each pair at a time of its own, and its dex; the gateway never sends this field.
    recorded = [mapping(row.get("recorded")) for row in rows]
    columns: dict[str, Sequence[Any]] = {
        "pair": [text(row.get("id")) for row in rows],
        "dex": [text(own.get("dex")) or DEX for own in recorded],
        "token0": [lower(token.get("symbol")) for token in tokens[0]],
        "token1": [lower(token.get("symbol")) for token in tokens[1]],
        "token0_address": [address(token.get("id")) for token in tokens[0]],
        "token1_address": [address(token.get("id")) for token in tokens[1]],
        "reserve0": [number(row.get("reserve0")) for row in rows],
        "reserve1": [number(row.get("reserve1")) for row in rows],
        "reserve_usd": [number(row.get("reserveUSD")) for row in rows],
        "lp_supply": [number(row.get("totalSupply")) for row in rows],
        "volume_usd_cum": [number(row.get("volumeUSD")) for row in rows],
        "tx_count_cum": [number(row.get("txCount")) for row in rows],
    }
    observed_at = [instant(own["timestamp"]) if "timestamp" in own else at_block for own in recorded]
    return pulled(raw.THEGRAPH_PAIRS, reply, columns, observed_at, "intraday")
