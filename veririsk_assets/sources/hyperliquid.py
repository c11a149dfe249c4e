"""Hyperliquid: funding, premium and open interest of every perpetual, in one call. There is no history of them to ask for."""

from collections.abc import Sequence
from typing import Any

from veririsk_assets.contracts import raw
from veririsk_assets.settings import Settings
from veririsk_assets.sources.numbers import mapping, number, text
from veririsk_assets.sources.pull import Pull, pulled
from veririsk_assets.wire.errors import TransientSourceError
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.session import Wire

NAME = "hyperliquid"
ROOT, PATH = "https://api.hyperliquid.xyz", "/info"
# A call weighs 20 of the 1,200 that an address has per minute.
REQUESTS_PER_MINUTE, BURST = 30.0, 3


def markets(wire: Wire, settings: Settings) -> Pull:
    """Every perpetual. It gives no time of observation. Numbers come as decimal strings, any of them may be null."""
    provider = Provider(NAME, ROOT, REQUESTS_PER_MINUTE, BURST, is_metered=settings.source == "live")
    reply = wire.post_json(provider, PATH, {"type": "metaAndAssetCtxs"}, check=_check)
    names, contexts = _parts(reply.body)
    said = [mapping(context) for context in contexts]
    columns: dict[str, Sequence[Any]] = {
        "coin": [text(mapping(name).get("name")) for name in names],
        "funding_rate": [number(one.get("funding")) for one in said],
        "premium": [number(one.get("premium")) for one in said],
        "open_interest_coins": [number(one.get("openInterest")) for one in said],
        "mark_price_usd": [number(one.get("markPx")) for one in said],
        "oracle_price_usd": [number(one.get("oraclePx")) for one in said],
        "volume_24h_usd": [number(one.get("dayNtlVlm")) for one in said],
    }
    return pulled(raw.HYPERLIQUID_MARKETS, reply, columns)


def _check(body: Any) -> None:
    """Names and numbers are joined by their place alone: lists that differ in length cannot be joined."""
    names, contexts = _parts(body)
    if not any(mapping(name).get("name") for name in names) or len(names) != len(contexts):
        raise TransientSourceError(f"{len(names)} perpetuals and {len(contexts)} contexts")


def _parts(body: Any) -> tuple[list[Any], list[Any]]:
    meta, contexts = body if isinstance(body, list) and len(body) == 2 else (None, None)
    names = mapping(meta).get("universe")
    return names if isinstance(names, list) else [], contexts if isinstance(contexts, list) else []
