"""DeFiLlama: every pool and every protocol it tracks, now. Contract: free hosts without a key, the pro host with one."""

from typing import Any

from veririsk_assets.contracts.raw import DEFILLAMA_POOLS, DEFILLAMA_PROTOCOLS
from veririsk_assets.settings import Settings
from veririsk_assets.sources.frame import Pull, number, rows, text
from veririsk_assets.wire.errors import TransientSourceError
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.session import Wire

FREE = {"pools": "https://yields.llama.fi/pools", "protocols": "https://api.llama.fi/protocols"}
PRO = {"pools": "https://pro-api.llama.fi/{key}/yields/pools", "protocols": "https://pro-api.llama.fi/{key}/api/protocols"}
PROVIDER = Provider("defillama", requests_per_minute=60, burst=5)

POOL = {
    "pool": lambda item: text(item.get("pool")),
    "chain": lambda item: text(item.get("chain")),
    "project": lambda item: text(item.get("project")),
    "symbol": lambda item: text(item.get("symbol")),
    "pool_meta": lambda item: text(item.get("poolMeta")),
    "exposure": lambda item: text(item.get("exposure")),
    "tvl_usd": lambda item: number(item.get("tvlUsd")),
    "apy_pct": lambda item: number(item.get("apy")),
    "apy_base_pct": lambda item: number(item.get("apyBase")),
    "apy_reward_pct": lambda item: number(item.get("apyReward")),
    "volume_24h_usd": lambda item: number(item.get("volumeUsd1d")),
}
PROTOCOL = {
    "protocol_id": lambda item: text(item.get("id")),
    "slug": lambda item: text(item.get("slug")),
    "name": lambda item: text(item.get("name")),
    "category": lambda item: text(item.get("category")),
    "chain": lambda item: text(item.get("chain")),
    "gecko_id": lambda item: text(item.get("gecko_id")),
    "parent_protocol": lambda item: text(item.get("parentProtocol")),
    "tvl_usd": lambda item: number(item.get("tvl")),
    "mcap_usd": lambda item: number(item.get("mcap")),
}


def _url(settings: Settings, endpoint: str) -> str:
    key = settings.defillama_api_key.get_secret_value()
    return PRO[endpoint].format(key=key) if key else FREE[endpoint]


def pools(wire: Wire, settings: Settings) -> Pull:
    """Rows of raw/defillama_pools. No time of observation: a row can be a week old."""
    reply = wire.get_json(PROVIDER, _url(settings, "pools"))
    items = _list(reply.body.get("data") if isinstance(reply.body, dict) else None, reply.endpoint)
    return Pull(rows(DEFILLAMA_POOLS, "defillama", reply, items, POOL))


def protocols(wire: Wire, settings: Settings) -> Pull:
    """Rows of raw/defillama_protocols; a protocol whose TVL is null has none to say and is left out."""
    reply = wire.get_json(PROVIDER, _url(settings, "protocols"))
    items = [item for item in _list(reply.body, reply.endpoint) if not isinstance(item, dict) or item.get("tvl") is not None]
    return Pull(rows(DEFILLAMA_PROTOCOLS, "defillama", reply, items, PROTOCOL))


def _list(items: Any, endpoint: str) -> list[Any]:
    if not isinstance(items, list):
        raise TransientSourceError(f"{endpoint}: no list of rows in the answer")
    return items
