"""When a chain's block was made. Answers about a block of no believable time are not taken: they would count as ones of now."""

from datetime import datetime, timedelta
from typing import Any

from veririsk_assets.contracts.windows import naive
from veririsk_assets.sources.numbers import observed, unix_seconds
from veririsk_assets.wire.errors import TransientSourceError

# A node that has lost its peers, or an indexer that has stopped, goes on answering with the last block that it saw.
OLDEST = timedelta(hours=24)


def made_at(seconds: Any, now: datetime) -> datetime:
    """Naive UTC of a block's unix seconds. Raises TransientSourceError for what is no time of the last day."""
    found = observed(unix_seconds(seconds), now)
    if found is None:
        raise TransientSourceError(f"answered at a block of time {str(seconds)[:40]!r}, which is no time that has passed")
    if naive(now) - found > OLDEST:
        raise TransientSourceError(f"answered at a block of {found:%Y-%m-%d %H:%M}, more than {OLDEST // timedelta(hours=1)} hours ago")
    return found
