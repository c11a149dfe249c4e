"""When the jobs run. On by default in live and simulated mode; a recorded market has no now."""

from datetime import datetime, timedelta

import dagster as dg

from veririsk_assets.contracts.systems import SYSTEMS
from veririsk_assets.contracts.windows import HOUR, Window, floor_hour, floor_step, utc
from veririsk_assets.defs import jobs
from veririsk_assets.defs.partitions import partition_key
from veririsk_assets.defs.resources import HouseResource
from veririsk_assets.settings import Settings

STATUS = dg.DefaultScheduleStatus.STOPPED if Settings().source == "recorded" else dg.DefaultScheduleStatus.RUNNING

# How far back a tick looks for what a killed run or a machine that was off left behind, in steps.
CATCH_UP_STEPS = {1: 23, 24: 7}
# Long enough for the longest horizon to pass, and for two days that were missed.
MISSED = timedelta(days=2)
# At which minute and hour: scoring after the pulls of the hour, learning at night.
SCORES_AT = {1: "27 * * * *", 24: "10 1 * * *"}
LEARNS_AT = {1: "40 2 * * *", 24: "20 2 * * *"}
NAMES = {1: ("hourly", "daily"), 24: ("days", "days_learning")}


def _range_tags(start: datetime, last: datetime, step_hours: int) -> dict[str, str]:
    edges = {"start": partition_key(start, step_hours), "end": partition_key(last, step_hours)}
    return {f"dagster/asset_partition_range_{edge}": key for edge, key in edges.items()}


def _last(context: dg.ScheduleEvaluationContext, step_hours: int) -> datetime:
    """The start of the step that ended last before the tick."""
    return floor_step(utc(context.scheduled_execution_time), step_hours) - step_hours * HOUR


def _scoring(step_hours: int) -> dg.ScheduleDefinition:
    job = jobs.SCORING[step_hours]

    @dg.schedule(
        job=job, name=NAMES[step_hours][0], cron_schedule=SCORES_AT[step_hours], execution_timezone="UTC", default_status=STATUS,
        description="The step that ended at this tick's full hour or midnight, and those that were left unfinished before it.",
    )  # fmt: skip
    def scores(context: dg.ScheduleEvaluationContext, house: HouseResource) -> dg.RunRequest:
        last = _last(context, step_hours)
        first = _first_unfinished(house, last, step_hours)
        key = partition_key(last, step_hours)
        if first == last:
            return dg.RunRequest(run_key=key, partition_key=key)
        return dg.RunRequest(run_key=key, tags=_range_tags(first, last, step_hours))

    return scores


def _first_unfinished(house: HouseResource, last: datetime, step_hours: int) -> datetime:
    """The start of the first step that owes a row of any table; `last` where none does, or none was scored within the catch-up."""
    from veririsk_assets.pipeline.owed import first_unfinished

    step = step_hours * HOUR
    window = Window(last - CATCH_UP_STEPS[step_hours] * step - step, last, step_hours)
    opened = house.open()
    known = [first_unfinished(opened, system, window) for system in SYSTEMS if system.step_hours == step_hours]
    return min((found - step for found in known if found is not None), default=last)


def _longest(step_hours: int) -> int:
    """Hours after which the last label of a clock is known: its horizon, and what it waits for beyond."""
    from veririsk_assets.pipeline.systems import bound

    learning = [system for system in SYSTEMS if system.learns and system.step_hours == step_hours]
    beyond = {system.name: labels.beyond * step_hours for system in learning if (labels := bound(system).labels)}
    return max(horizon + beyond[system.name] for system in learning for horizon in system.horizons)


def _learning(step_hours: int) -> dg.ScheduleDefinition:
    @dg.schedule(
        job=jobs.LEARNING[step_hours], name=NAMES[step_hours][1], cron_schedule=LEARNS_AT[step_hours], execution_timezone="UTC", default_status=STATUS,
        description="The last days: what has passed its horizon gets its labels, the rest stays open.",
    )  # fmt: skip
    def learning(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        last = _last(context, step_hours)
        first = floor_step(last - _longest(step_hours) * HOUR - MISSED, step_hours)
        return dg.RunRequest(run_key=f"labels-{partition_key(last, step_hours)}", tags=_range_tags(first, last, step_hours))

    return learning


@dg.schedule(job=jobs.daily_review, cron_schedule="0 3 * * *", execution_timezone="UTC", default_status=STATUS)
def review(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Judges by the labels that had matured by the full hour before the tick."""
    as_of = floor_hour(utc(context.scheduled_execution_time))
    config = {"ops": {"monitoring__performance": {"config": {"as_of": as_of.isoformat()}}}}
    return dg.RunRequest(run_key=f"review-{as_of.isoformat()}", run_config=config)


@dg.schedule(job=jobs.weekly_training, cron_schedule="10 3 * * 1", execution_timezone="UTC", default_status=STATUS)
def weekly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Trains as of the full hour before the tick."""
    as_of = floor_hour(utc(context.scheduled_execution_time))
    config = {"ops": {"models__versions": {"config": {"as_of": as_of.isoformat()}}}}
    return dg.RunRequest(run_key=f"training-{as_of.isoformat()}", run_config=config)


@dg.schedule(job=jobs.upkeep, cron_schedule="50 3 * * *", execution_timezone="UTC", default_status=STATUS)
def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Once a night."""
    return dg.RunRequest(run_key=f"upkeep-{utc(context.scheduled_execution_time):%Y-%m-%d}")


@dg.schedule(job=jobs.backtest_job, cron_schedule="30 4 1 * *", execution_timezone="UTC", default_status=STATUS)
def monthly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The first of the month: all that the lake holds up to the tick's full hour, 24 h ahead."""
    end = floor_hour(utc(context.scheduled_execution_time))
    config = {"ops": {"monitoring__backtest_pools": {"config": {"end": end.isoformat()}}}}
    return dg.RunRequest(run_key=f"backtest-{end.isoformat()}", run_config=config)


SCHEDULES = [*map(_scoring, jobs.SCORING), *map(_learning, jobs.LEARNING), review, weekly, nightly, monthly]
