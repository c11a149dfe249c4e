"""What could be known at an instant: snapshots and features of every entity, rebuilt in memory from append-only raw rows."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from veririsk_assets.contracts.panel import Panel, to_panel
from veririsk_assets.contracts.surroundings import SURROUNDINGS
from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import HOUR, WEEK_HOURS, Window, naive
from veririsk_assets.lake.quality import check
from veririsk_assets.pipeline.known.features import ONE
from veririsk_assets.pipeline.step import House
from veririsk_assets.pipeline.systems import bound

Tables = dict[Table, pd.DataFrame]


@dataclass(frozen=True)
class Then:
    """What could be known at an instant: snapshot rows and features of every entity."""

    grid: pd.DataFrame
    features: pd.DataFrame
    remarks: list[str]


def known_then(house: House, system: System, window: Window) -> Then:
    """Snapshots and features of one instant, from raw rows with `available_at` up to its cut-off."""
    back = window.lookback(system.lookback_steps)
    tables = _snapshots(house, system, back)
    rows = tables[system.snapshots]
    remarks = _shortness(house, system, back)
    return Then(rows[rows["as_of"] == naive(window.as_of)], _features(system, tables, back), remarks)


def _snapshots(house: House, system: System, back: Window) -> Tables:
    """In pieces of a week, so that a month of raw rows need not be in memory at once; each looks at those before it."""
    own = bound(system).snapshots
    known = {table: pd.DataFrame(columns=table.names) for table in (system.snapshots, *system.beside)}
    for piece in back.chunks(WEEK_HOURS // system.step_hours):
        begin = pd.Timestamp(naive(piece.lookback(own.earlier_steps).start))
        earlier = {
            table: known[table].loc[(known[table]["as_of"] > begin) & (known[table]["as_of"] <= naive(piece.start)), list(columns)]
            for table, columns in own.earlier.items()
        }
        built = own.build(house, piece, earlier)
        known = {table: _joined(rows, check(table, built.tables[table]).rows) for table, rows in known.items()}
    return known


def _joined(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([first, second], ignore_index=True) if len(first) else second


def _features(system: System, tables: Tables, back: Window) -> pd.DataFrame:
    own, rows = bound(system).features, tables[system.snapshots]
    panel = to_panel(rows, system.key, list(own.inputs), back, np.unique(rows[system.key].to_numpy(dtype=np.int64)))
    around = Panel(back, ONE)
    if own.surroundings:
        around = to_panel(tables[SURROUNDINGS].assign(key=0), "key", list(own.surroundings), back, ONE)
    known = ~np.isnan(panel[system.measure][-1:])
    return check(system.features, own.build(panel, around, 1).frame(system.key, known)).rows


def first_pull(house: House, system: System) -> datetime | None:
    # Of a past that was told later, what counts is the day that it is about.
    column = "available_at" if system.tells_its_past else "pulled_at"
    firsts = [span[0] for table in system.feeds if (span := house.lake.span(table, column))]
    return min(firsts, default=None)


def _shortness(house: House, system: System, back: Window) -> list[str]:
    """A word where raw history does not reach as far back as the features look."""
    first, wanted = first_pull(house, system), back.start - bound(system).snapshots.raw_hours * HOUR
    if first is None or first <= wanted + 2 * HOUR:
        return []
    total = round((back.end - wanted) / HOUR)
    missing = min(round((first - wanted) / HOUR), total)
    return [f"raw history begins {first:%Y-%m-%d %H:%M}: {missing} of the {total} hours that a score looks back on are not there"]
