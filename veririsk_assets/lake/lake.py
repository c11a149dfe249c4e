"""The lake: append what sources said, replace everything else by window, read it back as frames and panels."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import sleep
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from veririsk_assets.contracts.migrations import APPLIED
from veririsk_assets.contracts.monitoring import QUARANTINE
from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.tables import ContractError, Table
from veririsk_assets.contracts.windows import Window, naive, utc
from veririsk_assets.lake.additions import insert_new, taken_hours
from veririsk_assets.lake.catalog import Catalog
from veririsk_assets.lake.grid import read_panel
from veririsk_assets.lake.place import in_window, on_grid, place_of, require_inside, require_question
from veririsk_assets.lake.quality import QUARANTINE_ONCE, check, quarantine_rows
from veririsk_assets.lake.schema import bring_up_to_date, insert, is_behind

COMMIT_ATTEMPTS = 6


class EmptyLakeError(Exception):
    """There is no lake here yet."""


@dataclass(frozen=True)
class Written:
    """What a write did. `changed` is False when the stored rows were already the same.

    `quarantined` counts faults, `refused` the rows among them that were not stored. `taken`: hours that another run had stored.
    """

    rows: int
    quarantined: int
    changed: bool
    snapshot_id: int
    refused: int = 0
    taken: frozenset[datetime] = frozenset()


class Lake:
    """One attached lake per process; safe to use from several threads."""

    def __init__(
        self, catalog: Catalog, tables: Iterable[Table], now: Callable[[], datetime], run_id: str = "cli", read_only: bool = False
    ) -> None:
        """Attaches the lake and makes what it lacks of `tables`. Raises EmptyLakeError or NewerLakeError."""
        self.catalog, self.run_id, self.now = catalog, run_id, now
        if read_only and not catalog.exists():
            raise EmptyLakeError(f"no lake in {catalog.folder}")
        catalog.folder.mkdir(parents=True, exist_ok=True)
        wanted = [*tables, QUARANTINE, APPLIED]
        if read_only:
            self._connection = catalog.connect(read_only=True)
            if not is_behind(self.cursor(), wanted):
                return
            self._connection.close()  # an older lake: what it lacks is made before it is read
        with catalog.commit_lock():  # two first users would both create the catalog's own tables
            self._connection = catalog.connect()
        if is_behind(self.cursor(), wanted):
            self.commit(lambda cursor: bring_up_to_date(cursor, wanted, naive(now())))
        if read_only:
            self._connection.close()
            self._connection = catalog.connect(read_only=True)

    def close(self) -> None:
        self._connection.close()

    def sql(self, query: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
        """Rows of a query; tables are named `lake.stage.name`. Raises ContractError for a statement that is none."""
        require_question(query)
        return self._connection.cursor().execute(query, list(parameters)).df()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor of the attached connection, for this room's own modules."""
        return self._connection.cursor()

    def snapshot_id(self) -> int:
        return int(self._connection.cursor().execute("SELECT id FROM lake.current_snapshot()").fetchall()[0][0])

    def read(
        self,
        table: Table,
        window: Window | None = None,
        columns: Sequence[str] | None = None,
        where: str = "",
        parameters: Sequence[Any] = (),
    ) -> pd.DataFrame:
        """Rows of a table, of a window where one is given, in the table's order."""
        conditions = [*([in_window(table, window)] if window else []), *([f"({where})"] if where else [])]
        clause = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        order = f" ORDER BY {', '.join(dict.fromkeys((*table.sort, *table.key)))}"
        return self.sql(f"SELECT {', '.join(columns or table.names)} FROM lake.{table.sql_name}{clause}{order}", parameters)

    def panel(self, table: Table, columns: Sequence[str], window: Window, keys: np.ndarray | None = None, where: str = "") -> Panel:
        """Columns of a table on the dense grid, steps × keys, float32, NaN where there is no row."""
        source = f"lake.{table.sql_name} WHERE {on_grid(table, window)}" + (f" AND ({where})" if where else "")
        return read_panel(self.cursor(), source, table.entity or "0::BIGINT", columns, window, keys)

    def span(
        self, table: Table, column: str = "as_of", where: str = "true", parameters: Sequence[Any] = ()
    ) -> tuple[datetime, datetime] | None:
        """First and last instant in a column, aware UTC; None where no row has one."""
        query = f"SELECT min({column}), max({column}) FROM lake.{table.sql_name} WHERE {where}"
        first, last = self._connection.cursor().execute(query, list(parameters)).fetchall()[0]
        return None if first is None else (utc(first), utc(last))

    def earliest_change(self, tables: Iterable[Table], column: str, after_snapshot: int, until_snapshot: int) -> datetime | None:
        """The smallest `column` among rows that were added to the tables after a lake snapshot and by another; None when none was, or
        when one has expired.
        """
        each = [f"SELECT min({column}) AS changed_at FROM {_added(table, after_snapshot, until_snapshot)}" for table in tables]
        try:
            found = self.sql(f"SELECT min(changed_at) AS earliest FROM ({' UNION ALL '.join(each)})")["earliest"].iloc[0]
        except duckdb.InvalidInputException:  # a snapshot that has expired, or has not come yet
            return None
        return None if pd.isna(found) else pd.Timestamp(found).to_pydatetime()

    def count_added(self, table: Table, after_snapshot: int, where: str, parameters: Sequence[Any] = ()) -> int | None:
        """How many rows that `where` selects were added after a lake snapshot; None when it has expired."""
        added = _added(table, after_snapshot, self.snapshot_id())
        try:
            return int(self.sql(f"SELECT count(*) AS n FROM {added} WHERE {where}", parameters)["n"].iloc[0])
        except duckdb.InvalidInputException:  # a snapshot that has expired, or has not come yet
            return None

    def append(self, table: Table, frame: pd.DataFrame, as_of: datetime | None = None) -> Written:
        """Adds the rows whose key is not stored yet, and never removes any. A doubled key within the frame is a row fault here."""
        return self.append_once(table, frame, as_of)

    def append_once(
        self,
        table: Table,
        frame: pd.DataFrame,
        as_of: datetime | None = None,
        seen: Mapping[datetime, int] | None = None,
        once: Sequence[str] | None = None,
    ) -> Written:
        """Like `append`. `once`: other columns than the key to know a stored row by; with none of them every row is added. `seen`: how
        many rows of each hour of `table.time` the caller knows of; of hours that have another number by now nothing is added
        (`taken`). All is looked up in the transaction that adds: of two runs at once each row is stored by one.
        """
        checked = check(table, frame, duplicates_to_quarantine=True)
        added, taken = 0, frozenset[datetime]()

        def write(cursor: duckdb.DuckDBPyConnection) -> None:
            nonlocal added, taken
            taken = taken_hours(cursor, table, checked.rows, seen)
            try:
                added = cursor.execute(insert_new(table, checked.rows, table.key if once is None else once, taken)).fetchall()[0][0]
            except (duckdb.DataError, duckdb.InvalidInputException) as error:
                raise ContractError(f"{table.sql_name}: the database takes a value for none: {error}") from error

        self._store(table, checked.rows, checked.faults, as_of, write if len(checked.rows) else None)
        return Written(added, len(checked.faults), added > 0, self.snapshot_id(), checked.refused_count, taken)

    def replace(self, table: Table, frame: pd.DataFrame, window: Window, system: str = "") -> Written:
        """Makes the window's rows exactly these, in one transaction; commits nothing when they already are. Of a table that systems
        share, the rows of `system` only.

        Raises ContractError for rows outside the window as for every other table fault.
        """
        checked = check(table, frame)
        place = place_of(table, window, system)
        require_inside(table, checked.rows, window, system)
        same = self._is_same(table, checked.rows, place)

        def write(cursor: duckdb.DuckDBPyConnection) -> None:
            cursor.execute(f"DELETE FROM lake.{table.sql_name} WHERE {place}")
            if len(checked.rows):
                order = ", ".join(table.sort or table.key)
                cursor.execute(f"{insert(table)} ORDER BY {order}")

        changed = self._store(table, checked.rows, checked.faults, window.as_of, None if same else write)
        return Written(len(checked.rows), len(checked.faults), changed, self.snapshot_id(), checked.refused_count)

    def commit(self, change: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
        """Runs `change` in one transaction under the commit lock; replays it on conflict, a bounded number of times."""
        for attempt in range(1, COMMIT_ATTEMPTS + 1):
            cursor = self._connection.cursor()
            try:
                with self.catalog.commit_lock():
                    cursor.execute("BEGIN")
                    change(cursor)
                    cursor.execute("COMMIT")
                return
            except (duckdb.TransactionException, duckdb.IOException, duckdb.OperationalError):
                if attempt == COMMIT_ATTEMPTS:
                    raise
                sleep(0.05 * 2**attempt)
            finally:
                cursor.close()  # a cursor that dies in a transaction takes the transaction with it

    def _store(
        self,
        table: Table,
        rows: pd.DataFrame,
        faults: pd.DataFrame,
        as_of: datetime | None,
        write: Callable[[duckdb.DuckDBPyConnection], None] | None,
    ) -> bool:
        refused = quarantine_rows(table, faults, as_of, run_id=self.run_id, quarantined_at=pd.Timestamp(naive(self.now())))
        if write is None and refused.empty:
            return False
        new_rows, bad_rows = _arrow(table, rows), _arrow(QUARANTINE, refused)

        def change(cursor: duckdb.DuckDBPyConnection) -> None:
            if write is not None:
                cursor.register("new_rows", new_rows)
                write(cursor)
            if len(refused):
                cursor.register("bad_rows", bad_rows)
                cursor.execute(QUARANTINE_ONCE)

        self.commit(change)
        return write is not None

    def _is_same(self, table: Table, rows: pd.DataFrame, place: str) -> bool:
        cursor = self._connection.cursor()
        stored = f"SELECT {', '.join(table.names)} FROM lake.{table.sql_name} WHERE {place}"
        count = cursor.execute(f"SELECT count(*) FROM ({stored})").fetchall()[0][0]
        if count != len(rows) or count == 0:
            return bool(count == len(rows))
        cursor.register("new_rows", _arrow(table, rows))
        new = f"SELECT {', '.join(table.names)} FROM new_rows"
        return bool(cursor.execute(f"SELECT count(*) = 0 FROM (({stored}) EXCEPT ALL ({new}))").fetchall()[0][0])


def _added(table: Table, after: int, until: int) -> str:
    return f"ducklake_table_insertions('lake', '{table.stage}', '{table.name}', {after + 1}::BIGINT, {until}::BIGINT)"


def _arrow(table: Table, rows: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(rows[table.names], preserve_index=False)
