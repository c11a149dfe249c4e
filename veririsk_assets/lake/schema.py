"""Making the lake's tables, and bringing an older lake to today's names and columns."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import duckdb

from veririsk_assets.contracts.migrations import APPLIED, MIGRATIONS, Change, RenameTable
from veririsk_assets.contracts.tables import SQL_TYPES, Column, Table

Missing = list[tuple[Table, list[Column]]]


class NewerLakeError(Exception):
    """The lake was written by a release that renamed what this one does not know."""


def is_behind(cursor: duckdb.DuckDBPyConnection, wanted: Iterable[Table]) -> bool:
    """Whether the lake lacks names, tables or columns of today. Raises NewerLakeError."""
    return bool(pending(cursor) or missing(cursor, wanted))


def bring_up_to_date(cursor: duckdb.DuckDBPyConnection, wanted: Iterable[Table], now: datetime) -> None:
    """Names first: a table under its old name would be made a second time. Looked up in the commit: another process may have been first."""
    migrate(cursor, now)
    make(cursor, missing(cursor, wanted))


def pending(cursor: duckdb.DuckDBPyConnection, migrations: Sequence[Change] = MIGRATIONS) -> list[tuple[int, Change]]:
    """Changes of names that the lake has not followed, with their numbers. Raises NewerLakeError."""
    if APPLIED.sql_name not in _tables(cursor):
        return list(enumerate(migrations, 1))
    done = {number for (number,) in cursor.execute(f"SELECT number FROM lake.{APPLIED.sql_name}").fetchall()}
    if (newest := max(done, default=0)) > len(migrations):
        raise NewerLakeError(
            f"a newer release of VeriRisk has written this home: it has followed {newest} changes of names, this release knows "
            f"{len(migrations)}. Use that release, or restore a backup from before it"
        )
    return [(number, change) for number, change in enumerate(migrations, 1) if number not in done]


def migrate(cursor: duckdb.DuckDBPyConnection, now: datetime, migrations: Sequence[Change] = MIGRATIONS) -> None:
    """Follows the pending changes and writes them down; what a lake never had is only written down. Within the caller's transaction."""
    followed = pending(cursor, migrations)
    make(cursor, missing(cursor, [APPLIED]))
    for number, change in followed:
        _rename(cursor, change)
        cursor.execute(f"INSERT INTO lake.{APPLIED.sql_name} VALUES (?, ?, ?)", [number, str(change), now])


def _rename(cursor: duckdb.DuckDBPyConnection, change: Change) -> None:
    if isinstance(change, RenameTable):
        if change.old in _tables(cursor):
            cursor.execute(f"ALTER TABLE lake.{change.old} RENAME TO {change.new.split('.')[1]}")
    elif (change.table, change.old) in _columns(cursor):
        cursor.execute(f"ALTER TABLE lake.{change.table} RENAME COLUMN {change.old} TO {change.new}")


def missing(cursor: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> Missing:
    """Tables with those of their columns that the lake does not have."""
    known = _columns(cursor)
    lacking = [(table, [column for column in table.columns if (table.sql_name, column.name) not in known]) for table in tables]
    return [(table, columns) for table, columns in lacking if columns]


def _tables(cursor: duckdb.DuckDBPyConnection) -> set[str]:
    return {table for table, _ in _columns(cursor)}


def _columns(cursor: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    query = "SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns() WHERE database_name = 'lake'"
    return set(cursor.execute(query).fetchall())


def make(cursor: duckdb.DuckDBPyConnection, lacking: Missing) -> None:
    """Adds them; rows that are stored already get a column's `before`, or null."""
    for table, columns in lacking:
        declared = [f"{c.name} {SQL_TYPES[c.kind]}" + (f" DEFAULT {c.before}" if c.before else "") for c in columns]
        if len(columns) == len(table.columns):
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS lake.{table.stage}")
            cursor.execute(f"CREATE TABLE IF NOT EXISTS lake.{table.sql_name} ({', '.join(declared)})")
        else:
            for column in declared:
                cursor.execute(f"ALTER TABLE lake.{table.sql_name} ADD COLUMN IF NOT EXISTS {column}")


def insert(table: Table) -> str:
    """Into the table from `new_rows`, by name: a column that was gained later lies last in the lake."""
    names = ", ".join(table.names)
    return f"INSERT INTO lake.{table.sql_name} ({names}) SELECT {names} FROM new_rows"
