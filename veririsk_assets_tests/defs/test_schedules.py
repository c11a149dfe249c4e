"""What each schedule asks for at its tick."""

from datetime import datetime

import dagster as dg
import pytest

from veririsk_assets.contracts.detections import POOL_DETECTIONS
from veririsk_assets.contracts.pools import POOL_EXPLANATIONS, POOL_SCORES
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import HOUR, Window, utc
from veririsk_assets.defs.partitions import HOURLY
from veririsk_assets.defs.resources import HouseResource
from veririsk_assets.defs.schedules import SCHEDULES, monthly, nightly, weekly
from veririsk_assets.pipeline.known.outside import outside
from veririsk_assets.pipeline.replay import score_window
from veririsk_assets.pipeline.step import House
from veririsk_assets_tests.defs.home import FIRST

hourly, daily = (next(one for one in SCHEDULES if one.name == name) for name in ("hourly", "daily"))
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def asked(schedule: dg.ScheduleDefinition, at: datetime) -> dg.RunRequest:
    with dg.build_schedule_context(scheduled_execution_time=at, resources={"house": HouseResource()}) as context:
        request = schedule(context)
    assert isinstance(request, dg.RunRequest)
    return request


def finish(house: House, as_of: datetime) -> None:
    """The hour from raw to explanations, as a finished run leaves it."""
    score_window(house, outside(house), Window.ending(as_of))


def test_the_hourly_tick_asks_for_the_hour_that_just_ended(house: House) -> None:
    request = asked(hourly, utc("2025-03-03T01:27"))
    assert request.partition_key == request.run_key == "2025-03-03-00:00"
    assert HOURLY.has_partition_key(request.partition_key)


def test_the_hourly_tick_takes_the_unfinished_hours_before_it_along(house: House) -> None:
    finish(house, FIRST)
    request = asked(hourly, FIRST + 4 * HOUR + HOUR / 2)
    assert request.partition_key is None
    assert [request.tags[name] for name in RANGE] == ["2025-03-03-00:00", "2025-03-03-03:00"]
    assert request.run_key == "2025-03-03-03:00"


@pytest.mark.parametrize(("hours_off", "expected"), [(1, 1), (24, 24), (25, 1), (1000, 1)])
def test_a_tick_catches_up_with_at_most_a_day(house: House, hours_off: int, expected: int) -> None:
    finish(house, FIRST)
    request = asked(hourly, FIRST + hours_off * HOUR)
    keys = [request.tags[name] for name in RANGE] if expected > 1 else [request.partition_key] * 2
    first, last = (datetime.strptime(str(key), "%Y-%m-%d-%H:%M") for key in keys)
    assert (last - first) / HOUR + 1 == expected


def test_a_tick_for_an_hour_that_is_done_asks_for_it_alone(house: House) -> None:
    finish(house, FIRST + HOUR)
    assert asked(hourly, FIRST + HOUR).partition_key == "2025-03-03-00:00"


@pytest.mark.parametrize("table", [POOL_SCORES, POOL_EXPLANATIONS, POOL_DETECTIONS])
def test_a_tick_takes_along_an_hour_that_lacks_one_table_though_later_ones_are_whole(house: House, table: Table) -> None:
    finish(house, FIRST)
    score_window(house, outside(house), Window(FIRST, FIRST + 3 * HOUR))
    assert asked(hourly, FIRST + 4 * HOUR).partition_key == "2025-03-03-03:00"
    gone = house.lake.read(table, Window.ending(FIRST + 2 * HOUR)).head(0)
    house.lake.replace(table, gone, Window.ending(FIRST + 2 * HOUR))
    request = asked(hourly, FIRST + 4 * HOUR)
    assert [request.tags[name] for name in RANGE] == ["2025-03-03-01:00", "2025-03-03-03:00"]


def test_the_daily_tick_reopens_the_hours_whose_horizon_may_have_passed() -> None:
    request = asked(daily, utc("2025-03-04T02:40"))
    assert [request.tags[name] for name in RANGE] == ["2025-02-28-19:00", "2025-03-04-01:00"]


def test_the_weekly_tick_trains_as_of_its_full_hour() -> None:
    assert asked(weekly, utc("2025-03-10T03:10")).run_config == {
        "ops": {"models__versions": {"config": {"as_of": "2025-03-10T03:00:00+00:00"}}}
    }


def test_the_nightly_tick_runs_once_a_night() -> None:
    assert asked(nightly, utc("2025-03-10T03:50")).run_key == "upkeep-2025-03-10"


def test_the_monthly_tick_judges_what_the_lake_holds_by_its_full_hour() -> None:
    request = asked(monthly, utc("2025-04-01T04:30"))
    assert request.run_config == {"ops": {"monitoring__backtest_pools": {"config": {"end": "2025-04-01T04:00:00+00:00"}}}}


def test_every_schedule_and_sensor_is_on_where_there_is_a_now() -> None:
    from veririsk_assets.definitions import defs

    repository = defs.get_repository_def()
    assert all(schedule.default_status is dg.DefaultScheduleStatus.RUNNING for schedule in repository.schedule_defs)
    assert all(sensor.default_status is dg.DefaultSensorStatus.RUNNING for sensor in repository.sensor_defs)


def test_the_tick_of_days_reopens_the_day_whose_last_label_is_known_only_now() -> None:
    """Of protocols a label of seven days waits three more for what its source may take back."""
    (days,) = (one for one in SCHEDULES if one.name == "days_learning")
    request = asked(days, utc("2025-03-20T02:20"))
    first, last = (utc(request.tags[name]) for name in RANGE)
    assert last == utc("2025-03-19")
    # A partition's key is its start: the day that ends at as_of D - 10 began a day before.
    assert first <= utc("2025-03-20") - 11 * 24 * HOUR
    assert first >= utc("2025-03-20") - 14 * 24 * HOUR
