"""What GeckoTerminal and The Graph would answer about the simulated pools at one hour. Numbers are decimal strings."""

import json
import re
from collections.abc import Collection
from datetime import timedelta
from functools import lru_cache
from typing import Any

from veririsk_assets.simulation.catalogue import Pool
from veririsk_assets.simulation.market import as_of_at
from veririsk_assets.simulation.replies import Hour, iso
from veririsk_assets.simulation.tokens import Token

NETWORK = "eth"
INDEXED_AFTER = timedelta(minutes=22)
FIRST_BLOCK = 21_525_000
BLOCKS_PER_HOUR = 300
GRAPH_PAGE = 1000
FEES = {"curve-dex": "0.01", "sushiswap": "0.3", "uniswap-v3": "0.3", "balancer-v2": "0.3"}


def geckoterminal_pools(
    hour: Hour, network: str, addresses: Collection[str], with_tokens: bool = False, missing: Collection[str] = ()
) -> dict[str, Any]:
    """`GET /networks/{network}/pools/multi/{a,b,…}` (JSON:API); `with_tokens` for `include=base_token,quote_token`."""
    wanted = {address.lower() for address in addresses}
    on_network = [pool for pool in hour.market.pools if pool.onchain == "geckoterminal" and network == NETWORK]
    pools = [pool for pool in on_network if pool.address in wanted and pool.address not in missing]
    body: dict[str, Any] = {"data": [_gecko_pool(hour, pool) for pool in pools]}
    if with_tokens:
        tokens = {token.symbol: token for pool in pools for token in pool.tokens[:2]}
        body["included"] = [_gecko_token(token) for token in tokens.values()]
    return body


def _gecko_pool(hour: Hour, pool: Pool) -> dict[str, Any]:
    values, i = hour.values, pool.index
    price0, price1 = values["price0_usd"][i], values["price1_usd"][i]
    name, created, links = _gecko_fixed(pool)
    return {
        "id": f"{NETWORK}_{pool.address}",
        "type": "pool",
        "attributes": {
            "base_token_price_usd": f"{price0:.10f}",
            "quote_token_price_usd": f"{price1:.10f}",
            "base_token_liquidity_usd": f"{values['reserve0'][i] * price0:.6f}",
            "quote_token_liquidity_usd": f"{values['reserve1'][i] * price1:.6f}",
            "reserve_in_usd": f"{values['tvl_usd'][i]:.4f}",
            "address": pool.address,
            "name": name,
            "pool_created_at": created,
            "fdv_usd": None,
            "market_cap_usd": None,
            "locked_liquidity_percentage": None,
            "volume_usd": {"h1": f"{values['volume_1h_usd'][i]:.6f}", "h24": f"{values['volume_24h_usd'][i]:.6f}"},
        },
        "relationships": links,
    }


@lru_cache(maxsize=100_000)
def _gecko_fixed(pool: Pool) -> tuple[str, str, dict[str, Any]]:
    base, quote = pool.tokens[:2]
    created = as_of_at(-24 * (200 + pool.index % 300))
    links = {
        "base_token": {"data": {"id": f"{NETWORK}_{base.address}", "type": "token"}},
        "quote_token": {"data": {"id": f"{NETWORK}_{quote.address}", "type": "token"}},
        "dex": {"data": {"id": pool.project, "type": "dex"}},
    }
    return f"{base.symbol} / {quote.symbol} {FEES[pool.project]}%", iso(created).replace(".000Z", "Z"), links


def _gecko_token(token: Token) -> dict[str, Any]:
    known = {"address": token.address, "name": token.symbol, "symbol": token.symbol, "decimals": token.decimals}
    return {"id": f"{NETWORK}_{token.address}", "type": "token", "attributes": known | {"coingecko_coin_id": token.coin_id}}


def thegraph_pairs(hour: Hour, body: str, missing: Collection[str] = ()) -> dict[str, Any]:
    """The pairs query of a Uniswap-V2-shaped subgraph: `first`, `skip`, `id_gt`, `id_in` and `block: {number}` are obeyed.

    Errors come as the gateway's: HTTP 200 with an `errors` array.
    """
    try:
        asked = json.loads(body)
        query = _filled(asked["query"], asked.get("variables") or {})
    except (ValueError, KeyError, TypeError):
        return graph_error("bad request: not a GraphQL body")
    if "pairs" not in query:
        return graph_error("Type `Query` has no such field")
    block = _number(query, "number")
    if block is not None:
        row = (block - FIRST_BLOCK) // BLOCKS_PER_HOUR
        if not 0 <= row <= hour.row:
            return graph_error(f"Failed to decode `block.number` value: no block with number {block} found")
        hour = hour if row == hour.row else Hour(hour.market, as_of_at(row))
    return {"data": {"pairs": _page(hour, query, missing), "_meta": meta(hour)}}


def graph_error(message: str) -> dict[str, Any]:
    return {"errors": [{"message": message}]}


def meta(hour: Hour) -> dict[str, Any]:
    return {
        "block": {"number": FIRST_BLOCK + hour.row * BLOCKS_PER_HOUR + 110, "timestamp": int((hour.as_of + INDEXED_AFTER).timestamp())},
        "hasIndexingErrors": False,
    }


def _filled(query: str, variables: dict[str, Any]) -> str:
    """The query with its variables written in: enough of GraphQL for a pairs query."""

    def value(found: re.Match[str]) -> str:
        return found.group(1) + json.dumps(variables.get(found.group(2)))

    return re.sub(r"(:\s*)\$(\w+)\b", value, query)


def _number(query: str, name: str) -> int | None:
    found = re.search(rf"\b{name}\s*:\s*(\d+)", query)
    return int(found.group(1)) if found else None


def _page(hour: Hour, query: str, missing: Collection[str]) -> list[dict[str, Any]]:
    pools = [pool for pool in hour.market.pools if pool.onchain == "thegraph" and pool.address not in missing]
    after = re.search(r'\bid_gt\s*:\s*"([^"]*)"', query)
    among = re.search(r"\bid_in\s*:\s*\[([^\]]*)\]", query)
    if after:
        pools = [pool for pool in pools if pool.address > after.group(1)]
    if among:
        ids = set(re.findall(r'"([^"]+)"', among.group(1)))
        pools = [pool for pool in pools if pool.address in ids]
    pools.sort(key=lambda pool: pool.address)
    if re.search(r"\borderBy\s*:\s*reserveUSD", query):
        pools.sort(key=lambda pool: -hour.values["tvl_usd"][pool.index])
    first, skip = _number(query, "first"), _number(query, "skip") or 0
    return [_pair(hour, pool) for pool in pools[skip : skip + min(100 if first is None else first, GRAPH_PAGE)]]


def _pair(hour: Hour, pool: Pool) -> dict[str, Any]:
    values, i = hour.values, pool.index
    reserve0, reserve1 = values["reserve0"][i], values["reserve1"][i]
    token0, token1 = pool.tokens
    return {
        "id": pool.address,
        "token0": {"id": token0.address, "symbol": token0.symbol, "decimals": str(token0.decimals)},
        "token1": {"id": token1.address, "symbol": token1.symbol, "decimals": str(token1.decimals)},
        "reserve0": f"{reserve0:.12f}",
        "reserve1": f"{reserve1:.12f}",
        "reserveUSD": f"{values['tvl_usd'][i]:.6f}",
        "totalSupply": f"{values['lp_supply'][i]:.12f}",
        "token0Price": f"{reserve0 / reserve1:.18f}",
        "token1Price": f"{reserve1 / reserve0:.18f}",
        "volumeUSD": f"{values['volume_usd_cum'][i]:.6f}",
        "txCount": str(round(values["tx_count_cum"][i])),
    }
