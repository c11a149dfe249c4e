"""What is asked of the lake: only queries where a question is meant; of a write the rows of a window, and of one system where it is shared."""

import duckdb
import pandas as pd

from veririsk_assets.contracts.tables import ContractError, Table
from veririsk_assets.contracts.windows import Window, naive


def in_window(table: Table, window: Window) -> str:
    """The rows of a window, as SQL."""
    start, end = naive(window.start).isoformat(sep=" "), naive(window.end).isoformat(sep=" ")
    return f"{table.time} > TIMESTAMP '{start}' AND {table.time} <= TIMESTAMP '{end}'"


def on_grid(table: Table, window: Window) -> str:
    """The rows of a window that lie on its steps, as SQL: of hourly rows a window of days sees those of midnight."""
    is_coarser = window.step_hours > table.step_hours
    return in_window(table, window) + (f" AND epoch_us({table.time}) % {window.step_hours * 3_600_000_000} = 0" if is_coarser else "")


def place_of(table: Table, window: Window, system: str) -> str:
    """The rows that a replace is about, as SQL. Raises ContractError where a shared table gets no system, or another one does."""
    if table.is_shared != bool(system):
        raise ContractError(f"{table.sql_name} is {'shared: say which system' if table.is_shared else 'not shared: it has no system'}")
    return in_window(table, window) + (f" AND system = '{system}'" if system else "")


def require_inside(table: Table, rows: pd.DataFrame, window: Window, system: str) -> None:
    """Raises ContractError for rows of another window or another system."""
    outside = (rows[table.time] <= naive(window.start)) | (rows[table.time] > naive(window.end))
    if outside.any():
        raise ContractError(f"{table.sql_name}: {int(outside.sum())} rows lie outside the window {window}")
    if system and (other := set(rows["system"]) - {system}):
        raise ContractError(f"{table.sql_name}: rows of {', '.join(sorted(other))} among those of {system}")


def require_question(query: str) -> None:
    """Raises ContractError for a statement that is no query."""
    if any(one.type != duckdb.StatementType.SELECT for one in duckdb.extract_statements(query)):
        raise ContractError(f"only queries are asked here, got: {query[:80]}")
