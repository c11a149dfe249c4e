"""A small simulated home, made by the same steps that Dagster calls, and runs of the named jobs in this process."""

import os
from datetime import datetime
from pathlib import Path

import dagster as dg

from veririsk_assets.contracts.windows import HOUR, Window, utc
from veririsk_assets.definitions import defs
from veririsk_assets.defs.partitions import partition_key
from veririsk_assets.pipeline.known.outside import outside
from veririsk_assets.pipeline.replay import load
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets_tests.conftest import NOW

POOLS = 8
HISTORY = Window.of("2025-03-01", "2025-03-03")
FIRST = HISTORY.end


def market_variables(home: Path) -> dict[str, str]:
    """The environment of a process that works in this home."""
    return {"VERIRISK_HOME": str(home), "VERIRISK_POOLS": str(POOLS), "VERIRISK_SEED": "3", "VERIRISK_SOURCE": "simulated"}


def shared_history(home: Path) -> Path:
    settings = Settings(home=home, pools=POOLS, seed=3)
    house = House.open(settings, lambda: NOW)
    load(house, outside(house), HISTORY)
    house.close()
    return home


def environment(home: Path, dagster_home: Path) -> dict[str, str]:
    return os.environ | market_variables(home) | {"DAGSTER_HOME": str(dagster_home)}


def range_tags(window: Window) -> dict[str, str]:
    keys = {"start": partition_key(window.start), "end": partition_key(window.end - HOUR)}
    return {f"dagster/asset_partition_range_{edge}": key for edge, key in keys.items()}


def run_hour(instance: dg.DagsterInstance, start: datetime, job: str = "hourly_scoring") -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(job).execute_in_process(instance=instance, partition_key=partition_key(utc(start)), raise_on_error=False)


def run_range(instance: dg.DagsterInstance, window: Window, job: str = "hourly_scoring") -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(job).execute_in_process(instance=instance, tags=range_tags(window), raise_on_error=False)
