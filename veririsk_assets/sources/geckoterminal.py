"""GeckoTerminal on-chain pools: liquidity of both sides and real hourly volume, 30 addresses a call."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from veririsk_assets.contracts import raw
from veririsk_assets.settings import Settings
from veririsk_assets.sources import universe
from veririsk_assets.sources.numbers import address, instant, lower, mapping, number, text
from veririsk_assets.sources.pull import Pull, as_far_as_it_goes, list_expected, pulled, rows_expected, rows_of
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.session import Reply, Wire

NAME = "geckoterminal"
ROOT = "https://api.geckoterminal.com/api/v2"
PER_CALL = 30
REQUESTS_PER_MINUTE, BURST = 30.0, 10
UNKNOWN: tuple[None, None] = (None, None)


def pools(wire: Wire, settings: Settings, addresses: Sequence[tuple[str, str]] | None = None) -> Pull:
    """The pools at (network, address) pairs, the first `max_geckoterminal_pools` of them; None: the report's named pools.

    Pools that it does not know are missing from its reply. It gives no time of observation.
    """
    known = list(dict.fromkeys(universe.named_addresses() if addresses is None else addresses))
    wanted = known[: settings.max_geckoterminal_pools]
    provider = Provider(NAME, ROOT, REQUESTS_PER_MINUTE, BURST, is_metered=settings.source == "live")
    by_network = {network: [address for name, address in wanted if name == network] for network in dict(wanted)}
    found = as_far_as_it_goes(raw.GECKOTERMINAL_POOLS, *(_batches(wire, provider, *one) for one in by_network.items()))
    cut = len(known) > len(wanted)
    return replace(found, note=f"{len(wanted)} of {len(known)} addresses asked for: VERIRISK_MAX_GECKOTERMINAL_POOLS" if cut else "")


def _batches(wire: Wire, provider: Provider, network: str, addresses: Sequence[str]) -> Iterator[Pull]:
    path = f"/networks/{network}/pools/multi/"
    for i in range(0, len(addresses), PER_CALL):
        batch = addresses[i : i + PER_CALL]
        # One address may have gone; of many none is known when the host is not well.
        check = rows_expected("attributes", "data") if len(batch) > 1 else list_expected("data")
        said = wire.get_json(
            provider, path + ",".join(batch), {"include": "base_token,quote_token"}, label=path + "{addresses}", check=check
        )
        yield _rows(said, network)


def _rows(reply: Reply, network: str) -> Pull:
    rows = rows_of(reply, "data")
    said = [mapping(row.get("attributes")) for row in rows]
    volumes = [mapping(pool.get("volume_usd")) for pool in said]
    tokens = _tokens(reply.body.get("included"))
    base, quote = ([tokens.get(_related(row, side), UNKNOWN) for row in rows] for side in ("base_token", "quote_token"))
    columns: dict[str, Sequence[Any]] = {
        "network": [network] * len(rows),
        "address": [_pool_address(pool.get("address")) for pool in said],
        "name": [text(pool.get("name")) for pool in said],
        "dex": [_related(row, "dex") for row in rows],
        "base_token": [symbol for symbol, _ in base],
        "quote_token": [symbol for symbol, _ in quote],
        "base_token_address": [told or _id_address(row, "base_token") for (_, told), row in zip(base, rows, strict=True)],
        "quote_token_address": [told or _id_address(row, "quote_token") for (_, told), row in zip(quote, rows, strict=True)],
        "reserve_usd": [number(pool.get("reserve_in_usd")) for pool in said],
        "base_balance": [_balance(pool, "base") for pool in said],
        "quote_balance": [_balance(pool, "quote") for pool in said],
        "volume_1h_usd": [number(volume.get("h1")) for volume in volumes],
        "volume_24h_usd": [number(volume.get("h24")) for volume in volumes],
        "pool_created_at": [instant(pool.get("pool_created_at")) for pool in said],
    }
    return pulled(raw.GECKOTERMINAL_POOLS, reply, columns)


def _tokens(included: Any) -> dict[str | None, tuple[str | None, str | None]]:
    """Token id → symbol and address, of the tokens that the reply includes."""
    tokens = [mapping(token) for token in included] if isinstance(included, list) else []
    said = [(text(token.get("id")), mapping(token.get("attributes"))) for token in tokens]
    return {name: (lower(about.get("symbol")), address(about.get("address"))) for name, about in said}


def _id_address(row: dict[str, Any], name: str) -> str | None:
    """The address within a token's id, which is <network>_<address>."""
    return address((_related(row, name) or "").rpartition("_")[2])


def _related(row: dict[str, Any], name: str) -> str | None:
    return text(mapping(mapping(mapping(row.get("relationships")).get(name)).get("data")).get("id"))


def _pool_address(value: Any) -> str | None:
    """Hexadecimal addresses in lower case; others (Solana's) are case-sensitive."""
    told = text(value)
    return told.lower() if told and told.lower().startswith("0x") else told


def _balance(pool: dict[str, Any], side: str) -> float:
    """Tokens of one side: as said, or its liquidity at the reply's own price where the balance is not said."""
    balance = number(pool.get(f"{side}_token_balance"))
    if not math.isnan(balance):
        return balance
    price = number(pool.get(f"{side}_token_price_usd"))
    return number(pool.get(f"{side}_token_liquidity_usd")) / price if price > 0 else math.nan
