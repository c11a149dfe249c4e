"""What all subgraphs have in common: how they say that something went wrong, and which block they answer about."""

from datetime import datetime
from typing import Any

from veririsk_assets.sources import blocks
from veririsk_assets.sources.numbers import mapping
from veririsk_assets.wire.errors import PermanentSourceError, TransientSourceError
from veririsk_assets.wire.session import Check, Reply, Wire

# Words in GraphQL errors that asking again may heal; the gateway sends them with HTTP 200.
PASSING = ("indexing_error", "bad indexers", "unavailable", "timeout", "timed out", "too many", "rate limit", "internal")


def sound(wire: Wire, more: Check = lambda _: None) -> Check:
    """A check for the wire: no GraphQL error (they come with HTTP 200), a block of the last day, and then `more`."""

    def check(body: Any) -> None:
        errors = mapping(body).get("errors")
        if errors or not isinstance(mapping(body).get("data"), dict):
            first = mapping(errors[0]).get("message") if isinstance(errors, list) and errors else None
            said = str(first or "a reply without data")
            raise (TransientSourceError if first is None or any(w in said.lower() for w in PASSING) else PermanentSourceError)(said[:200])
        block = mapping(mapping(body["data"].get("_meta")).get("block"))
        if type(block.get("number")) is not int:
            raise TransientSourceError("answered without the number of a block")
        blocks.made_at(block.get("timestamp"), wire.clock.now())
        more(body)

    return check


def block_number(reply: Reply) -> int:
    """Of a sound reply: the block that it is about."""
    return int(reply.body["data"]["_meta"]["block"]["number"])


def block_time(reply: Reply) -> datetime:
    """Of a sound reply: when its block was made, naive UTC."""
    return blocks.made_at(reply.body["data"]["_meta"]["block"]["timestamp"], reply.pulled_at)
