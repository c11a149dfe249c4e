"""When the jobs run. On by default in live and simulated mode; a recorded market has no now."""

from datetime import datetime, timedelta

import dagster as dg

from veririsk_assets.contracts.windows import HOUR, Window, floor_hour, utc
from veririsk_assets.defs.jobs import backtest_job, daily_learning, daily_review, hourly_scoring, upkeep, weekly_training
from veririsk_assets.defs.learning import MATURING
from veririsk_assets.defs.partitions import partition_key
from veririsk_assets.defs.resources import HouseResource
from veririsk_assets.settings import Settings

STATUS = dg.DefaultScheduleStatus.STOPPED if Settings().source == "recorded" else dg.DefaultScheduleStatus.RUNNING

# How far back a tick looks for hours that a killed run or a machine that was off left behind.
CATCH_UP = timedelta(hours=23)


def _range_tags(start: datetime, last: datetime) -> dict[str, str]:
    return {"dagster/asset_partition_range_start": partition_key(start), "dagster/asset_partition_range_end": partition_key(last)}


@dg.schedule(job=hourly_scoring, cron_schedule="27 * * * *", execution_timezone="UTC", default_status=STATUS)
def hourly(context: dg.ScheduleEvaluationContext, house: HouseResource) -> dg.RunRequest:
    """The hour that ended at this tick's full hour, and those of the last day that were left unfinished before it."""
    last = floor_hour(utc(context.scheduled_execution_time)) - HOUR
    first = _first_unfinished(house, last)
    if first == last:
        return dg.RunRequest(run_key=partition_key(last), partition_key=partition_key(last))
    return dg.RunRequest(run_key=partition_key(last), tags=_range_tags(first, last))


def _first_unfinished(house: HouseResource, last: datetime) -> datetime:
    """The start of the first hour that owes a row of any table; `last` where none does, or none was scored within CATCH_UP."""
    from veririsk_assets.pipeline.owed import first_unfinished

    unfinished = first_unfinished(house.open(), Window(last - CATCH_UP - HOUR, last))
    return last if unfinished is None else unfinished - HOUR


@dg.schedule(job=daily_learning, cron_schedule="40 2 * * *", execution_timezone="UTC", default_status=STATUS)
def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The hours of the last days: those whose horizon has passed get their labels, the others stay open."""
    last = floor_hour(utc(context.scheduled_execution_time)) - HOUR
    return dg.RunRequest(run_key=f"labels-{partition_key(last)}", tags=_range_tags(last - MATURING, last))


@dg.schedule(job=daily_review, cron_schedule="0 3 * * *", execution_timezone="UTC", default_status=STATUS)
def review(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Judges by the labels that had matured by the full hour before the tick."""
    as_of = floor_hour(utc(context.scheduled_execution_time))
    config = {"ops": {"monitoring__performance": {"config": {"as_of": as_of.isoformat()}}}}
    return dg.RunRequest(run_key=f"review-{as_of.isoformat()}", run_config=config)


@dg.schedule(job=weekly_training, cron_schedule="10 3 * * 1", execution_timezone="UTC", default_status=STATUS)
def weekly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Trains as of the full hour before the tick."""
    as_of = floor_hour(utc(context.scheduled_execution_time))
    config = {"ops": {"models__versions": {"config": {"as_of": as_of.isoformat()}}}}
    return dg.RunRequest(run_key=f"training-{as_of.isoformat()}", run_config=config)


@dg.schedule(job=upkeep, cron_schedule="50 3 * * *", execution_timezone="UTC", default_status=STATUS)
def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Once a night."""
    return dg.RunRequest(run_key=f"upkeep-{utc(context.scheduled_execution_time):%Y-%m-%d}")


@dg.schedule(job=backtest_job, cron_schedule="30 4 1 * *", execution_timezone="UTC", default_status=STATUS)
def monthly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The first of the month: all that the lake holds up to the tick's full hour, 24 h ahead."""
    end = floor_hour(utc(context.scheduled_execution_time))
    config = {"ops": {"monitoring__backtest_pools": {"config": {"end": end.isoformat()}}}}
    return dg.RunRequest(run_key=f"backtest-{end.isoformat()}", run_config=config)


SCHEDULES = [hourly, daily, review, weekly, nightly, monthly]
