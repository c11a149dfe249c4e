"""DeFiLlama: pools from the yields host, protocols from the API host. With a key, both from the pro host."""

from collections.abc import Sequence
from typing import Any

from veririsk_assets.contracts import raw
from veririsk_assets.settings import Settings
from veririsk_assets.sources.numbers import mapping, number, text
from veririsk_assets.sources.pull import Pull, pulled, rows_expected, rows_of
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.redaction import keep_secret
from veririsk_assets.wire.session import Wire

NAME = "defillama"
YIELDS_HOST, API_HOST = "https://yields.llama.fi", "https://api.llama.fi"
PRO_HOST = "https://pro-api.llama.fi"
# The free limit is not published; the pro plan has 1,000.
REQUESTS_PER_MINUTE, BURST = 60.0, 5
LEFT_OUT = ("staking", "pool2", "borrowed")


def pools(wire: Wire, settings: Settings) -> Pull:
    """`/pools`: every pool, USD and percent. It gives no time, and a row can be up to 7 days old."""
    reply = wire.get_json(provider_of(settings, YIELDS_HOST, "/yields"), "/pools", check=rows_expected("pool", "data"))
    rows = rows_of(reply, "data")
    columns: dict[str, Sequence[Any]] = {
        "pool": [text(row.get("pool")) for row in rows],
        "chain": [text(row.get("chain")) for row in rows],
        "project": [text(row.get("project")) for row in rows],
        "symbol": [text(row.get("symbol")) for row in rows],
        "pool_meta": [text(row.get("poolMeta")) for row in rows],
        "exposure": [text(row.get("exposure")) for row in rows],
        "tvl_usd": [number(row.get("tvlUsd")) for row in rows],
        "apy_pct": [number(row.get("apy")) for row in rows],
        "apy_base_pct": [number(row.get("apyBase")) for row in rows],
        "apy_reward_pct": [number(row.get("apyReward")) for row in rows],
        "volume_24h_usd": [number(row.get("volumeUsd1d")) for row in rows],
    }
    return pulled(raw.DEFILLAMA_POOLS, reply, columns)


def protocols(wire: Wire, settings: Settings) -> Pull:
    """`/protocols`: current TVL per protocol, USD. Flags that are set after the event (rugged, deadFrom) are not read."""
    reply = wire.get_json(provider_of(settings, API_HOST, "/api"), "/protocols", check=rows_expected("id"))
    rows = rows_of(reply)
    columns: dict[str, Sequence[Any]] = {
        "protocol_id": [text(row.get("id")) for row in rows],
        "slug": [text(row.get("slug")) for row in rows],
        "name": [text(row.get("name")) for row in rows],
        "category": [text(row.get("category")) for row in rows],
        "chain": [text(row.get("chain")) for row in rows],
        "chains_count": [len(row["chains"]) if isinstance(row.get("chains"), list) else None for row in rows],
        "gecko_id": [text(row.get("gecko_id")) for row in rows],
        "parent_protocol": [text(row.get("parentProtocol")) for row in rows],
        "tvl_usd": [number(row.get("tvl")) for row in rows],
        "held_usd": [_held(row) for row in rows],
        "mcap_usd": [number(row.get("mcap")) for row in rows],
    }
    return pulled(raw.DEFILLAMA_PROTOCOLS, reply, columns)


def _held(row: dict[str, Any]) -> float:
    """TVL with what it leaves out: the parts stand beside it, or among its chains."""
    by_chain = mapping(row.get("chainTvls"))
    parts = {name: [number(row.get(name)), number(by_chain.get(name))] for name in LEFT_OUT}
    return number(row.get("tvl")) + sum(max((part for part in said if part > 0), default=0.0) for said in parts.values())


def provider_of(settings: Settings, free_host: str, pro_path: str) -> Provider:
    """The free host, or with a key the pro host under `pro_path`."""
    key = keep_secret(settings.defillama_api_key.get_secret_value())
    base_url = f"{PRO_HOST}/{key}{pro_path}" if key else free_host
    return Provider(NAME, base_url, REQUESTS_PER_MINUTE, BURST, is_metered=settings.source == "live")
