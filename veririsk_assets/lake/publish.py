"""The published file: built beside the old one and moved over it in one rename, so that a reader never sees half an hour."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from veririsk_assets.contracts.catalogue import PUBLISHED
from veririsk_assets.contracts.published import ABOUT, PublishedTable
from veririsk_assets.contracts.systems import SYSTEMS
from veririsk_assets.contracts.tables import SQL_TYPES, Table
from veririsk_assets.contracts.vocabulary import METHODOLOGY_VERSION
from veririsk_assets.contracts.windows import naive
from veririsk_assets.lake.catalog import file_lock, quoted
from veririsk_assets.lake.lake import Lake
from veririsk_assets.lake.twins import twins_of

SCHEMA_HASH = blake2b(repr([(p.table, p.select) for p in PUBLISHED]).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Publication:
    """What a publication did. `hours_count` is how many hours were added or replaced."""

    path: Path
    latest_as_of: datetime | None
    is_written: bool
    is_incremental: bool
    hours_count: int
    row_counts: dict[str, int]
    reason: str = ""


def publish(lake: Lake, path: Path, history_days: int, detail_days: int) -> Publication:
    """Brings the file up to the lake's current snapshot; writes nothing when it is there already or is newer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with file_lock(path.parent / "publish.lock"):
        snapshot = lake.snapshot_id()
        shown, shown_latest = _shown(path)
        latest_as_of = max((naive(span[1]) for system in SYSTEMS if (span := lake.span(system.scores))), default=None)
        if shown is not None and shown >= snapshot:
            newer = "the file already shows this lake snapshot" if shown == snapshot else f"the file shows the newer lake snapshot {shown}"
            return Publication(path, latest_as_of, False, False, 0, {}, newer)
        if latest_as_of is None or (shown_latest is not None and shown_latest > latest_as_of):
            shown = None  # hours were taken back: what they had pushed out of the file belongs into it again
        since = {"history": _since(latest_as_of, history_days), "detail": _since(latest_as_of, detail_days)}
        with _scratch(path) as building:
            hours, counts = _build(lake, building, path if shown is not None else None, shown, snapshot, since, latest_as_of)
            _settle(building, path)
        return Publication(path, latest_as_of, True, shown is not None, hours, counts)


@contextmanager
def _scratch(path: Path) -> Iterator[Path]:
    """Where the file is built: beside the last one, or where no part of the path is read as options of DuckDB's."""
    if "?" in str(path):
        with TemporaryDirectory(prefix="veririsk-") as folder:
            yield Path(folder) / path.name
        return
    building = _beside(path)
    building.unlink(missing_ok=True)
    try:
        yield building
    finally:
        building.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.parent / f".{path.name}.building"


def _since(latest: datetime | None, days: int) -> datetime:
    return latest - timedelta(days=days) if latest else datetime(1970, 1, 1)


def _shown(path: Path) -> tuple[int | None, datetime | None]:
    """Lake snapshot and newest hour of the last file; None when there is none that can be continued."""
    if not path.exists():
        return None, None
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            rows = connection.execute("SELECT lake_snapshot_id, latest_as_of, schema_hash FROM _about").fetchall()
    except duckdb.Error:
        return None, None
    return (int(rows[0][0]), rows[0][1]) if rows and rows[0][2] == SCHEMA_HASH else (None, None)


def _build(
    lake: Lake, building: Path, last: Path | None, shown: int | None, snapshot: int, since: dict[str, datetime], latest: datetime | None
) -> tuple[int, dict[str, int]]:
    if last is not None:
        _copy(last, building)
    cursor = lake.cursor()
    # A torn scratch file is thrown away: it needs no log, and one checkpoint at the end.
    cursor.execute(f"ATTACH '{quoted(str(building))}' AS published (RECOVERY_MODE no_wal_writes)")
    try:
        changed = {p.table.name: _changed_hours(lake, p, shown, snapshot) for p in PUBLISHED if p.source is not None}
        for table in [*(p.table for p in PUBLISHED), ABOUT] if last is None else []:
            _make(cursor, table)
        cursor.register("suspected_twins", twins_of(lake, latest))
        for published in PUBLISHED:
            if published.source is None:
                _rebuild(cursor, published)
            else:
                _follow(cursor, published, changed[published.table.name], since[published.days])
        counts = {p.table.name: int(cursor.execute(f"SELECT count(*) FROM published.{p.table.name}").fetchall()[0][0]) for p in PUBLISHED}
        about = [naive(lake.now()), snapshot, latest, METHODOLOGY_VERSION, SCHEMA_HASH, json.dumps(counts)]
        cursor.execute("DELETE FROM published._about")
        cursor.execute("INSERT INTO published._about VALUES (?, ?, ?, ?, ?, ?)", about)
        cursor.execute("CHECKPOINT published")
    finally:
        cursor.execute("DETACH published")
    return max((len(hours) for hours in changed.values() if hours is not None), default=0), counts


def _copy(last: Path, building: Path) -> None:
    """A copy that shares the blocks of the first where the file system can (XFS, Btrfs)."""
    try:
        with last.open("rb") as source, building.open("wb") as target:
            left = last.stat().st_size
            while left > 0 and (copied := os.copy_file_range(source.fileno(), target.fileno(), left)):
                left -= copied
        if left == 0:
            return
    except OSError:
        pass  # not on this file system
    shutil.copyfile(last, building)


def _make(cursor: duckdb.DuckDBPyConnection, table: Table) -> None:
    columns = ", ".join(f"{c.name} {SQL_TYPES[c.kind]}" for c in table.columns)
    cursor.execute(f"CREATE TABLE IF NOT EXISTS published.{table.name} ({columns})")
    cursor.execute(f"COMMENT ON TABLE published.{table.name} IS '{quoted(table.description)}'")
    for column in table.columns:
        unit = f" [{column.unit}]" if column.unit else ""
        cursor.execute(f"COMMENT ON COLUMN published.{table.name}.{column.name} IS '{quoted(column.description + unit)}'")


def _rebuild(cursor: duckdb.DuckDBPyConnection, published: PublishedTable) -> None:
    cursor.execute(f"DELETE FROM published.{published.table.name}")
    cursor.execute(f"INSERT INTO published.{published.table.name} {published.select}")


def _follow(cursor: duckdb.DuckDBPyConnection, published: PublishedTable, hours: list[datetime] | None, since: datetime) -> None:
    """Replaces the changed hours and drops what is too old; `hours` None: everything."""
    name = published.table.name
    cursor.execute(f"DELETE FROM published.{name} WHERE as_of <= ?", [since])
    if hours is None:
        cursor.execute(f"DELETE FROM published.{name}")
        cursor.execute(f"INSERT INTO published.{name} {published.select} WHERE s.as_of > ?", [since])
        return
    wanted = [hour for hour in hours if hour > since]
    if hours:
        cursor.execute(f"DELETE FROM published.{name} WHERE as_of IN (SELECT unnest(?::TIMESTAMP[]))", [hours])
    if wanted:
        # The bounds let the lake skip files; the list alone would not.
        bounds = "s.as_of >= ? AND s.as_of <= ? AND s.as_of IN (SELECT unnest(?::TIMESTAMP[]))"
        cursor.execute(f"INSERT INTO published.{name} {published.select} WHERE {bounds}", [min(wanted), max(wanted), wanted])


def _changed_hours(lake: Lake, published: PublishedTable, shown: int | None, snapshot: int) -> list[datetime] | None:
    """The hours whose rows differ between two lake snapshots; None when that is not known any more."""
    if shown is None or published.source is None:
        return None
    where = f"'lake', '{published.source.stage}', '{published.source.name}', {shown + 1}::BIGINT, {snapshot}::BIGINT"
    query = " UNION ".join(f"SELECT as_of FROM ducklake_table_{kind}({where})" for kind in ("insertions", "deletions"))
    try:
        return [stamp.to_pydatetime() for stamp in lake.sql(f"SELECT DISTINCT as_of FROM ({query}) ORDER BY 1")["as_of"]]
    except duckdb.Error:
        return None  # the older snapshot has expired


def _settle(building: Path, path: Path) -> None:
    """Moves the finished file into place; after a power cut it is the old or the new one, never a torn one."""
    finished = _beside(path)
    if building != finished:
        shutil.copyfile(building, finished)
    _sync(finished)
    finished.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
