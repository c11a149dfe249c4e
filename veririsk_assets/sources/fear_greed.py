"""alternative.me: the Fear & Greed index, one value a day."""

from collections.abc import Sequence
from typing import Any

from veririsk_assets.contracts import raw
from veririsk_assets.settings import Settings
from veririsk_assets.sources.numbers import mapping, number, text, unix_seconds
from veririsk_assets.sources.pull import Pull, pulled, rows_of
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.session import Wire

NAME = "alternative_me"
ROOT, PATH = "https://api.alternative.me", "/fng/"
REQUESTS_PER_MINUTE, BURST = 20.0, 2


def fear_greed(wire: Wire, settings: Settings) -> Pull:
    """Today's and yesterday's index. Numbers and times come as strings; `observed_at` is the start of the index's day."""
    provider = Provider(NAME, ROOT, REQUESTS_PER_MINUTE, BURST, is_metered=settings.source == "live")
    reply = wire.get_json(provider, PATH, {"limit": "2", "format": "json"})
    rows = rows_of(reply, mapping(reply.body).get("data"))
    columns: dict[str, Sequence[Any]] = {
        "value": [number(row.get("value")) for row in rows],
        "classification": [text(row.get("value_classification")) for row in rows],
    }
    observed_at = [unix_seconds(row.get("timestamp")) for row in rows]
    return pulled(raw.FEAR_GREED, reply, columns, observed_at, "start_of_day")
