"""What came of asking an endpoint about an hour, and how it is said in `raw/source_status`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.pipeline.known.endpoints import Endpoint
from veririsk_assets.pipeline.step import House
from veririsk_assets.sources.pull import Pull

# A row of raw/source_status.
Status = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What came of asking about an hour. `known`: rows of the hour that were stored before."""

    hour: Window
    known: int
    outcome: str
    reason: str
    tried_at: datetime
    answer: Pull | None = None


def pull_window(window: Window) -> Window:
    """The window of `pulled_at` that belongs to a window of hours: each hour is pulled after its end."""
    return Window(window.start + HOUR, window.end + HOUR)


def done_hours(house: House, window: Window) -> dict[str, set[datetime]]:
    """By endpoint the hours of which it is said that all came: an hour that came in part, or whose run was killed, is asked about again."""
    said = house.lake.read(raw.SOURCE_STATUS, window, ["endpoint", "as_of"], "outcome = 'pulled'")
    return {str(endpoint): set(hours.dt.to_pydatetime()) for endpoint, hours in said.groupby("endpoint")["as_of"]}


def stored_hours(house: House, tables: Sequence[Table], window: Window) -> dict[str, dict[datetime, int]]:
    """Per table how many rows of each hour of the window are stored; hours without any are missing."""
    bounds = [naive(pull_window(window).start), naive(pull_window(window).end)]
    counts = (
        f"(SELECT '{table.name}' AS name, time_bucket(INTERVAL 1 HOUR, pulled_at) AS as_of, count(*) AS n FROM lake.{table.sql_name} "
        "WHERE pulled_at > $1 AND pulled_at <= $2 GROUP BY ALL)"
        for table in tables
    )
    stored: dict[str, dict[datetime, int]] = {table.name: {} for table in tables}
    for name, as_of, n in house.lake.sql(" UNION ALL ".join(counts), bounds).itertuples(index=False):
        stored[name][as_of.to_pydatetime()] = int(n)
    return stored


@dataclass(frozen=True)
class Before:
    """What was there before anybody was asked, by table: rows per hour, and the hours of which all came."""

    stored: Mapping[str, Mapping[datetime, int]]
    done: Mapping[str, set[datetime]]

    @classmethod
    def of(cls, house: House, endpoints: Sequence[Endpoint], window: Window) -> "Before":
        return cls(stored_hours(house, [endpoint.table for endpoint in endpoints], window), done_hours(house, window))


def came_of(house: House, one: Asked, stored: dict[datetime, int], taken: frozenset[datetime], fault: str) -> tuple[str, str, int]:
    """Outcome, reason and rows of an hour, now that its rows are stored or not."""
    hour = naive(one.hour.as_of)
    if one.answer is None or not len(one.answer):
        return one.outcome, one.reason, one.known
    if fault:
        return "failed", f"its rows could not be stored: {fault}", one.known
    if hour in taken:
        return "kept", "another run stored this hour meanwhile", stored.get(hour, 0)
    if house.settings.source == "recorded":  # of a row that is said again only the first time is stored
        return one.outcome, one.reason, len(one.answer)
    if not stored.get(hour):
        return "failed", f"all {len(one.answer)} rows were refused, see monitoring/quarantine", 0
    return one.outcome, one.reason, stored[hour] - one.known or one.known


def status(endpoint: Endpoint, one: Asked, outcome: str, reason: str, rows_count: int) -> Status:
    """What is said of an hour."""
    return {
        "source": endpoint.source,
        "endpoint": endpoint.table.name,
        "as_of": pd.Timestamp(naive(one.hour.as_of)),
        "pulled_at": pd.Timestamp(naive(one.tried_at)),
        "outcome": outcome,
        "reason": reason or None,
        "rows_count": rows_count,
    }


def say(house: House, window: Window, statuses: Sequence[Status]) -> None:
    """Appends them to raw/source_status, in one commit."""
    # Where the clock stands, an hour that is kept was tried at the very moment at which it was pulled: that is said already.
    told = [status for status in statuses if house.settings.source == "live" or status["outcome"] != "kept"]
    if told:
        house.lake.append_once(raw.SOURCE_STATUS, pd.DataFrame(told), window.as_of)
