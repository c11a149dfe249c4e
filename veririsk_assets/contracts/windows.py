"""Half-open UTC windows of whole hours or whole days: the one way this project speaks of time.

A partition key is a window's start, `as_of` is its end, `cutoff` is when the decision is taken.
Windows hold aware UTC datetimes; arrays, frames and lake tables hold naive `datetime64[us]` in UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

HOUR = timedelta(hours=1)
DAY_HOURS, WEEK_HOURS = 24, 168
HOURS_PER_MONTH = 730.0
# Rows of neighbouring hours say nearly the same: learning and judging take every so many hours of an entity.
SAMPLED_HOURS = 4
PULL_DELAY = timedelta(minutes=27)
DECISION_DELAY = timedelta(minutes=30)
# What sources say of a day's beginning is there by 01:00.
DAY_DECISION_DELAY = timedelta(minutes=65)
# A clock may be minutes off; so much is no future.
CLOCK_SKEW = timedelta(minutes=10)


def utc(moment: datetime | str) -> datetime:
    """An aware UTC datetime; a naive one or a bare date is read as UTC. Raises ValueError on anything else."""
    parsed = datetime.fromisoformat(moment.replace("Z", "+00:00")) if isinstance(moment, str) else moment
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def floor_hour(moment: datetime) -> datetime:
    """The last full hour at or before `moment`."""
    return utc(moment).replace(minute=0, second=0, microsecond=0)


def floor_step(moment: datetime, step_hours: int) -> datetime:
    """The last full step at or before `moment`: hours, or days that begin at 00:00 UTC.

    >>> floor_step(utc("2025-03-01T05:59"), 24).isoformat()
    '2025-03-01T00:00:00+00:00'
    """
    hour = floor_hour(moment)
    return hour - (hour.hour % step_hours) * HOUR


def first_as_of(pulled_at: datetime) -> datetime:
    """The first hour whose decision may use what is pulled at this instant."""
    hour = floor_hour(pulled_at)
    return hour if utc(pulled_at) <= hour + DECISION_DELAY else hour + HOUR


def naive(moment: datetime) -> datetime:
    """The same instant as frames and lake tables hold it: UTC without a zone."""
    return utc(moment).replace(tzinfo=None)


@dataclass(frozen=True, order=True)
class Window:
    """`[start, end)` in steps of one hour or of 24, which begin at 00:00 UTC. Its rows have `as_of` in `start + one step … end`.

    >>> day = Window.of("2025-03-01", "2025-03-02")
    >>> day.steps, str(day.as_ofs[0])[:16], Window.ending("2025-03-02", 7, step_hours=24).start.isoformat()
    (24, '2025-03-01T01:00', '2025-02-23T00:00:00+00:00')
    """

    start: datetime
    end: datetime
    step_hours: int = 1

    def __post_init__(self) -> None:
        for edge in (self.start, self.end):
            if edge.tzinfo is None or edge.utcoffset() != timedelta(0):
                raise ValueError(f"window edges are aware UTC datetimes, got {edge!r}")
            if edge != floor_step(edge, self.step_hours):
                raise ValueError(f"window edges are whole {'hours' if self.step_hours == 1 else 'days'}, got {edge.isoformat()}")
        if self.end <= self.start:
            raise ValueError(f"an empty window: {self.start.isoformat()} … {self.end.isoformat()}")

    @classmethod
    def of(cls, start: datetime | str, end: datetime | str, step_hours: int = 1) -> "Window":
        return cls(utc(start), utc(end), step_hours)

    @classmethod
    def ending(cls, as_of: datetime | str, steps: int = 1, step_hours: int = 1) -> "Window":
        """The window of so many steps whose `as_of` is the given instant."""
        end = utc(as_of)
        return cls(end - steps * step_hours * HOUR, end, step_hours)

    @property
    def as_of(self) -> datetime:
        return self.end

    @property
    def cutoff(self) -> datetime:
        """When the decision about `as_of` is taken: only what was available by then may be used."""
        return self.end + self.delay

    @property
    def delay(self) -> timedelta:
        """How long after an `as_of` its decision is taken."""
        return DAY_DECISION_DELAY if self.step_hours == DAY_HOURS else DECISION_DELAY

    @property
    def hours(self) -> int:
        return round((self.end - self.start) / HOUR)

    @property
    def step(self) -> timedelta:
        return self.step_hours * HOUR

    @property
    def steps(self) -> int:
        """How many rows of a grid it spans."""
        return self.hours // self.step_hours

    @property
    def as_ofs(self) -> np.ndarray:
        """Every `as_of` of the window, naive UTC, shape (steps,)."""
        return np.datetime64(naive(self.start), "us") + np.arange(1, self.steps + 1) * np.timedelta64(self.step)

    def lookback(self, steps: int) -> "Window":
        """The same end, starting so many steps earlier."""
        return Window(self.start - steps * self.step, self.end, self.step_hours)

    def each(self) -> Iterator["Window"]:
        """Its steps as windows of their own."""
        return (Window(self.start + i * self.step, self.start + (i + 1) * self.step, self.step_hours) for i in range(self.steps))

    def chunks(self, steps: int) -> Iterator["Window"]:
        """Consecutive windows of at most so many steps that cover this one."""
        start = self.start
        while start < self.end:
            end = min(start + steps * self.step, self.end)
            yield Window(start, end, self.step_hours)
            start = end

    def in_steps(self, step_hours: int) -> "Window | None":
        """Those steps of another clock whose `as_of` lies in it; None where there is none.

        >>> print(Window.of("2025-03-01T20:00", "2025-03-02T05:00").in_steps(24))
        2025-03-01T00:00Z/2025-03-02T00:00Z
        """
        start, end = floor_step(self.start, step_hours), floor_step(self.end, step_hours)
        return Window(start, end, step_hours) if start < end else None

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%dT%H:%M}Z/{self.end:%Y-%m-%dT%H:%M}Z"
