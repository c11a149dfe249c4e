"""CoinGecko's past: price and market capitalisation of a coin by the day, one call and one credit per coin; and tokens by name."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from veririsk_assets.contracts import raw_protocols as raw
from veririsk_assets.contracts.windows import naive
from veririsk_assets.settings import Settings
from veririsk_assets.sources.coingecko import markets, provider_of
from veririsk_assets.sources.defillama_days import midnight
from veririsk_assets.sources.numbers import instant, number, observed
from veririsk_assets.sources.pull import Pull, as_far_as_it_goes, list_expected, pulled
from veririsk_assets.wire.errors import NotFoundError
from veririsk_assets.wire.session import Reply, Wire

# The free plans reach a year back; longer than 90 days it gives a point a day, at 00:00.
FREE_DAYS, PRO_DAYS = "365", "max"
KNOWN_AFTER = timedelta(minutes=35)
FIELDS = {"prices": "price_usd", "market_caps": "market_cap_usd", "total_volumes": "volume_24h_usd"}


def coin_days(wire: Wire, settings: Settings, coin_ids: Sequence[str], unknown: Callable[[str], None]) -> Pull:
    """`/coins/{id}/market_chart` of each coin, USD at 00:00 UTC of every day. Its last point is of now and provisional."""
    provider = provider_of(settings)
    params = {"vs_currency": "usd", "days": PRO_DAYS if settings.coingecko_plan == "pro" else FREE_DAYS}

    def one(coin_id: str) -> Iterator[Pull]:
        path = f"/coins/{quote(coin_id, safe='')}/market_chart"
        try:
            reply = wire.get_json(provider, path, params, label="/coins/{id}/market_chart", is_optional=True, check=list_expected("prices"))
        except NotFoundError:
            unknown(coin_id)
            raise
        found = _rows(reply, coin_id)
        if not len(found):
            unknown(coin_id)
        yield found

    return as_far_as_it_goes(raw.COINGECKO_COIN_DAYS, *(one(coin_id) for coin_id in coin_ids))


def tokens(wire: Wire, settings: Settings, coin_ids: Sequence[str]) -> Pull:
    """`/coins/markets` of the coins, as raw/coingecko_tokens has them."""
    found, table = markets(wire, settings, coin_ids), raw.COINGECKO_TOKENS
    return Pull(table, tuple({name: part[name] for name in table.names} for part in found.parts), found.shortfall, found.note)


def _rows(reply: Reply, coin_id: str) -> Pull:
    came, days = naive(reply.pulled_at), dict[datetime, dict[str, Any]]()
    for field, name in FIELDS.items():
        for point in reply.body.get(field) or []:
            if isinstance(point, list) and len(point) == 2:
                said = number(point[0])
                at = observed(instant(int(said / 1000)), reply.pulled_at) if said == said else None
                if at is not None:
                    day = midnight(at)
                    days.setdefault(day, {"is_provisional": at != day}).setdefault(name, number(point[1]))
    columns: dict[str, Sequence[Any]] = {
        "coin_id": [coin_id] * len(days),
        "is_provisional": [row["is_provisional"] for row in days.values()],
    }
    columns |= {name: [row.get(name, float("nan")) for row in days.values()] for name in FIELDS.values()}
    available = [came if row["is_provisional"] else min(day + KNOWN_AFTER, came) for day, row in days.items()]
    return pulled(raw.COINGECKO_COIN_DAYS, reply, columns, list(days), "start_of_day", available)
