"""GeckoTerminal: on-chain pools by address, thirty a call: liquidity of both sides and hourly volume."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pandas as pd

from veririsk_assets.contracts.raw import GECKOTERMINAL_POOLS
from veririsk_assets.settings import Settings
from veririsk_assets.sources.frame import Pull, empty, iso_instant, number, rows, text
from veririsk_assets.sources.universe import named_addresses
from veririsk_assets.wire.errors import TransientSourceError
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.session import Wire

HOST = "https://api.geckoterminal.com/api/v2"
PER_CALL = 30
PROVIDER = Provider("geckoterminal", requests_per_minute=30, burst=10)

POOL = {
    "network": lambda item: text(item["_network"]),
    "address": lambda item: text(item.get("address")),
    "name": lambda item: text(item.get("name")),
    "dex": lambda item: text(item["_dex"]),
    "base_token": lambda item: text(item["_base"]),
    "quote_token": lambda item: text(item["_quote"]),
    "reserve_usd": lambda item: number(item.get("reserve_in_usd")),
    "base_balance": lambda item: _balance(item, "base"),
    "quote_balance": lambda item: _balance(item, "quote"),
    "volume_1h_usd": lambda item: number((item.get("volume_usd") or {}).get("h1")),
    "volume_24h_usd": lambda item: number((item.get("volume_usd") or {}).get("h24")),
    "pool_created_at": lambda item: iso_instant(item.get("pool_created_at")),
}


def pools(wire: Wire, settings: Settings, addresses: Sequence[tuple[str, str]] | None = None) -> Pull:
    """Rows of raw/geckoterminal_pools for (network, address) pairs, at most the settings' number an hour."""
    wanted = sorted(named_addresses() if addresses is None else addresses)[: settings.max_geckoterminal_pools]
    frames = [
        _ask(wire, network, [address for _, address in pairs[i : i + PER_CALL]])
        for network, grouped in groupby(wanted, key=lambda pair: pair[0])
        for pairs in [list(grouped)]
        for i in range(0, len(pairs), PER_CALL)
    ]
    return Pull(pd.concat(frames, ignore_index=True) if frames else empty(GECKOTERMINAL_POOLS))


def _ask(wire: Wire, network: str, addresses: list[str]) -> pd.DataFrame:
    url = f"{HOST}/networks/{network}/pools/multi/{','.join(addresses)}"
    reply = wire.get_json(PROVIDER, url, {"include": "base_token,quote_token"})
    if not isinstance(reply.body, dict) or not isinstance(reply.body.get("data"), list):
        raise TransientSourceError(f"{reply.endpoint}: no list of pools in the answer")
    symbols = {token.get("id"): text((token.get("attributes") or {}).get("symbol")) for token in reply.body.get("included") or []}
    items = [_flat(pool, network, symbols) for pool in reply.body["data"] if isinstance(pool, dict)]
    return rows(GECKOTERMINAL_POOLS, "geckoterminal", reply, items, POOL)


def _flat(pool: dict[str, Any], network: str, symbols: dict[str, str | None]) -> dict[str, Any]:
    """The attributes with what stands in relationships beside them."""
    links = pool.get("relationships") or {}
    ids = {name: ((links.get(name) or {}).get("data") or {}).get("id") for name in ("base_token", "quote_token", "dex")}
    named = {f"_{side}": (symbols.get(ids[f"{side}_token"]) or "").lower() or None for side in ("base", "quote")}
    return {**(pool.get("attributes") or {}), **named, "_network": network, "_dex": ids["dex"]}


def _balance(item: dict[str, Any], side: str) -> float:
    """Tokens of one side: as said, or its liquidity over the price that the same answer gives."""
    said = number(item.get(f"{side}_token_balance"))
    if said == said:
        return said
    price = number(item.get(f"{side}_token_price_usd"))
    return number(item.get(f"{side}_token_liquidity_usd")) / price if price > 0 else float("nan")
