"""Many processes at once: none fails, nothing is lost or doubled, readers never notice."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from veririsk_assets.contracts.catalogue import TABLES
from veririsk_assets.contracts.pools import POOL_SNAPSHOTS
from veririsk_assets.contracts.windows import HOUR, Window, utc
from veririsk_assets.lake.catalog import Catalog
from veririsk_assets.lake.lake import Lake
from veririsk_assets.lake.publish import publish
from veririsk_assets_tests.conftest import NOW

START = utc("2025-01-01")
POOLS = 50


def writer_command(catalog: Catalog, name: int, own: int, shared: int) -> list[str]:
    module = "veririsk_assets_tests.lake.writer"
    return [sys.executable, "-m", module, str(catalog.folder), catalog.dsn, str(name), str(own), str(shared)]


def overwrite(catalog: Catalog, lake: Lake, published: Path, processes: int, own: int, shared: int) -> tuple[list[str], int]:
    """Runs the writers while this process reads the lake and the published file; errors, and how often it read."""
    publish(lake, published, 90, 30)
    reader = Lake(catalog, TABLES, lambda: NOW, read_only=True)
    running = [
        subprocess.Popen(writer_command(catalog, i, own, shared), stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        for i in range(processes)
    ]
    errors, reads = [], 0
    while any(process.poll() is None for process in running):
        counted = reader.sql(f"SELECT count(*) AS n FROM lake.{POOL_SNAPSHOTS.sql_name} GROUP BY as_of")["n"]
        if not counted.eq(POOLS).all():
            errors.append(f"a reader saw hours of {sorted(set(counted))} rows")
        with duckdb.connect(str(published), read_only=True) as connection:
            connection.execute("SELECT count(*) FROM pool_snapshots").fetchall()
        publish(lake, published, 90, 30)
        reads += 1
        time.sleep(0.02)
    reader.close()
    said = [process.communicate()[1][-2000:] for process in running]
    return errors + [text for text, process in zip(said, running, strict=True) if process.returncode], reads


def check(catalog: Catalog, open_lake: Callable[..., Lake], published: Path, processes: int, own: int, shared: int) -> None:
    lake = open_lake()
    errors, reads = overwrite(catalog, lake, published, processes, own, shared)
    assert not errors
    assert reads > 2
    stored = lake.read(POOL_SNAPSHOTS)
    assert len(stored) == (processes * own + shared) * POOLS
    assert not stored.duplicated(["as_of", "pool_key"]).any()
    # An hour is one writer's, whole: its rows all carry that writer's number.
    assert stored.groupby("as_of")["tvl_usd"].nunique().eq(1).all()


def test_processes_that_overwrite_hours_lose_nothing(catalog: Catalog, open_lake: Callable[..., Lake], tmp_path: Path) -> None:
    check(catalog, open_lake, tmp_path / "published" / "veririsk.duckdb", processes=2, own=3, shared=2)


@pytest.mark.stress
def test_eight_processes_overwrite_200_own_and_50_shared_hours(catalog: Catalog, open_lake: Callable[..., Lake], tmp_path: Path) -> None:
    check(catalog, open_lake, tmp_path / "published" / "veririsk.duckdb", processes=8, own=25, shared=50)


def hour(number: int) -> Window:
    return Window(START + number * HOUR, START + (number + 1) * HOUR)
