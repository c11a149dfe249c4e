"""Raw → snapshots: what was known of every entity at each instant, and what its key stands for."""

from collections.abc import Mapping

import pandas as pd

from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.windows import Window
from veririsk_assets.pipeline.known import late
from veririsk_assets.pipeline.step import House, StepResult
from veririsk_assets.pipeline.systems import bound


def store_snapshots(house: House, system: System, window: Window) -> StepResult:
    """The system's snapshots, with its entities and what it writes beside them; hours that late rows touch are made again."""
    seen = house.lake.snapshot_id()
    asked, window = window, late.widened(house, system, system.snapshots, system.feeds, "available_at", window, seen)
    own = bound(system).snapshots
    before = Window(window.lookback(own.earlier_steps).start, window.start, window.step_hours) if own.earlier_steps else None
    earlier = {table: house.lake.read(table, before, columns) for table, columns in own.earlier.items()}
    built = own.build(house, window, earlier)
    rows = built.tables[system.snapshots]
    _remember(house, system, built.entities, rows)
    for table in system.beside:
        house.lake.replace(table, built.tables[table], window)
    written = house.lake.replace(system.snapshots, rows, window)
    late.remember(house, system.snapshots, seen)
    return StepResult.of(written, late_hours=window.hours - asked.hours, **_counts(system, rows))


def _counts(system: System, rows: pd.DataFrame) -> Mapping[str, int]:
    counts = {"tombstones": int(rows["is_tombstone"].sum()), f"unknown_{system.measured.lower()}": int(rows[system.measure].isna().sum())}
    return counts | ({"suspects": int(rows["is_suspect"].sum())} if "is_suspect" in rows else {})


def _remember(house: House, system: System, seen: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Adds entities that were never seen before; one keeps the name under which it came."""
    known = house.lake.read(system.entities, columns=[system.key])
    new = seen[~seen[system.key].isin(known[system.key])]
    first = rows.groupby(system.key)["as_of"].min()
    new = new[new[system.key].isin(first.index)]
    if len(new):
        house.lake.append(system.entities, new.assign(first_seen_at=first.loc[new[system.key]].to_numpy())[system.entities.names])
