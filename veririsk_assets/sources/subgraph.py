"""What all subgraphs have in common: how they say that something went wrong, and which block they answer about."""

from typing import Any

from veririsk_assets.sources.numbers import mapping
from veririsk_assets.wire.errors import PermanentSourceError, TransientSourceError
from veririsk_assets.wire.session import Reply

# Words in GraphQL errors that asking again may heal; the gateway sends them with HTTP 200.
PASSING = ("indexing_error", "bad indexers", "unavailable", "timeout", "timed out", "too many", "rate limit", "internal")


def check(body: Any) -> None:
    """Raises SourceError for a GraphQL error: it comes with HTTP 200."""
    errors = mapping(body).get("errors")
    if errors or not isinstance(mapping(body).get("data"), dict):
        first = mapping(errors[0]).get("message") if isinstance(errors, list) and errors else None
        said = str(first or "a reply without data")
        raise (TransientSourceError if first is None or any(w in said.lower() for w in PASSING) else PermanentSourceError)(said[:200])


def block(reply: Reply) -> dict[str, Any]:
    """`number` and `timestamp` (unix seconds) of the block that the reply is about, where it asked for `_meta`."""
    return mapping(mapping(reply.body["data"].get("_meta")).get("block"))
