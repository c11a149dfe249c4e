"""Small mutable state in the catalog database: budgets, marks, leases. Row-locked, never a lake commit."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from veririsk_assets.contracts.migrations import RENAMED_MARKS
from veririsk_assets.lake.catalog import Catalog

_CREATE = "CREATE TABLE IF NOT EXISTS veririsk_state (name TEXT PRIMARY KEY, value TEXT NOT NULL)"
_PUT = "INSERT INTO veririsk_state VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
# One statement, so that two processes cannot both take the last unit.
_INCREMENT = """
INSERT INTO veririsk_state AS s SELECT ?, CAST(? AS TEXT) WHERE ? <= ?
ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(s.value AS BIGINT) + ? AS TEXT) WHERE CAST(s.value AS BIGINT) + ? <= ?
RETURNING value
"""
_RENAME = "UPDATE veririsk_state SET name = ? WHERE name = ? AND NOT EXISTS (SELECT 1 FROM veririsk_state WHERE name = ?) RETURNING name"


class State:
    """Named text values that survive the process and are changed atomically."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        with self._cursor() as cursor:
            cursor.execute(_CREATE)
        for old, new in RENAMED_MARKS.items():
            # Where both are there a process of the release before is still at work: its mark is the older one.
            self._run(_RENAME, (new, old, new))

    def get(self, name: str) -> str | None:
        rows = self._run("SELECT value FROM veririsk_state WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def put(self, name: str, value: str) -> None:
        self._run(_PUT + " RETURNING value", (name, value))

    def starting_with(self, prefix: str) -> dict[str, str]:
        rows = self._run("SELECT name, value FROM veririsk_state WHERE substr(name, 1, ?) = ?", (len(prefix), prefix))
        return {str(name): str(value) for name, value in rows}

    def increment(self, name: str, by: int, limit: int) -> int | None:
        """The new total, or None (and no change) when it would exceed `limit`."""
        rows = self._run(_INCREMENT, (name, by, by, limit, by, by, limit))
        return int(rows[0][0]) if rows else None

    def _run(self, statement: str, parameters: tuple[Any, ...]) -> list[Any]:
        with self._cursor() as cursor:
            cursor.execute(statement.replace("?", "%s") if self._catalog.dsn else statement, parameters)
            return list(cursor.fetchall())

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        if self._catalog.dsn:
            with self._catalog.database() as connection, connection.cursor() as cursor:
                yield cursor
            return
        self._catalog.folder.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._catalog.state_file, timeout=30)
        try:
            with connection:
                yield connection.cursor()
        finally:
            connection.close()
