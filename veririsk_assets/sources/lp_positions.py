"""The Graph: who holds a pair's LP tokens, many pairs in a query."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from veririsk_assets.contracts import raw
from veririsk_assets.settings import Settings
from veririsk_assets.sources import subgraph
from veririsk_assets.sources.numbers import lower, mapping, number
from veririsk_assets.sources.pull import Pull, as_far_as_it_goes, pulled, rows_expected, rows_of
from veririsk_assets.sources.thegraph import provider_of
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.session import Reply, Wire

HOLDERS = 10
PAIRS_PER_QUERY = 25
# In one hour; the pairs that are left are still due in the next.
MAX_QUERIES = 20
# Tokens sent here are burnt: nobody can withdraw them.
BURNT = frozenset({"0x" + "0" * 40, "0x" + "0" * 36 + "dead"})
# All of them were seen lately.
KNOWS_PAIRS = rows_expected("id", "data", "pairs")


def lp_positions(wire: Wire, settings: Settings, pairs: Sequence[str]) -> Pull:
    """The largest holders of each pair, at most HOLDERS, of the first MAX_QUERIES × PAIRS_PER_QUERY pairs.

    The zero and the 0x…dead address are no holders; the supply still counts what they got. A pair or a supply that the
    subgraph does not know is missing. `observed_at` is the time of the block. Raises PermanentSourceError where the
    subgraph has no positions: newer Uniswap V2 subgraphs dropped them.
    """
    known = list(dict.fromkeys(pair.lower() for pair in pairs))
    asked = known[: MAX_QUERIES * PAIRS_PER_QUERY]
    found = as_far_as_it_goes(raw.THEGRAPH_LP_POSITIONS, _queries(wire, provider_of(settings), asked))
    later = len(known) - len(asked)
    return replace(found, note=f"{len(asked)} of {len(known)} pairs asked about, the others are due in the next hour" if later else "")


def _queries(wire: Wire, provider: Provider, asked: Sequence[str]) -> Iterator[Pull]:
    for i in range(0, len(asked), PAIRS_PER_QUERY):
        some = asked[i : i + PAIRS_PER_QUERY]
        variables = {f"p{n}": pair for n, pair in enumerate(some)} | {"ids": some}
        body = {"query": _query(len(some)), "variables": variables}
        yield _rows(wire.post_json(provider, "", body, check=subgraph.sound(wire, KNOWS_PAIRS)), some)


def _query(pairs: int) -> str:
    """An alias per pair for its holders (h0, h1, …), and the supplies of all of them, at one block."""
    order = f"first: {HOLDERS + len(BURNT)}, orderBy: liquidityTokenBalance, orderDirection: desc"
    holders = [f"h{n}: liquidityPositions({order}, where: {{pair: $p{n}}}) {{ user {{ id }} liquidityTokenBalance }}" for n in range(pairs)]
    supplies = f"pairs(first: {pairs}, where: {{id_in: $ids}}) {{ id totalSupply }}"
    variables = ", ".join(["$ids: [ID!]", *(f"$p{n}: String!" for n in range(pairs))])
    return f"query({variables}) {{ {' '.join(holders)} {supplies} _meta {{ block {{ number timestamp }} }} }}"


def _rows(reply: Reply, pairs: Sequence[str]) -> Pull:
    supplies = {lower(row.get("id")): number(row.get("totalSupply")) for row in rows_of(reply, "data", "pairs")}
    found = [
        (pair, holder, number(row.get("liquidityTokenBalance")), supplies.get(pair, math.nan))
        for n, pair in enumerate(pairs)
        for holder, row in _holders(rows_of(reply, "data", f"h{n}"))
    ]
    columns = {name: [row[i] for row in found] for i, name in enumerate(("pair", "holder", "balance", "lp_supply"))}
    observed_at = [subgraph.block_time(reply)] * len(found)
    return pulled(raw.THEGRAPH_LP_POSITIONS, reply, columns, observed_at, "intraday")


def _holders(positions: list[dict[str, Any]]) -> list[tuple[str | None, dict[str, Any]]]:
    named = [(lower(mapping(row.get("user")).get("id")), row) for row in positions]
    return [(holder, row) for holder, row in named if holder not in BURNT][:HOLDERS]
