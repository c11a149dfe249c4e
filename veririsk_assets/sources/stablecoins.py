"""DeFiLlama's stablecoins host: how much of each stablecoin circulates, and its price."""

from collections.abc import Sequence
from typing import Any

from veririsk_assets.contracts import raw
from veririsk_assets.settings import Settings
from veririsk_assets.sources import defillama
from veririsk_assets.sources.numbers import lower, mapping, number, text
from veririsk_assets.sources.pull import Pull, pulled, rows_expected, rows_of
from veririsk_assets.wire.session import Wire

HOST = "https://stablecoins.llama.fi"


def stablecoins(wire: Wire, settings: Settings) -> Pull:
    """Every stablecoin; amounts are in units of its peg, not USD. It gives no time of observation."""
    provider = defillama.provider_of(settings, HOST, "/stablecoins")
    reply = wire.get_json(provider, "/stablecoins", {"includePrices": "true"}, check=rows_expected("id", "peggedAssets"))
    rows = rows_of(reply, "peggedAssets")
    columns: dict[str, Sequence[Any]] = {
        "stablecoin_id": [text(row.get("id")) for row in rows],
        "symbol": [lower(row.get("symbol")) for row in rows],
        "name": [text(row.get("name")) for row in rows],
        "gecko_id": [text(row.get("gecko_id")) for row in rows],
        "peg_type": [text(row.get("pegType")) for row in rows],
        "peg_mechanism": [text(row.get("pegMechanism")) for row in rows],
        "circulating": [number(mapping(row.get("circulating")).get(text(row.get("pegType")) or "")) for row in rows],
        "price_usd": [number(row.get("price")) for row in rows],
    }
    return pulled(raw.STABLECOINS, reply, columns)
