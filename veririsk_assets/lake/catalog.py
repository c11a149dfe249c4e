"""Attaching the lake: which extensions, which catalog, which data folder, and the commit lock.

DuckLake does not retry conflicting commits on either catalog, so every commit takes one lock:
`flock` on a file beside a SQLite catalog, an advisory lock in a Postgres catalog.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import duckdb

from veririsk_assets.settings import Settings
from veririsk_assets.wire.redaction import keep_password

LOCK_TIMEOUT_SECONDS = 300.0
# Any constant that no other user of the catalog database takes; so is the one after it.
ADVISORY_LOCK = 0x5EC1A4E


class LakeBusyError(Exception):
    """The commit lock could not be had in time."""


class MissingExtension(Exception):
    """A DuckDB extension is not installed."""


@dataclass(frozen=True)
class Catalog:
    """Where the lake's catalog and data are. `dsn` is empty for a SQLite catalog."""

    folder: Path
    dsn: str
    data: str

    @classmethod
    def of(cls, settings: Settings) -> "Catalog":
        folder = settings.lake_folder
        return cls(folder, keep_password(settings.lake_catalog), settings.lake_data or str(folder / "data"))

    @property
    def sqlite_file(self) -> Path:
        return self.folder / "catalog.sqlite"

    @property
    def state_file(self) -> Path:
        return self.folder / "state.sqlite"

    def exists(self) -> bool:
        """Whether a lake was ever made here; a Postgres catalog is asked when it is attached."""
        return bool(self.dsn) or self.sqlite_file.exists()

    def connect(self, read_only: bool = False) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection with the lake attached as `lake` and in use. Raises ValueError where its data cannot lie."""
        if "\\" in self.data:
            raise ValueError(
                f"{self.data!r} has a backslash, which DuckLake takes for the end of a folder's name: choose another VERIRISK_HOME"
            )
        connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "threads": str(os.cpu_count() or 2)})
        # GLOBAL: a cursor is a session of its own. The search for tables among Python's variables swallows a Ctrl-C, and none is there.
        connection.execute("SET GLOBAL TimeZone = 'UTC'; SET GLOBAL python_enable_replacements = false; SET enable_progress_bar = false")
        _load_extensions(connection, self)
        connection.execute(self._attach(read_only))
        connection.execute("USE lake")
        return connection

    def _attach(self, read_only: bool) -> str:
        mode = ", READ_ONLY" if read_only else ""
        if self.dsn:
            target = f"ducklake:postgres:{quoted(self.dsn)}"
            return f"ATTACH '{target}' AS lake ({self._data_options()}{mode})"
        target = f"ducklake:sqlite:{quoted(str(self.sqlite_file))}"
        # A reader must not change the journal mode: that takes an exclusive lock.
        journal = "" if read_only else ", META_JOURNAL_MODE 'WAL'"
        options = f"{self._data_options()}{journal}, META_BUSY_TIMEOUT 30000"
        return f"ATTACH '{target}' AS lake ({options}{mode})"

    def _data_options(self) -> str:
        # File paths in the catalog are relative to the data path, so a home that was moved opens where it is now.
        return f"DATA_PATH '{quoted(self.data)}', OVERRIDE_DATA_PATH true, DATA_INLINING_ROW_LIMIT 0"

    @contextmanager
    def commit_lock(self) -> Iterator[None]:
        """Held around BEGIN … COMMIT by every writer. Raises LakeBusyError after five minutes."""
        with self._postgres_lock(ADVISORY_LOCK) if self.dsn else file_lock(self.folder / "commit.lock"):
            yield

    @contextmanager
    def decision_lock(self) -> Iterator[None]:
        """Held from looking at who serves until it is stored who does from now on; commits take their own lock within it."""
        with self._postgres_lock(ADVISORY_LOCK + 1) if self.dsn else file_lock(self.folder / "decision.lock"):
            yield

    @contextmanager
    def _postgres_lock(self, number: int) -> Iterator[None]:
        with self.database() as connection, connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = %s", (int(LOCK_TIMEOUT_SECONDS * 1000),))
            cursor.execute("SELECT pg_advisory_lock(%s)", (number,))
            yield

    @contextmanager
    def database(self) -> Iterator[Any]:
        """A plain connection to a Postgres catalog's database; closing it frees its advisory locks."""
        import psycopg2

        connection = psycopg2.connect(self.dsn)
        connection.autocommit = True
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def file_lock(path: Path, timeout_seconds: float = LOCK_TIMEOUT_SECONDS) -> Iterator[None]:
    """An exclusive `flock`; the kernel frees it when the process dies, however it dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = monotonic() + timeout_seconds
    with path.open("a") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if monotonic() > deadline:
                    raise LakeBusyError(f"{path.name} was held by another process for {timeout_seconds:.0f} s") from None
                sleep(0.01)
        yield


def _load_extensions(connection: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    names = ["ducklake", "postgres_scanner" if catalog.dsn else "sqlite_scanner"]
    for name in [*names, *(["httpfs"] if catalog.data.startswith("s3://") else [])]:
        connection.load_extension(str(_extension_file(name)))
    if catalog.data.startswith("s3://") and os.environ.get("DUCKDB_S3_ENDPOINT"):
        # Keys, region and endpoint come from AWS_… and DUCKDB_S3_… variables; a server of one's own has no bucket host names.
        connection.execute("SET GLOBAL s3_url_style = 'path'")


def _extension_file(name: str) -> Path:
    package = find_spec(f"duckdb_extension_{name}")
    folders = list(package.submodule_search_locations or []) if package else []
    found = [file for folder in folders for file in Path(folder).rglob(f"v{duckdb.__version__}/{name}.duckdb_extension")]
    if not found:
        raise MissingExtension(f"the DuckDB extension {name} for {duckdb.__version__} is not installed; install requirements.lock")
    return found[0]


def quoted(text: str) -> str:
    return text.replace("'", "''")
