"""A writer that dies, however it dies, leaves whole windows and no lock behind; on both catalogs."""

import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from veririsk_assets.contracts.pools import POOL_SNAPSHOTS
from veririsk_assets.lake.catalog import Catalog
from veririsk_assets.lake.lake import Lake
from veririsk_assets_tests.lake.rows import snapshot_rows
from veririsk_assets_tests.lake.test_concurrency import POOLS, hour, writer_command

ROOT = Path(__file__).parents[2]


def kill_at_random(catalog: Catalog, lake: Lake, kills: int) -> None:
    """Kills a writer again and again; after each kill every hour is whole and the next write needs no wait for a lock."""
    dice = random.Random(4)
    for number in range(kills):
        writer = subprocess.Popen(writer_command(catalog, number, 30, 30), cwd=ROOT)
        before = lake.snapshot_id()
        while lake.snapshot_id() == before and writer.poll() is None:
            time.sleep(0.02)
        time.sleep(dice.uniform(0, 0.5))
        writer.kill()
        writer.wait()
        sizes = lake.read(POOL_SNAPSHOTS).groupby("as_of")["tvl_usd"].agg(["size", "nunique"])
        assert sizes["size"].eq(POOLS).all()
        assert sizes["nunique"].eq(1).all()
        assert lake.replace(POOL_SNAPSHOTS, snapshot_rows(hour(5000 + number), POOLS, 9.0), hour(5000 + number)).changed


def test_a_killed_writer_leaves_whole_hours_and_no_lock(catalog: Catalog, open_lake: Callable[..., Lake]) -> None:
    kill_at_random(catalog, open_lake(), kills=1)


@pytest.mark.stress
def test_twenty_killed_writers_leave_whole_hours_and_no_lock(catalog: Catalog, open_lake: Callable[..., Lake]) -> None:
    kill_at_random(catalog, open_lake(), kills=20)
