"""DeFiLlama's past: TVL, volume and fees of every day of a protocol, and of all chains. What it tells of a day is dated by that day."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from veririsk_assets.contracts import raw_protocols as raw
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import naive
from veririsk_assets.settings import Settings
from veririsk_assets.sources.defillama import API_HOST, provider_of
from veririsk_assets.sources.numbers import number, observed, text, unix_seconds
from veririsk_assets.sources.pull import Pull, as_far_as_it_goes, list_expected, listed, pulled, rows_expected, rows_of
from veririsk_assets.wire.errors import NotFoundError
from veririsk_assets.wire.session import Reply, Wire

DAY = timedelta(days=1)
# When a day's beginning is told, and when its sum is.
KNOWN_AFTER = timedelta(hours=1)
# Who is asked about: DeFiLlama's id and the slug of its address.
Asked = tuple[str, str]
# Called with an id that the source has nothing about.
Forget = Callable[[str], None]
NO_CHART = {"excludeTotalDataChart": "true", "excludeTotalDataChartBreakdown": "true"}


def tvl_days(wire: Wire, settings: Settings, protocols: Sequence[Asked], unknown: Forget) -> Pull:
    """`/protocol/{slug}` of each: TVL at 00:00 UTC of every day, USD. Its last point is of now and provisional."""

    def one(protocol_id: str, slug: str) -> Iterator[Pull]:
        reply = _told(wire, settings, f"/protocol/{quote(slug, safe='')}", "/protocol/{slug}", protocol_id, unknown, ("tvl",))
        points = [(unix_seconds(row.get("date")), number(row.get("totalLiquidityUSD"))) for row in rows_of(reply, "tvl")]
        found = _days(raw.DEFILLAMA_TVL_DAYS, reply, points, "tvl_usd", {"protocol_id": protocol_id, "slug": slug}, 0 * DAY)
        if not len(found):
            unknown(protocol_id)
        yield found

    return as_far_as_it_goes(raw.DEFILLAMA_TVL_DAYS, *(one(*asked) for asked in protocols))


def volume_days(wire: Wire, settings: Settings, protocols: Sequence[tuple[str, Asked]], unknown: Forget) -> Pull:
    """`/summary/{metric}/{slug}` of each (metric, (id, slug)): the sum of every UTC day, USD. That of today is provisional."""

    def one(metric: str, protocol_id: str, slug: str) -> Iterator[Pull]:
        path, label = f"/summary/{metric}/{quote(slug, safe='')}", f"/summary/{metric}/{{slug}}"
        reply = _told(wire, settings, path, label, f"{metric}/{protocol_id}", unknown, ("totalDataChart",))
        points = [(unix_seconds(point[0]), number(point[1])) for point in listed(reply.body, "totalDataChart") if _is_pair(point)]
        about = {"protocol_id": protocol_id, "metric": metric, "slug": slug}
        found = _days(raw.DEFILLAMA_VOLUME_DAYS, reply, points, "value_usd", about, DAY)
        if not len(found):
            unknown(f"{metric}/{protocol_id}")
        yield found

    return as_far_as_it_goes(raw.DEFILLAMA_VOLUME_DAYS, *(one(metric, *asked) for metric, asked in protocols))


def volumes(wire: Wire, settings: Settings) -> Pull:
    """`/overview/dexs` and `/overview/fees`: the last 24 hours of every protocol that has any, USD."""

    def one(metric: str) -> Iterator[Pull]:
        path = f"/overview/{metric}"
        reply = wire.get_json(
            provider_of(settings, API_HOST, "/api"),
            path,
            NO_CHART,
            label=path,
            check=rows_expected("defillamaId", "protocols"),
            is_optional=True,
        )
        rows = rows_of(reply, "protocols")
        columns: dict[str, Sequence[Any]] = {
            "protocol_id": [text(row.get("defillamaId")) for row in rows],
            "metric": [metric] * len(rows),
            "slug": [text(row.get("slug")) for row in rows],
            "value_24h_usd": [number(row.get("total24h")) for row in rows],
        }
        yield pulled(raw.DEFILLAMA_VOLUMES, reply, columns)

    return as_far_as_it_goes(raw.DEFILLAMA_VOLUMES, *(one(metric) for metric in raw.METRICS))


def chain_tvl_days(wire: Wire, settings: Settings) -> Pull:
    """`/v2/historicalChainTvl`: all of DeFi at 00:00 UTC of every day, USD."""
    path = "/v2/historicalChainTvl"
    reply = wire.get_json(provider_of(settings, API_HOST, "/api"), path, is_optional=True, check=rows_expected("date"))
    points = [(unix_seconds(row.get("date")), number(row.get("tvl"))) for row in rows_of(reply)]
    return _days(raw.DEFILLAMA_CHAIN_TVL_DAYS, reply, points, "tvl_usd", {}, 0 * DAY)


def midnight(stamp: datetime) -> datetime:
    return stamp.replace(hour=0, minute=0, second=0, microsecond=0)


def _told(wire: Wire, settings: Settings, path: str, label: str, name: str, unknown: Forget, where: tuple[str, ...]) -> Reply:
    """Raises NotFoundError where the source has no such name, and then says that it is `unknown`; other errors say nothing of a name."""
    try:
        return wire.get_json(provider_of(settings, API_HOST, "/api"), path, label=label, is_optional=True, check=list_expected(*where))
    except NotFoundError:
        unknown(name)
        raise


def _is_pair(point: Any) -> bool:
    return isinstance(point, list) and len(point) == 2


def _days(
    table: Table, reply: Reply, points: list[tuple[datetime | None, float]], value: str, about: dict[str, str], lasts: timedelta
) -> Pull:
    """A row a day. `lasts`: how long what a value sums up takes. A point of no time that can be believed is none; of a day the first counts."""
    came, days = naive(reply.pulled_at), dict[datetime, tuple[float, bool]]()
    for said, number_said in points:
        at = observed(said, reply.pulled_at)
        if at is not None and midnight(at) not in days:
            days[midnight(at)] = number_said, at != midnight(at) or midnight(at) + lasts > came
    columns: dict[str, Sequence[Any]] = {name: [word] * len(days) for name, word in about.items()}
    columns |= {value: [number_said for number_said, _ in days.values()], "is_provisional": [flag for _, flag in days.values()]}
    available = [came if flag else min(day + lasts + KNOWN_AFTER, came) for day, (_, flag) in days.items()]
    kind = "end_of_day" if lasts else "start_of_day"
    return pulled(table, reply, columns, list(days), kind, available)
