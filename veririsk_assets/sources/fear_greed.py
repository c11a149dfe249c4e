"""alternative.me: the Fear & Greed index, one value a day."""

import math
from collections.abc import Sequence
from typing import Any

from veririsk_assets.contracts import raw
from veririsk_assets.settings import Settings
from veririsk_assets.sources.numbers import mapping, number, observed, text, unix_seconds
from veririsk_assets.sources.pull import Pull, listed, pulled, rows_of
from veririsk_assets.wire.errors import TransientSourceError
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.session import Check, Wire

NAME = "alternative_me"
ROOT, PATH = "https://api.alternative.me", "/fng/"
REQUESTS_PER_MINUTE, BURST = 20.0, 2


def fear_greed(wire: Wire, settings: Settings) -> Pull:
    """Today's and yesterday's index. Numbers and times come as strings; `observed_at` is the start of the index's day."""
    provider = Provider(NAME, ROOT, REQUESTS_PER_MINUTE, BURST, is_metered=settings.source == "live")
    reply = wire.get_json(provider, PATH, {"limit": "2", "format": "json"}, check=_check(wire))
    rows = rows_of(reply, "data")
    days = [observed(unix_seconds(row.get("timestamp")), reply.pulled_at) for row in rows]
    columns: dict[str, Sequence[Any]] = {
        # The index of no day is nothing that can be used.
        "value": [number(row.get("value")) if day is not None else math.nan for row, day in zip(rows, days, strict=True)],
        "classification": [text(row.get("value_classification")) for row in rows],
    }
    return pulled(raw.FEAR_GREED, reply, columns, days, "start_of_day")


def _check(wire: Wire) -> Check:
    def check(body: Any) -> None:
        rows = [mapping(row) for row in listed(body, "data")]
        if not any(observed(unix_seconds(row.get("timestamp")), wire.clock.now()) for row in rows):
            raise TransientSourceError(f"none of {len(rows)} rows has a day that has begun")

    return check
