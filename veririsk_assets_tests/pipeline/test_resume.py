"""A run that is stopped anywhere, and one that is asked for more history than before: what is missing is made, what is there stays."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veririsk_assets.contracts import monitoring, pools, raw
from veririsk_assets.contracts.detections import POOL_DETECTIONS
from veririsk_assets.contracts.models import CALIBRATION_SHIFTS
from veririsk_assets.contracts.surroundings import SURROUNDINGS
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.pipeline import owed, replay
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets_tests.pipeline.world import START, home, hours, outside

SCORED = hours(26, 4)
TABLES = (
    *raw.PULLS, pools.POOL_SNAPSHOTS, SURROUNDINGS, pools.POOL_FEATURES, pools.POOL_LABELS, pools.POOL_SCORES,
    pools.POOL_EXPLANATIONS, POOL_DETECTIONS, monitoring.SHADOW_SCORES, CALIBRATION_SHIFTS,
)  # fmt: skip
SPOKEN = (pools.POOL_SCORES, pools.POOL_EXPLANATIONS, POOL_DETECTIONS)
Seen = list[tuple[str, Window]]


def run(house: House, first: datetime, scored: Window = SCORED) -> Seen:
    seen: Seen = []
    replay.run(house, outside(house), first, scored.start, scored.end, lambda kind, window: seen.append((kind, window)))
    return seen


def rows(house: House, table: Table) -> pd.DataFrame:
    return house.lake.read(table).drop(columns=["scored_at", "lake_snapshot_id"], errors="ignore")


def assert_same(house: House, other: House) -> None:
    for table in TABLES:
        pd.testing.assert_frame_equal(rows(house, table), rows(other, table), rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A day of history and four scored hours, undisturbed."""
    house = home(Settings(home=tmp_path_factory.mktemp("whole")))
    run(house, START)
    yield house
    house.close()


@pytest.fixture
def copy(whole: House, tmp_path: Path) -> Iterator[House]:
    """The same home, to be spoilt."""
    house = home(Settings(home=shutil.copytree(whole.settings.home, tmp_path / "copy")))
    yield house
    house.close()


class Killed(BaseException):
    """What SIGKILL would be: nothing after it happens."""


def killed_at(count: int, commit: Callable[[Any], None]) -> Callable[[Any], None]:
    """A commit that works `count` times."""
    left = [count]

    def dying(change: Any) -> None:
        if not left[0]:
            raise Killed
        left[0] -= 1
        commit(change)

    return dying


def lives_until_done(house: House, monkeypatch: pytest.MonkeyPatch, commits: Iterable[int]) -> int:
    """How often the same run had to be started, where each life ends after so many commits."""
    commit = house.lake.commit
    for lives, count in enumerate(commits, start=1):
        monkeypatch.setattr(house.lake, "commit", killed_at(count, commit))
        try:
            run(house, START)
        except Killed:
            continue
        return lives
    raise AssertionError("it never came to an end")


def test_a_run_that_dies_after_every_few_commits_ends_as_one_that_nobody_disturbed(
    whole: House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = home(settings)
    # Every life is a little longer than the one before: the deaths fall between all the tables.
    assert lives_until_done(house, monkeypatch, range(1, 99, 2)) > 8
    assert_same(house, whole)
    house.close()


def test_a_run_that_dies_between_any_two_of_the_tables_that_speak_makes_what_is_missing(
    copy: House, whole: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for table in SPOKEN:
        copy.lake.replace(table, copy.lake.read(table).head(0), SCORED)
    assert lives_until_done(copy, monkeypatch, [1] * 9) == len(SPOKEN)
    assert_same(copy, whole)


def test_an_hour_in_the_middle_that_lacks_a_table_gets_it_and_nothing_else_is_said_anew(copy: House, whole: House) -> None:
    hour = Window.ending(SCORED.start + 2 * HOUR)
    for table in (pools.POOL_SNAPSHOTS, pools.POOL_FEATURES, *SPOKEN):
        before = {kept: copy.lake.read(kept, where="as_of <> ?", parameters=[naive(hour.as_of)]) for kept in SPOKEN}
        copy.lake.replace(table, copy.lake.read(table).head(0), hour)
        assert {window for kind, window in run(copy, START) if kind != "train"} == {hour}, table.sql_name
        for kept, rows_before in before.items():
            pd.testing.assert_frame_equal(copy.lake.read(kept, where="as_of <> ?", parameters=[naive(hour.as_of)]), rows_before)
    assert_same(copy, whole)
    assert run(copy, START) == []


def test_more_history_loads_what_is_missing_and_holes_and_leaves_the_rest(whole: House, settings: Settings) -> None:
    house = home(settings)
    run(house, START + 20 * HOUR)
    replay.load(house, outside(house), hours(3, 2))
    scores = house.lake.read(pools.POOL_SCORES)
    assert run(house, START) == [("load", hours(0, 3)), ("load", hours(5, 15))]
    for table in (raw.DEFILLAMA_POOLS, raw.COINGECKO_MARKETS, raw.THEGRAPH_PAIRS):
        pd.testing.assert_frame_equal(rows(house, table), rows(whole, table), rtol=1e-4, atol=1e-6)
    # What is asked once a day was asked at other hours; all else before the first score knows the history that came later.
    unscored, of_holders = Window(START, SCORED.start), lambda name: name.startswith("lp_top")
    for table in (pools.POOL_SNAPSHOTS, SURROUNDINGS, pools.POOL_FEATURES):
        mine, theirs = (one.lake.read(table, unscored).drop(columns=list(filter(of_holders, table.names))) for one in (house, whole))
        pd.testing.assert_frame_equal(mine, theirs, rtol=1e-4, atol=1e-6)
    pd.testing.assert_frame_equal(house.lake.read(pools.POOL_SCORES), scores)
    assert run(house, START) == []
    house.close()


def test_labels_of_history_that_came_later_are_made_too(copy: House, whole: House) -> None:
    replay.label_until(whole, POOLS, SCORED.end)
    labels = rows(whole, pools.POOL_LABELS)
    copy.lake.replace(pools.POOL_LABELS, labels[labels["as_of"] > naive(START + 20 * HOUR)], hours(0, 30))
    replay.label_until(copy, POOLS, SCORED.end)
    pd.testing.assert_frame_equal(rows(copy, pools.POOL_LABELS), labels)


def test_hours_in_which_nothing_is_known_owe_nothing(settings: Settings) -> None:
    """Every pool's source is silent for longer than a snapshot looks back: its pools stay, unknown, and have no features to owe."""
    from veririsk_assets.simulation.faults import Fault

    house = home(settings)
    feeds = ("defillama_pools", "geckoterminal_pools", "thegraph_pairs")
    world = outside(house, lambda as_of: {name: Fault("server_error") for name in feeds} if as_of > START + 2 * HOUR else {})
    replay.load(house, world, hours(0, 60))
    kept = house.lake.read(pools.POOL_SNAPSHOTS, hours(58, 2))
    assert len(kept) and kept["tvl_usd"].isna().all() and not kept["is_tombstone"].any()
    replay.say(house, POOLS, hours(56, 4))
    assert owed.any_owed(house, POOLS, hours(56, 4)) == set()
    house.close()


@given(st.sets(st.integers(0, 200)))
def test_runs_hold_every_hour_once_and_are_apart(numbers: set[int]) -> None:
    found = owed.runs({START + i * HOUR for i in numbers})
    assert [hour.as_of for window in found for hour in window.each()] == [START + i * HOUR for i in sorted(numbers)]
    assert all(earlier.end < later.start for earlier, later in pairwise(found))
