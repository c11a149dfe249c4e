"""What a person is told when something fails that they can mend: one sentence, what to do, no secret."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import duckdb
import psycopg2
import pytest

from veririsk_assets.cli import main as cli
from veririsk_assets.lake.catalog import Catalog
from veririsk_assets.pipeline.failures import sentence
from veririsk_assets.registry import store
from veririsk_assets.settings import Settings
from veririsk_assets_tests.pipeline.world import home


def failure(act: Callable[[], object]) -> str:
    with pytest.raises(Exception) as caught:
        act()
    told = sentence(caught.value)
    assert told is not None
    assert "\n" not in told
    return told


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device", "/home/x/lake/data/a.parquet"),
        OSError(122, "Disk quota exceeded"),
        duckdb.IOException('Could not write file "a.parquet": No space left on device'),
        sqlite3.OperationalError("database or disk is full"),
    ],
)
def test_a_full_disk_asks_for_space(error: Exception) -> None:
    assert "the disk is full: free some space, then run the same command again" in str(sentence(error))


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(13, "Permission denied", "/home/x"),
        OSError(30, "Read-only file system", "/home/x/lake/commit.lock"),
        duckdb.IOException('Cannot open file "/home/x/catalog.sqlite": Read-only file system'),
        sqlite3.OperationalError("attempt to write a readonly database"),
        sqlite3.OperationalError("unable to open database file"),
    ],
)
def test_what_cannot_be_written_asks_for_another_home(error: Exception) -> None:
    assert "make it writable, or set VERIRISK_HOME to a folder that is" in str(sentence(error))


def test_a_disk_that_is_really_full_is_told_from_a_broken_one() -> None:
    """`/dev/full` has no space for anybody."""
    assert "the disk is full" in failure(lambda: Path("/dev/full").write_text("x" * 10_000))


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://u:not-for-you@127.0.0.1:1/x",
        "postgresql://u:not-for-you/at@all@127.0.0.1:1/x",
        "host=127.0.0.1 port=1 user=u password='not-for-you at all'",
        "host=127.0.0.1 port=1 user=u password=not-for-you",
    ],
)
def test_a_server_that_is_not_there_is_said_without_its_password(tmp_path: Path, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERIRISK_LAKE_CATALOG", dsn)
    catalog = Catalog.of(Settings(home=tmp_path))
    for told in (failure(catalog.connect), failure(lambda: psycopg2.connect(dsn))):
        assert "does its server run, and is VERIRISK_LAKE_CATALOG right?" in told
        assert "not-for-you" not in told
        assert "at all" not in told


def test_a_killed_catalog_says_where_it_lies(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    home(settings).close()
    Catalog.of(settings).sqlite_file.write_bytes(b"\0\1" * 4000)
    told = failure(lambda: home(settings))
    assert told.startswith("the lake cannot be used (")
    assert "file is not a database" in told
    assert "SELECT" not in told
    assert "set VERIRISK_HOME to another folder" in told


def test_a_broken_mlflow_store_names_itself(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").mkdir()
    from sqlalchemy import create_engine

    assert store.sqlite_file(f"sqlite:///{tmp_path}/mlflow.db") == tmp_path / "mlflow.db"
    told = failure(create_engine(f"sqlite:///{tmp_path}/mlflow.db").connect)
    assert told.startswith("the MLflow store cannot be written (")


def test_a_setting_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERIRISK_SOURCE", "foo")
    monkeypatch.setenv("COINGECKO_PLAN", "bar")
    told = failure(Settings)
    assert "VERIRISK_SOURCE: Input should be 'simulated', 'recorded' or 'live'" in told
    assert "COINGECKO_PLAN: Input should be 'demo' or 'pro'" in told


def test_a_programmers_fault_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sentence(TypeError("x")) is None
    assert sentence(OSError(28, "No space left on device")) is not None
    monkeypatch.setenv("VERIRISK_TRACEBACK", "true")
    assert sentence(OSError(28, "No space left on device")) is None


def test_ctrl_c_in_the_middle_of_a_query_is_a_stop(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """DuckDB says it as an error of its own."""

    def interrupted() -> None:
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr(cli, "app", interrupted)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 130
    assert capsys.readouterr().err.startswith("veririsk: stopped; ")
