"""The Graph: Uniswap-V2-shaped pairs, page by page. Errors come with HTTP 200; all numbers are decimal strings."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts.raw import THEGRAPH_PAIRS
from veririsk_assets.settings import Settings
from veririsk_assets.sources.frame import Pull, empty, number, rows, text, unix_instant
from veririsk_assets.wire.errors import TransientSourceError
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.session import Reply, Wire

PAGE = 1000
MAX_PAGES = 20
PROVIDER = Provider("thegraph", requests_per_minute=60, burst=10)
# Replayed markets answer any key.
REPLAYED_URL = "https://gateway.thegraph.com/api/replayed/subgraphs/id/uniswap-v2"
QUERY = (
    "query pairs($after: String!) { pairs(first: 1000, where: {id_gt: $after%s}, orderBy: id) "
    "{ id token0 { id symbol decimals } token1 { id symbol decimals } reserve0 reserve1 reserveUSD totalSupply "
    "token0Price token1Price volumeUSD txCount } _meta { block { number timestamp } } }"
)
PAIR = {
    "pair": lambda item: text(item.get("id")),
    "dex": lambda item: text(item.get("dex") or "uniswap-v2"),
    "token0": lambda item: _symbol(item.get("token0")),
    "token1": lambda item: _symbol(item.get("token1")),
    "reserve0": lambda item: number(item.get("reserve0")),
    "reserve1": lambda item: number(item.get("reserve1")),
    "reserve_usd": lambda item: number(item.get("reserveUSD")),
    "lp_supply": lambda item: number(item.get("totalSupply")),
    "volume_usd_cum": lambda item: number(item.get("volumeUSD")),
    "tx_count_cum": lambda item: number(item.get("txCount")),
}


def pairs(wire: Wire, settings: Settings, ids: Sequence[str] | None = None) -> Pull:
    """Rows of raw/thegraph_pairs: the pairs asked for, or all of them."""
    url = settings.thegraph_url.get_secret_value() if settings.source == "live" else REPLAYED_URL
    wanted = ", id_in: [" + ", ".join(f'"{one}"' for one in ids) + "]" if ids else ""
    frames, after = [], ""
    for _ in range(MAX_PAGES):
        reply = wire.post_json(PROVIDER, url, {"query": QUERY % wanted, "variables": {"after": after}})
        items = _pairs(reply)
        if not items:
            break
        frames.append(_frame(reply, items))
        after = str(items[-1].get("id"))
        if len(items) < PAGE:
            break
    return Pull(pd.concat(frames, ignore_index=True) if frames else empty(THEGRAPH_PAIRS))


def _pairs(reply: Reply) -> list[dict[str, Any]]:
    body = reply.body if isinstance(reply.body, dict) else {}
    if body.get("errors"):
        words = "; ".join(str(error.get("message") if isinstance(error, dict) else error) for error in body["errors"])
        raise TransientSourceError(f"{reply.endpoint}: {words[:300]}")
    found = (body.get("data") or {}).get("pairs")
    if not isinstance(found, list):
        raise TransientSourceError(f"{reply.endpoint}: no list of pairs in the answer")
    return [item for item in found if isinstance(item, dict)]


def _frame(reply: Reply, items: list[dict[str, Any]]) -> pd.DataFrame:
    """`observedAt` is the recorded market's: its rows have a time each; a subgraph's are all of one block."""
    block = ((reply.body["data"].get("_meta") or {}).get("block") or {}).get("timestamp")
    seen = np.array([unix_instant(item.get("observedAt", block)) for item in items], dtype="datetime64[us]")
    return rows(THEGRAPH_PAIRS, "thegraph", reply, items, PAIR, seen)


def _symbol(token: Any) -> str | None:
    symbol = token.get("symbol") if isinstance(token, dict) else None
    return None if symbol is None else str(symbol).lower()
