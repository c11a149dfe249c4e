"""Late rows: what arrived after its hour was computed. The hours that it touches are computed again, as far back as the system takes them in."""

from collections.abc import Iterable
from datetime import datetime

from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import HOUR, Window, floor_step, utc
from veririsk_assets.pipeline.step import House


def widened(house: House, system: System, made: Table, inputs: Iterable[Table], column: str, window: Window, now: int) -> Window:
    """The window, begun earlier where rows of `inputs` that the step of the table `made` has not seen yet are about earlier hours.

    `column` is when a row counts: `available_at` of raw rows, `as_of` of others. `now`: the lake snapshot that the step sees.
    """
    seen, tables = house.state.get(_name(made)), list(inputs)
    if seen is not None:
        earliest = house.lake.earliest_change(tables, column, int(seen), now)
    else:
        earliest = _first_told(house, tables, column) if system.tells_its_past else None
    if earliest is None:
        return window
    touched = _first_step(earliest, window) if column == "available_at" else utc(earliest) - window.step
    return Window(min(window.start, max(touched, window.end - system.late_hours * HOUR)), window.end, window.step_hours)


def _first_told(house: House, tables: Iterable[Table], column: str) -> datetime | None:
    return min((span[0] for table in tables if (span := house.lake.span(table, column))), default=None)


def remember(house: House, made: Table, lake_snapshot_id: int) -> None:
    """Everything up to this lake snapshot has been seen by the step of `made`."""
    house.state.put(_name(made), str(lake_snapshot_id))


def _first_step(available_at: datetime, window: Window) -> datetime:
    """Start of the first step whose cut-off is at or after an instant."""
    as_of = floor_step(utc(available_at) - window.delay, window.step_hours)
    return as_of if as_of + window.delay < utc(available_at) else as_of - window.step


def _name(made: Table) -> str:
    return f"seen/{made.sql_name}"
