"""An Ethereum node: what gas costs now, by two JSON-RPC calls."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from veririsk_assets.contracts import raw
from veririsk_assets.settings import Settings
from veririsk_assets.sources import blocks
from veririsk_assets.sources.numbers import mapping, quantity
from veririsk_assets.sources.pull import Pull, pulled
from veririsk_assets.wire.errors import PermanentSourceError, TransientSourceError
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.redaction import keep_secret
from veririsk_assets.wire.session import Check, Reply, Wire

NAME = "ethereum"
REPLAYED_URL = "https://ethereum.replayed.invalid/rpc"
REQUESTS_PER_MINUTE, BURST = 60.0, 4
WEI_PER_GWEI = 1e9
# Errors by which nodes say "later": internal, resource unavailable, limit exceeded.
PASSING_CODES = (-32603, -32002, -32005)


def gas(wire: Wire, settings: Settings) -> Pull:
    """One row: the gas price that the node suggests, beside its newest block. `observed_at` is the time of that block."""
    is_live = settings.source == "live"
    url = keep_secret(settings.ethereum_rpc_url.get_secret_value()) if is_live else REPLAYED_URL
    provider = Provider(NAME, url, REQUESTS_PER_MINUTE, BURST, is_metered=is_live)
    newest = _call(wire, provider, "eth_getBlockByNumber", ["latest", False], lambda body: _made_at(body, wire.clock.now()))
    block = mapping(newest.body["result"])
    price = quantity(_call(wire, provider, "eth_gasPrice", []).body["result"])
    columns: dict[str, Sequence[Any]] = {
        "block_number": [quantity(block.get("number"))],
        "gas_price_gwei": [price / WEI_PER_GWEI],
        "base_fee_gwei": [quantity(block.get("baseFeePerGas")) / WEI_PER_GWEI],
    }
    return pulled(raw.ETH_GAS, newest, columns, [_made_at(newest.body, newest.pulled_at)], "intraday")


def _call(wire: Wire, provider: Provider, method: str, params: Sequence[Any], more: Check = lambda _: None) -> Reply:
    def check(body: Any) -> None:
        _check(body)
        more(body)

    return wire.post_json(provider, "", {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}, check=check)


def _made_at(body: Any, now: datetime) -> datetime:
    return blocks.made_at(quantity(mapping(body["result"]).get("timestamp")), now)


def _check(body: Any) -> None:
    """JSON-RPC errors come with HTTP 200."""
    error = mapping(mapping(body).get("error"))
    if error:
        kind = TransientSourceError if error.get("code") in PASSING_CODES else PermanentSourceError
        raise kind(f"JSON-RPC {error.get('code')}: {error.get('message')}"[:200])
    if mapping(body).get("result") is None:
        raise TransientSourceError("a JSON-RPC reply without a result")
