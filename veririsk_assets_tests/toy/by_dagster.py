"""Lanterns' daily jobs by Dagster, for the day that their schedule asks for after midnight: `python -m veririsk_assets_tests.toy.by_dagster DAY`; the home is the environment's."""

import sys
from datetime import timedelta

import dagster as dg

import veririsk_assets_tests.toy.registered  # noqa: F401 - before anything reads the systems
from veririsk_assets.contracts.windows import utc
from veririsk_assets.definitions import defs
from veririsk_assets.defs.resources import HouseResource
from veririsk_assets.defs.schedules import SCHEDULES

if __name__ == "__main__":
    days = next(one for one in SCHEDULES if one.name == "days")
    tick = utc(sys.argv[1]) + timedelta(days=1, hours=1, minutes=10)
    with dg.build_schedule_context(scheduled_execution_time=tick, resources={"house": HouseResource()}) as context:
        asked = days(context)
    assert isinstance(asked, dg.RunRequest)
    # The remembered days were never pulled: the tick takes them along, up to the day that has ended.
    first, last = (asked.tags[f"dagster/asset_partition_range_{edge}"] for edge in ("start", "end"))
    with dg.DagsterInstance.ephemeral() as instance:
        for job, day in (("daily_scoring", last), ("daily_learning_of_days", "2026-03-30")):
            done = defs.resolve_job_def(job).execute_in_process(instance=instance, partition_key=day)
            made = sorted("/".join(event.asset_key.path) for event in done.get_asset_materialization_events() if event.asset_key)
            sys.stdout.write(f"{job} {first if job == 'daily_scoring' else day} {day} {' '.join(made)}\n")
