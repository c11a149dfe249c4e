"""Pools that turn HIGH, hour by hour: each hour is compared with the last one in which the pool had a level, and told once.

How far that has come is a `Told`, small enough for a sensor's cursor. An hour that is scored only after later ones were told
is no news by then: what it changes is said in words, as late, unless the pool was told in a later hour instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from veririsk_assets.contracts.pools import POOL_SCORES
from veririsk_assets.contracts.texts import chat, harmless
from veririsk_assets.contracts.windows import CLOCK_SKEW, HOUR, floor_hour, naive, utc
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings

# How long an hour that is missing is waited for, and a POST that fails is tried again.
PATIENCE = timedelta(hours=24)
# A HIGH before a longer silence is forgotten: coming back HIGH is news.
REMEMBERED = timedelta(days=7)
STAMP = "%Y-%m-%dT%H:%MZ"
# UNKNOWN is not calm: the levels on its two sides are neighbours.
_HIGH = """
SELECT p.pool_id, p.name, s.* FROM (
    SELECT *, lag(risk_level) OVER hours AS last_level
    FROM lake.scores.hourly_pools
    WHERE horizon_hours = 24 AND risk_level <> 'UNKNOWN' AND as_of > ? AND as_of <= ? AND NOT list_contains(?::TIMESTAMP[], as_of)
    WINDOW hours AS (PARTITION BY pool_key ORDER BY as_of)
) s JOIN lake.snapshots.pools p USING (pool_key)
WHERE s.as_of > ? AND s.risk_level = 'HIGH' ORDER BY s.as_of, s.risk_score DESC, p.pool_id
"""


@dataclass(frozen=True)
class Told:
    """Every hour up to `until` is told but for `missing`, which had no scores; `owed`: ids of onsets that the webhook has not taken."""

    until: datetime
    missing: tuple[datetime, ...] = ()
    owed: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Told":
        until, missing, owed = [*text.split(";"), "", ""][:3]
        return cls(utc(until), tuple(map(utc, missing.split())), tuple(owed.split()))

    def __str__(self) -> str:
        missing = " ".join(f"{hour:{STAMP}}" for hour in self.missing)
        return ";".join((utc(self.until).isoformat(), missing, " ".join(self.owed))).rstrip(";")


@dataclass(frozen=True)
class News:
    """`onsets`: to be told, in order; `late`: of hours that came after later ones; `owed`: told before, still to be POSTed."""

    onsets: list[dict[str, Any]]
    late: list[dict[str, Any]]
    owed: list[dict[str, Any]]
    told: Told


def news(house: House, told: Told | None) -> News | None:
    """What has turned HIGH since, hour by hour up to now; None where nothing was ever scored.

    Without a `told` the newest scored hour alone is looked at. One from the future was made by a clock that was ahead and
    says nothing: the last day is told again, under the same ids.
    """
    now = house.now()
    if told is None:
        newest = _scored_hours(house, None, now)
        if not newest:
            return None
        told = Told(newest[0] - HOUR)
    elif told.until > now + CLOCK_SKEW:
        told = Told(floor_hour(now) - PATIENCE)
    hours = _scored_hours(house, told.until - PATIENCE, now)
    high = _high(house, min([told.until, *(hour - HOUR for hour in told.missing), *(_hour(one) - HOUR for one in told.owed)]), now)
    owed = [row for row in high if row["id"] in told.owed]
    filled = sorted(hour for hour in told.missing if hour in hours)
    late = (
        _late([row for row in high if utc(row["as_of"]) >= filled[0]], _high(house, filled[0] - HOUR, now, filled), told.until)
        if filled
        else []
    )
    return News([row for row in _onsets(high) if utc(row["as_of"]) > told.until], late, owed, _after(told, hours))


def _onsets(high: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in high if row["last_level"] != "HIGH"]


def _late(high: list[dict[str, Any]], without: list[dict[str, Any]], until: datetime) -> list[dict[str, Any]]:
    """Onsets up to `until` that only the late hours show; `without`: every HIGH as it stood without them."""
    seen, told = ({row["id"]: row for row in _onsets(rows) if utc(row["as_of"]) <= until} for rows in (high, without))
    told_instead = {told[name]["pool_key"] for name in told.keys() - seen.keys()}
    return [row for name, row in seen.items() if name not in told and row["pool_key"] not in told_instead]


def _after(told: Told, hours: list[datetime]) -> Told:
    """What is told once everything up to the newest of `hours` is."""
    until = max([told.until, *hours])
    between = (told.until + i * HOUR for i in range(1, round((until - told.until) / HOUR)))
    missing = (hour for hour in (*told.missing, *between) if hour not in hours and hour > until - PATIENCE)
    return Told(until, tuple(missing), told.owed)


def _scored_hours(house: House, since: datetime | None, now: datetime) -> list[datetime]:
    """Hours with scores after `since`, or the newest one alone; none of them to come."""
    hours, until = ("DISTINCT as_of", [naive(since)]) if since else ("max(as_of) AS as_of", [naive(utc("1970-01-01"))])
    query = f"SELECT {hours} FROM lake.{POOL_SCORES.sql_name} WHERE as_of > ? AND as_of <= ? ORDER BY 1"
    return [utc(stamp.to_pydatetime()) for stamp in house.lake.sql(query, [*until, naive(now + CLOCK_SKEW)])["as_of"].dropna()]


def _high(house: House, since: datetime, now: datetime, without: Sequence[datetime] = ()) -> list[dict[str, Any]]:
    """Rows of every HIGH after `since`, with the level before it and an id that stays the same; as if `without` had no scores."""
    bounds = [naive(since - REMEMBERED), naive(now + CLOCK_SKEW), [naive(hour) for hour in without], naive(since)]
    rows = house.lake.sql(_HIGH, bounds)
    return [{str(name): value for name, value in row.items()} | {"id": _id(row)} for row in rows.to_dict("records")]


def _id(row: Any) -> str:
    return f"{row['as_of']:{STAMP}}/{row['horizon_hours']}h/HIGH/{row['pool_key']}"


def _hour(name: str) -> datetime:
    return utc(name.partition("/")[0])


def tell(settings: Settings, found: News) -> tuple[list[str], Told]:
    """A line per onset, each POSTed where a webhook is set; and what is told then.

    A POST that fails is a line, not an error: it and those after it are owed, and tried again for a day. A receiver gets an
    onset twice only if the process dies between the POST and its cursor, or a clock was ahead: its `id` is the same then.
    """
    lines = [f"{_line(row)}; its hour was scored late" for row in found.late]
    lines += [_line(row) for row in found.onsets]
    if not settings.alert_webhook_url.get_secret_value():
        return lines, Told(found.told.until, found.told.missing)
    failure, left = _post_all(settings, [*found.owed, *found.onsets])
    late = found.told.until - PATIENCE
    given_up = [f"webhook: given up after a day: {_line(row)}" for row in left if utc(row["as_of"]) <= late]
    owed = tuple(row["id"] for row in left if utc(row["as_of"]) > late)
    return [*lines, *failure, *given_up], Told(found.told.until, found.told.missing, owed)


def _post_all(settings: Settings, rows: list[dict[str, Any]]) -> tuple[list[str], list[dict[str, Any]]]:
    """Why posting ended before all had been taken, and what is left; in order, so that a receiver that is down is asked once."""
    from veririsk_assets.wire.errors import SourceError
    from veririsk_assets.wire.webhook import post

    url = settings.alert_webhook_url.get_secret_value()
    for i, row in enumerate(rows):
        body = {
            "id": row["id"],
            "text": chat(_line(row)),
            "pool_id": row["pool_id"],
            "risk_score": row["risk_score"],
            "as_of": row["as_of"].isoformat(),
        }
        try:
            post(url, body, settings.user_agent, settings.webhook_allow_private)
        except SourceError as error:
            return [f"webhook failed: {error}"], rows[i:]
    return [], []


def _line(row: dict[str, Any]) -> str:
    return (
        f"{harmless(row['name'])} ({row['pool_id']}) turned HIGH at {row['as_of']:%Y-%m-%d %H:%M} UTC: risk score {row['risk_score']:.0f}"
    )
