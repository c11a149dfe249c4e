"""What an append may add: looked up inside the commit, so that two runs at once store a row once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import duckdb
import pandas as pd

from veririsk_assets.contracts.tables import Table

HOUR_OF = "time_bucket(INTERVAL 1 HOUR, {})"


def taken_hours(
    cursor: duckdb.DuckDBPyConnection, table: Table, rows: pd.DataFrame, seen: Mapping[datetime, int] | None
) -> frozenset[datetime]:
    """Hours of the rows' `table.time` that by now have another number of rows than the caller has seen: another run was faster."""
    if seen is None or rows.empty:
        return frozenset()
    hours = rows[table.time].dt.floor("h")
    query = f"SELECT {HOUR_OF.format(table.time)} AS hour, count(*) AS n FROM lake.{table.sql_name} WHERE {table.time} >= ? AND {table.time} < ? GROUP BY ALL"
    bounds = [hours.min().to_pydatetime(), (hours.max() + pd.Timedelta(hours=1)).to_pydatetime()]
    stored: dict[Any, int] = dict(cursor.execute(query, bounds).fetchall())
    asked = {hour.to_pydatetime() for hour in hours.unique()}
    return frozenset(hour for hour in asked if stored.get(hour, 0) != seen.get(hour, 0))


def insert_new(table: Table, rows: pd.DataFrame, once: Sequence[str], taken: frozenset[datetime]) -> str:
    """Into the table from `new_rows`: those that it does not hold by `once` (without columns: all), but none of the taken hours."""
    names = ", ".join(table.names)
    conditions = []
    if once:
        same = " AND ".join(f"s.{name} IS NOT DISTINCT FROM n.{name}" for name in once)
        if table.time in once:  # files of other times need not be read
            same += f" AND s.{table.time} BETWEEN {_stamp(rows[table.time].min())} AND {_stamp(rows[table.time].max())}"
        conditions.append(f"NOT EXISTS (SELECT 1 FROM lake.{table.sql_name} s WHERE {same})")
    if taken:
        conditions.append(f"{HOUR_OF.format(f'n.{table.time}')} NOT IN ({', '.join(_stamp(hour) for hour in sorted(taken))})")
    clause = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"INSERT INTO lake.{table.sql_name} ({names}) SELECT {names} FROM new_rows n{clause}"


def _stamp(moment: datetime) -> str:
    return f"TIMESTAMP '{moment.isoformat(sep=' ')}'"
