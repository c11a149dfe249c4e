"""Late rows: what arrived after its hour was computed. The hours that it touches are computed again, up to 48 of them."""

from collections.abc import Iterable
from datetime import datetime

from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import HOUR, Window, floor_step, utc
from veririsk_assets.pipeline.step import House

MAX_LATE_HOURS = 48


def widened(house: House, made: Table, inputs: Iterable[Table], column: str, window: Window, now: int) -> Window:
    """The window, begun earlier where rows of `inputs` that the step of the table `made` has not seen yet are about earlier hours.

    `column` is when a row counts: `available_at` of raw rows, `as_of` of others. `now`: the lake snapshot that the step sees.
    """
    seen = house.state.get(_name(made))
    if seen is None:
        return window
    earliest = house.lake.earliest_change(inputs, column, int(seen), now)
    if earliest is None:
        return window
    touched = _first_step(earliest, window) if column == "available_at" else utc(earliest) - window.step
    return Window(min(window.start, max(touched, window.end - MAX_LATE_HOURS * HOUR)), window.end, window.step_hours)


def remember(house: House, made: Table, lake_snapshot_id: int) -> None:
    """Everything up to this lake snapshot has been seen by the step of `made`."""
    house.state.put(_name(made), str(lake_snapshot_id))


def _first_step(available_at: datetime, window: Window) -> datetime:
    """Start of the first step whose cut-off is at or after an instant."""
    as_of = floor_step(utc(available_at) - window.delay, window.step_hours)
    return as_of if as_of + window.delay < utc(available_at) else as_of - window.step


def _name(made: Table) -> str:
    return f"seen/{made.sql_name}"
