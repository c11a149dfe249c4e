"""Kill -9 of hourly runs that came through queue and daemon: the next one starts, heals, and nobody ever reads half an hour."""

import logging
import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from veririsk_assets.contracts.catalogue import PULLS
from veririsk_assets.contracts.pools import POOL_SCORES, POOL_SNAPSHOTS
from veririsk_assets.contracts.windows import HOUR, PULL_DELAY, Window
from veririsk_assets.defs.resources import HouseResource
from veririsk_assets.defs.schedules import SCHEDULES
from veririsk_assets.pipeline.step import House
from veririsk_assets_tests.defs.daemon import Deployment, deployment, wait_for
from veririsk_assets_tests.defs.home import FIRST
from veririsk_assets_tests.stress.reader import Reader

hourly = next(one for one in SCHEDULES if one.name == "hourly")
LOG = logging.getLogger(__name__)
# A run retry would hide whether the next tick alone heals.
NO_RETRY = {"dagster/max_retries": "0"}


@dataclass
class Kills:
    """What happened: kills that met a live worker, seconds until the queue's place was free, the steps that were cut."""

    landed: int = 0
    freed_seconds: list[float] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)


def tick(as_of: datetime) -> dict[str, str]:
    """The tags of the run that the hourly schedule asks for at `as_of` + 27 min."""
    with dg.build_schedule_context(scheduled_execution_time=as_of + PULL_DELAY, resources={"house": HouseResource()}) as context:
        asked = hourly(context)
    assert isinstance(asked, dg.RunRequest)
    return dict(asked.tags) | ({"dagster/partition": asked.partition_key} if asked.partition_key else {})


def whole_run(dagster: Deployment, as_of: datetime) -> float:
    """A tick whose run nobody disturbs; the seconds from its worker's start to its end."""
    run_id = dagster.launch(tick(as_of))
    dagster.worker(run_id)
    started = time.monotonic()
    assert dagster.finished(run_id) is dg.DagsterRunStatus.SUCCESS
    return time.monotonic() - started


def killed_run(dagster: Deployment, as_of: datetime, after_seconds: float, kills: Kills) -> None:
    run_id = dagster.launch(tick(as_of) | NO_RETRY)
    worker = dagster.worker(run_id)
    time.sleep(after_seconds)
    with suppress(ProcessLookupError):
        os.kill(worker, signal.SIGKILL)
    killed_at = time.monotonic()
    if dagster.finished(run_id) is dg.DagsterRunStatus.FAILURE:
        kills.landed += 1
        kills.freed_seconds.append(time.monotonic() - killed_at)
        steps = [entry.dagster_event.step_key for entry in dagster.instance.all_logs(run_id) if entry.dagster_event]
        kills.cut.append(next((step for step in reversed(steps) if step), "before the first step"))


def kill_and_heal(house: House, history: Path, folder: Path, wanted: int) -> None:
    """Kills `wanted` runs at random points; every second one is followed by a tick that is left alone."""
    pools = len(house.lake.read(POOL_SNAPSHOTS, Window(FIRST - HOUR, FIRST)))
    reader, kills, dice = Reader(house.settings.published_file, pools), Kills(), random.Random(7)
    with deployment(history, folder, NUMBA_CACHE_DIR=os.environ["NUMBA_CACHE_DIR"]) as dagster:
        reader.start()
        as_of = FIRST + HOUR
        usual = whole_run(dagster, as_of)
        while kills.landed < wanted:
            as_of += HOUR
            before = kills.landed
            killed_run(dagster, as_of, dice.uniform(0, usual), kills)
            if kills.landed > before and kills.landed % 2 == 0:
                as_of += HOUR
                whole_run(dagster, as_of)
                check_whole(house, Window(FIRST, as_of), pools)
        dagster.idle()
    time.sleep(0.2)
    reader.stop()
    LOG.info(f"{kills.landed} kills, cut at {kills.cut}")
    LOG.info(f"free again after {max(kills.freed_seconds):.1f} s at most; an undisturbed run {usual:.1f} s; {reader.reads} reads")
    assert not reader.faults
    assert reader.reads > wanted
    assert max(kills.freed_seconds) < 60
    assert {pd.Timestamp(stamp) for stamp in Window(FIRST, as_of).as_ofs} <= {pd.Timestamp(seen) for seen in reader.hours}


def check_whole(house: House, window: Window, pools: int) -> None:
    """Every hour since the history has everything once."""
    for table, rows in ((POOL_SNAPSHOTS, pools), (POOL_SCORES, 2 * pools)):
        counts = house.lake.read(table, window, ["as_of", "pool_key"]).groupby("as_of").size()
        assert list(counts) == [rows] * window.hours, table.sql_name
    for table in PULLS:
        assert not house.lake.read(table, columns=list(table.key)).duplicated().any(), table.sql_name


@pytest.mark.stress
def test_twenty_killed_runs_are_healed_by_the_next_ticks(house: House, history: Path, fast_disk: Path) -> None:
    kill_and_heal(house, history, fast_disk, 20)


@pytest.mark.stress
def test_a_killed_run_is_tried_once_more_by_itself(house: House, history: Path, fast_disk: Path) -> None:
    with deployment(history, fast_disk, NUMBA_CACHE_DIR=os.environ["NUMBA_CACHE_DIR"]) as dagster:
        run_id = dagster.launch(tick(FIRST + HOUR))
        os.kill(dagster.worker(run_id), signal.SIGKILL)
        assert dagster.finished(run_id) is dg.DagsterRunStatus.FAILURE
        again = wait_for(lambda: next(iter(dagster.instance.get_run_ids(dg.RunsFilter(tags={"dagster/parent_run_id": run_id}))), None))
        assert dagster.finished(again) is dg.DagsterRunStatus.SUCCESS
    check_whole(house, Window(FIRST, FIRST + HOUR), len(house.lake.read(POOL_SNAPSHOTS, Window(FIRST - HOUR, FIRST))))
