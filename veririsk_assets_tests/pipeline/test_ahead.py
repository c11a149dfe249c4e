"""A live home whose clock was wrong once: six months ahead, some minutes off, or behind."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veririsk_assets.contracts import monitoring, pools, raw
from veririsk_assets.contracts.models import CHAMPIONS
from veririsk_assets.contracts.surroundings import SURROUNDINGS
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.windows import HOUR, PULL_DELAY, Window, naive
from veririsk_assets.pipeline import ahead, replay
from veririsk_assets.pipeline.learning import promotion
from veririsk_assets.pipeline.publishing import publish
from veririsk_assets.serving.queries import PublishedFile
from veririsk_assets.settings import Settings
from veririsk_assets.wire.budget import Budget
from veririsk_assets.wire.provider import Provider
from veririsk_assets_tests.pipeline.world import START, Clock, home, hours, outside

HALF_A_YEAR = timedelta(days=184)
DERIVED = (pools.POOL_SNAPSHOTS, SURROUNDINGS, pools.POOL_FEATURES, pools.POOL_SCORES, pools.POOL_EXPLANATIONS)


class Home:
    """A live home, asked and published by the hour as `fetch` does."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.clock.time = START + 3 * HOUR + PULL_DELAY
        self.house = home(Settings(home=folder, source="live", min_tvl_usd=1.0), self.clock)
        self.world = outside(self.house)

    def fetch(self, as_of: datetime) -> None:
        self.clock.time = as_of + PULL_DELAY
        replay.score_window(self.house, self.world, Window.ending(as_of))
        publish(self.house)

    def published(self, query: str) -> pd.DataFrame:
        return PublishedFile(self.house.settings.published_file).sql(query)


@pytest.fixture(scope="module")
def three_hours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three right hours in it; a home that is copied opens where it lies."""
    made = Home(tmp_path_factory.mktemp("right") / "home")
    replay.score_window(made.house, made.world, hours(0, 3))
    publish(made.house)
    made.house.close()
    return made.house.settings.home


@pytest.fixture
def live(three_hours: Path, tmp_path: Path) -> Iterator[Home]:
    made = Home(shutil.copytree(three_hours, tmp_path / "live"))
    yield made
    made.house.close()


def test_a_fetch_half_a_year_ahead_leaves_no_trace_but_in_quarantine(live: Home, three_hours: Path, tmp_path: Path) -> None:
    undisturbed = Home(shutil.copytree(three_hours, tmp_path / "undisturbed"))
    live.fetch(START + 3 * HOUR + HALF_A_YEAR)
    for one in (live, undisturbed):
        one.fetch(START + 4 * HOUR)
    volatile = ["scored_at", "lake_snapshot_id"]
    for table in (*DERIVED, raw.DEFILLAMA_POOLS, raw.SOURCE_STATUS, pools.POOLS):
        mine, theirs = (one.house.lake.read(table) for one in (live, undisturbed))
        pd.testing.assert_frame_equal(mine.drop(columns=volatile, errors="ignore"), theirs.drop(columns=volatile, errors="ignore"))
    for query in ("FROM pool_risk_history", "FROM pool_risk_latest", "FROM pool_features_history", "FROM source_freshness"):
        mine, theirs = (one.published(f"{query} ORDER BY ALL").drop(columns="scored_at", errors="ignore") for one in (live, undisturbed))
        pd.testing.assert_frame_equal(mine, theirs)
    kept = live.house.lake.read(monitoring.QUARANTINE, where="rule = ?", parameters=[ahead.RULE])
    made = (raw.DEFILLAMA_POOLS, raw.SOURCE_STATUS, pools.POOL_SNAPSHOTS, SURROUNDINGS, pools.POOL_FEATURES, pools.POOL_SCORES)
    assert set(kept["table_name"]) >= {table.sql_name for table in made}
    assert kept["reason"].str.startswith("later than 2025-03-01 04:37: ").all()
    assert kept.loc[kept["table_name"] == "raw.defillama_pools", "row_json"].str.contains('"pulled_at":"2025-09-01 03:27:00"').all()


def test_the_hour_is_pulled_and_scored_anew_when_it_comes(live: Home) -> None:
    hour = START + 3 * HOUR + HALF_A_YEAR
    live.fetch(hour)
    live.fetch(START + 4 * HOUR)
    live.fetch(hour)
    status = live.house.lake.read(raw.SOURCE_STATUS, Window.ending(hour), where="endpoint = 'defillama_pools'")
    assert list(status["outcome"]) == ["pulled"]
    scores = live.house.lake.read(pools.POOL_SCORES, Window.ending(hour))
    assert len(scores) and not scores["status_reason"].str.contains("quarantine").any()
    assert ahead.set_aside(live.house) == {}


def test_the_file_is_right_again_by_publishing_alone(live: Home) -> None:
    before = live.published("FROM pool_risk_history ORDER BY ALL")
    live.fetch(START + 3 * HOUR + HALF_A_YEAR)
    assert len(live.published("SELECT DISTINCT as_of FROM pool_risk_history")) == 1
    live.clock.time = START + 3 * HOUR + HOUR / 2
    publish(live.house)
    pd.testing.assert_frame_equal(live.published("FROM pool_risk_history ORDER BY ALL"), before)


@pytest.mark.parametrize("off", [timedelta(minutes=-9), timedelta(minutes=9)])
def test_minutes_do_not_matter(live: Home, off: timedelta) -> None:
    live.clock.time += off
    assert ahead.set_aside(live.house) == {}
    assert live.house.lake.read(monitoring.QUARANTINE).empty


def test_a_clock_that_is_behind_by_an_hour_takes_nothing_away(live: Home) -> None:
    before = live.house.lake.snapshot_id()
    live.clock.time -= HOUR
    assert ahead.set_aside(live.house) == {}
    assert live.house.lake.snapshot_id() == before


def test_a_clock_without_a_battery_is_told_and_writes_nothing(live: Home) -> None:
    live.fetch(START + 4 * HOUR)
    before = live.house.lake.snapshot_id()
    with pytest.raises(
        ahead.ClockBehind, match=r"the clock says 1970-01-01 10:27 UTC, but the lake holds 4 hours of pulls after it, up to"
    ):
        live.fetch(datetime.fromisoformat("1970-01-01T10:00Z"))
    assert live.house.lake.snapshot_id() == before


@given(st.integers(1, 5_000), st.integers(1, ahead.MOST_HOURS), st.integers(2, 10_000))
def test_a_visit_of_a_wrong_clock_is_told_from_a_clock_that_is_behind(run: int, visit: int, jump: int) -> None:
    past = START + run * HOUR
    stayed = [past + (jump + i) * HOUR for i in range(visit)]
    assert not ahead.is_too_much(past, stayed) and not ahead.runs_on(past, stayed)
    missed = [past + i * HOUR for i in range(1, visit + 1)]
    assert ahead.runs_on(past, missed)


def test_a_market_with_a_time_of_its_own_is_left_alone(settings: Settings) -> None:
    clock = Clock()
    house = home(settings, clock)
    clock.time = START
    replay.score_window(house, outside(house), hours(0, 5))
    assert ahead.set_aside(house) == {}
    assert house.lake.read(monitoring.QUARANTINE).empty


def decide(live: Home, version: str, decided_at: datetime) -> None:
    """A reign of half a year from now."""
    row = {"system": "pools", "horizon_hours": 24, "version": version, "action": "promote", "reason": "test"}
    row |= {"valid_from": pd.Timestamp(naive(live.clock() + HALF_A_YEAR)), "decided_at": pd.Timestamp(naive(decided_at))}
    live.house.lake.append(CHAMPIONS, pd.DataFrame([row]))


def test_a_reign_that_a_person_has_planned_stays_and_one_decided_in_the_future_goes(live: Home) -> None:
    decide(live, "1", live.clock())
    decide(live, "2", live.clock() + HALF_A_YEAR)
    assert ahead.set_aside(live.house) == {"models.champions": 1}
    assert list(live.house.lake.read(CHAMPIONS)["version"]) == ["1"]


def test_an_order_without_a_date_holds_from_now_and_not_from_an_hour_to_come(live: Home) -> None:
    live.fetch(START + 3 * HOUR + HALF_A_YEAR)
    live.clock.time = START + 3 * HOUR + HOUR / 2
    assert promotion.next_instant(live.house, POOLS) == START + 4 * HOUR


def test_two_processes_set_a_row_aside_once(live: Home) -> None:
    decide(live, "1", live.clock() + HALF_A_YEAR)
    held = {table: ahead.MOMENTS[table] for table in ahead.aside.later(live.house.lake, ahead.MOMENTS, live.clock())}
    assert ahead.set_aside(live.house) == {"models.champions": 1}
    count = len(live.house.lake.read(monitoring.QUARANTINE))
    assert set(ahead.aside.set_aside(live.house.lake, held, live.clock() + HOUR, ahead.RULE).values()) == {0}
    assert len(live.house.lake.read(monitoring.QUARANTINE)) == count


def test_credits_booked_on_a_month_to_come_were_spent_this_month(live: Home) -> None:
    coins = Provider("coins", "https://coins.example", 30.0, 5, monthly_credits=100)
    budget: Budget = Budget(live.house.state)
    for when in (live.clock(), live.clock() + HALF_A_YEAR, live.clock() + HALF_A_YEAR):
        budget.reserve(coins, when, is_optional=False)
    decide(live, "1", live.clock() + HALF_A_YEAR)
    ahead.set_aside(live.house)
    assert (budget.spent(coins, live.clock()), budget.spent(coins, live.clock() + HALF_A_YEAR)) == (3, 0)
