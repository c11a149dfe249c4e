"""A lake as an earlier release left it: today's, with its names taken back and what has been added since taken out."""

import json
from pathlib import Path

from veririsk_assets.contracts.migrations import MIGRATIONS, RenameTable
from veririsk_assets.lake.lake import Lake

# Every table and column before there were systems.
BEFORE_SYSTEMS = Path(__file__).with_name("schema_before_systems.json")


def make_older(lake: Lake, description: Path = BEFORE_SYSTEMS) -> None:
    """Leaves exactly the tables and columns of the description, with their rows."""
    described = {table: set(columns) for table, columns in json.loads(description.read_text()).items()}
    statements = []
    for change in reversed(MIGRATIONS):
        if isinstance(change, RenameTable):
            statements.append(f"ALTER TABLE lake.{change.new} RENAME TO {change.old.split('.')[1]}")
        else:
            statements.append(f"ALTER TABLE lake.{change.table} RENAME COLUMN {change.new} TO {change.old}")
    for statement in statements:
        lake.commit(lambda cursor, statement=statement: cursor.execute(statement))
    for table, columns in tables(lake).items():
        if table not in described:
            lake.commit(lambda cursor, table=table: cursor.execute(f"DROP TABLE lake.{table}"))
            continue
        for column in columns - described[table]:
            drop = f"ALTER TABLE lake.{table} DROP COLUMN {column}"
            lake.commit(lambda cursor, drop=drop: cursor.execute(drop))
    assert tables(lake) == described


def tables(lake: Lake) -> dict[str, set[str]]:
    """Columns of every table that lies in the lake."""
    found: dict[str, set[str]] = {}
    names = "SELECT schema_name || '.' || table_name AS table, column_name FROM duckdb_columns() WHERE database_name = 'lake'"
    for table, column in lake.sql(names).itertuples(index=False):
        found.setdefault(table, set()).add(column)
    return found
