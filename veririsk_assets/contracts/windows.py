"""Half-open UTC windows of whole hours: the one way this project speaks of time.

A partition key is a window's start, `as_of` is its end, `cutoff` is when the decision is taken.
Windows hold aware UTC datetimes; arrays, frames and lake tables hold naive `datetime64[us]` in UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

HOUR = timedelta(hours=1)
PULL_DELAY = timedelta(minutes=27)
DECISION_DELAY = timedelta(minutes=30)
# A clock may be minutes off; so much is no future.
CLOCK_SKEW = timedelta(minutes=10)


def utc(moment: datetime | str) -> datetime:
    """An aware UTC datetime; a naive one or a bare date is read as UTC. Raises ValueError on anything else."""
    parsed = datetime.fromisoformat(moment.replace("Z", "+00:00")) if isinstance(moment, str) else moment
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def floor_hour(moment: datetime) -> datetime:
    """The last full hour at or before `moment`."""
    return utc(moment).replace(minute=0, second=0, microsecond=0)


def first_as_of(pulled_at: datetime) -> datetime:
    """The first hour whose decision may use what is pulled at this instant."""
    hour = floor_hour(pulled_at)
    return hour if utc(pulled_at) <= hour + DECISION_DELAY else hour + HOUR


def naive(moment: datetime) -> datetime:
    """The same instant as frames and lake tables hold it: UTC without a zone."""
    return utc(moment).replace(tzinfo=None)


@dataclass(frozen=True, order=True)
class Window:
    """`[start, end)` in whole hours. Its rows have `as_of` in `start + 1 h … end`."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for edge in (self.start, self.end):
            if edge.tzinfo is None or edge.utcoffset() != timedelta(0):
                raise ValueError(f"window edges are aware UTC datetimes, got {edge!r}")
            if edge != floor_hour(edge):
                raise ValueError(f"window edges are whole hours, got {edge.isoformat()}")
        if self.end <= self.start:
            raise ValueError(f"an empty window: {self.start.isoformat()} … {self.end.isoformat()}")

    @classmethod
    def of(cls, start: datetime | str, end: datetime | str) -> "Window":
        return cls(utc(start), utc(end))

    @classmethod
    def ending(cls, as_of: datetime | str, hours: int = 1) -> "Window":
        """The window of `hours` hours whose `as_of` is the given instant."""
        end = utc(as_of)
        return cls(end - hours * HOUR, end)

    @property
    def as_of(self) -> datetime:
        return self.end

    @property
    def cutoff(self) -> datetime:
        """When the decision about `as_of` is taken: only what was available by then may be used."""
        return self.end + DECISION_DELAY

    @property
    def hours(self) -> int:
        return round((self.end - self.start) / HOUR)

    @property
    def as_ofs(self) -> np.ndarray:
        """Every `as_of` of the window, naive UTC, shape (hours,)."""
        return np.datetime64(naive(self.start), "us") + np.arange(1, self.hours + 1) * np.timedelta64(3600 * 10**6, "us")

    def lookback(self, hours: int) -> "Window":
        """The same end, starting `hours` earlier."""
        return Window(self.start - hours * HOUR, self.end)

    def each_hour(self) -> Iterator["Window"]:
        return (Window(self.start + i * HOUR, self.start + (i + 1) * HOUR) for i in range(self.hours))

    def chunks(self, hours: int) -> Iterator["Window"]:
        """Consecutive windows of at most `hours` hours that cover this one."""
        start = self.start
        while start < self.end:
            end = min(start + hours * HOUR, self.end)
            yield Window(start, end)
            start = end

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%dT%H:%M}Z/{self.end:%Y-%m-%dT%H:%M}Z"
