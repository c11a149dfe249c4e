"""GeckoTerminal on-chain pools: liquidity of both sides and real hourly volume, 30 addresses a call."""

import math
from collections.abc import Sequence
from typing import Any

from veririsk_assets.contracts import raw
from veririsk_assets.settings import Settings
from veririsk_assets.sources import universe
from veririsk_assets.sources.numbers import instant, lower, mapping, number, text
from veririsk_assets.sources.pull import Pull, pulled, rows_of, together
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.session import Reply, Wire

NAME = "geckoterminal"
ROOT = "https://api.geckoterminal.com/api/v2"
PER_CALL = 30
REQUESTS_PER_MINUTE, BURST = 30.0, 10


def pools(wire: Wire, settings: Settings, addresses: Sequence[tuple[str, str]] | None = None) -> Pull:
    """The pools at (network, address) pairs, the first `max_geckoterminal_pools` of them; None: the report's named pools.

    Pools that it does not know are missing from its reply. It gives no time of observation.
    """
    wanted = list(dict.fromkeys(universe.named_addresses() if addresses is None else addresses))[: settings.max_geckoterminal_pools]
    provider = Provider(NAME, ROOT, REQUESTS_PER_MINUTE, BURST, is_metered=settings.source == "live")
    parts = []
    for network in dict.fromkeys(network for network, _ in wanted):
        on_network = [address for name, address in wanted if name == network]
        for i in range(0, len(on_network), PER_CALL):
            parts.append(_rows(_batch(wire, provider, network, on_network[i : i + PER_CALL]), network))
    return together(raw.GECKOTERMINAL_POOLS, parts)


def _batch(wire: Wire, provider: Provider, network: str, addresses: Sequence[str]) -> Reply:
    path = f"/networks/{network}/pools/multi/"
    return wire.get_json(provider, path + ",".join(addresses), {"include": "base_token,quote_token"}, label=path + "{addresses}")


def _rows(reply: Reply, network: str) -> Pull:
    body = mapping(reply.body)
    rows = rows_of(reply, body.get("data"))
    said = [mapping(row.get("attributes")) for row in rows]
    volumes = [mapping(pool.get("volume_usd")) for pool in said]
    symbols = _symbols(body.get("included"))
    columns: dict[str, Sequence[Any]] = {
        "network": [network] * len(rows),
        "address": [_address(pool.get("address")) for pool in said],
        "name": [text(pool.get("name")) for pool in said],
        "dex": [_related(row, "dex") for row in rows],
        "base_token": [symbols.get(_related(row, "base_token")) for row in rows],
        "quote_token": [symbols.get(_related(row, "quote_token")) for row in rows],
        "reserve_usd": [number(pool.get("reserve_in_usd")) for pool in said],
        "base_balance": [_balance(pool, "base") for pool in said],
        "quote_balance": [_balance(pool, "quote") for pool in said],
        "volume_1h_usd": [number(volume.get("h1")) for volume in volumes],
        "volume_24h_usd": [number(volume.get("h24")) for volume in volumes],
        "pool_created_at": [instant(pool.get("pool_created_at")) for pool in said],
    }
    return pulled(raw.GECKOTERMINAL_POOLS, reply, columns)


def _symbols(included: Any) -> dict[str | None, str | None]:
    """Token id → symbol, of the tokens that the reply includes."""
    tokens = [mapping(token) for token in included] if isinstance(included, list) else []
    return {text(token.get("id")): lower(mapping(token.get("attributes")).get("symbol")) for token in tokens}


def _related(row: dict[str, Any], name: str) -> str | None:
    return text(mapping(mapping(mapping(row.get("relationships")).get(name)).get("data")).get("id"))


def _address(value: Any) -> str | None:
    """Hexadecimal addresses in lower case; others (Solana's) are case-sensitive."""
    address = text(value)
    return address.lower() if address and address.lower().startswith("0x") else address


def _balance(pool: dict[str, Any], side: str) -> float:
    """Tokens of one side: as said, or its liquidity at the reply's own price where the balance is not said."""
    balance = number(pool.get(f"{side}_token_balance"))
    if not math.isnan(balance):
        return balance
    price = number(pool.get(f"{side}_token_price_usd"))
    return number(pool.get(f"{side}_token_liquidity_usd")) / price if price > 0 else math.nan
