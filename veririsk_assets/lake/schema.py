"""Making the lake's tables, and giving an older lake the columns that its tables have gained since."""

from collections.abc import Iterable

import duckdb

from veririsk_assets.contracts.tables import SQL_TYPES, Column, Table

Missing = list[tuple[Table, list[Column]]]


def missing(cursor: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> Missing:
    """Tables with those of their columns that the lake does not have."""
    query = "SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns() WHERE database_name = 'lake'"
    known = set(cursor.execute(query).fetchall())
    lacking = [(table, [column for column in table.columns if (table.sql_name, column.name) not in known]) for table in tables]
    return [(table, columns) for table, columns in lacking if columns]


def make(cursor: duckdb.DuckDBPyConnection, lacking: Missing) -> None:
    """Adds them; rows that are stored already get a column's `before`, or null."""
    for table, columns in lacking:
        declared = [f"{c.name} {SQL_TYPES[c.kind]}" + (f" DEFAULT {c.before}" if c.before else "") for c in columns]
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS lake.{table.stage}")
        cursor.execute(f"CREATE TABLE IF NOT EXISTS lake.{table.sql_name} ({', '.join(declared)})")
        for column in declared:
            cursor.execute(f"ALTER TABLE lake.{table.sql_name} ADD COLUMN IF NOT EXISTS {column}")


def insert(table: Table) -> str:
    """Into the table from `new_rows`, by name: a column that was gained later lies last in the lake."""
    names = ", ".join(table.names)
    return f"INSERT INTO lake.{table.sql_name} ({names}) SELECT {names} FROM new_rows"
