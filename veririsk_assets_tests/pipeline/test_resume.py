"""A run that is stopped anywhere, and one that is asked for more history than before: what is missing is made, what is there stays."""

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veririsk_assets.contracts import learning, monitoring, pools, raw
from veririsk_assets.contracts.detections import POOL_DETECTIONS
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.pipeline import owed, replay
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets_tests.pipeline.world import START, home, hours, outside

SCORED = hours(26, 4)
TABLES = (
    *raw.PULLS, pools.POOL_SNAPSHOTS, pools.MARKET_SNAPSHOTS, pools.POOL_FEATURES, pools.POOL_LABELS, pools.POOL_SCORES,
    pools.POOL_EXPLANATIONS, POOL_DETECTIONS, monitoring.SHADOW_SCORES, learning.CALIBRATION_SHIFTS,
)  # fmt: skip
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


def test_a_run_that_dies_after_every_few_commits_ends_as_one_that_nobody_disturbed(
    whole: House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, lives = home(settings), 0
    commit = house.lake.commit
    # Every life is a little longer than the one before: the deaths fall between all the tables.
    for commits in range(1, 99, 4):
        monkeypatch.setattr(house.lake, "commit", killed_at(commits, commit))
        lives += 1
        try:
            run(house, START)
            break
        except Killed:
            continue
    assert 8 < lives < 24
    assert_same(house, whole)
    house.close()


@pytest.mark.parametrize("table", [pools.POOL_SNAPSHOTS, pools.POOL_FEATURES, pools.POOL_SCORES, pools.POOL_EXPLANATIONS, POOL_DETECTIONS])
def test_an_hour_in_the_middle_that_lacks_a_table_gets_it_and_nothing_else_is_said_anew(copy: House, whole: House, table: Table) -> None:
    hour = Window.ending(SCORED.start + 2 * HOUR)
    copy.lake.replace(table, copy.lake.read(table).head(0), hour)
    before = copy.lake.read(pools.POOL_SCORES)
    seen = run(copy, START)
    assert all(window == hour for kind, window in seen if kind != "train")
    assert_same(copy, whole)
    again = copy.lake.read(pools.POOL_SCORES)
    kept = again["as_of"] != naive(hour.as_of) if table is pools.POOL_SCORES else again["as_of"].notna()
    pd.testing.assert_frame_equal(again[kept], before[before["as_of"].isin(again.loc[kept, "as_of"])])
    assert run(copy, START) == []


def test_more_history_loads_what_is_missing_and_holes_and_leaves_the_rest(whole: House, settings: Settings) -> None:
    house = home(settings)
    run(house, START + 20 * HOUR)
    replay.load(house, outside(house), hours(3, 2))
    pulled = {table: house.lake.read(table) for table in raw.PULLS}
    seen = run(house, START)
    assert seen == [("load", hours(0, 3)), ("load", hours(5, 15))]
    for table in (*raw.PULLS, pools.POOL_SNAPSHOTS, pools.MARKET_SNAPSHOTS):
        pd.testing.assert_frame_equal(rows(house, table), rows(whole, table), rtol=1e-4, atol=1e-6)
    for table, before in pulled.items():
        assert not house.lake.read(table).duplicated(list(table.key)).any() and len(before) <= len(house.lake.read(table))
    # Features before the first score know the history that came later; what was scored keeps what it was scored by.
    unscored = Window(START, SCORED.start)
    pd.testing.assert_frame_equal(
        house.lake.read(pools.POOL_FEATURES, unscored), whole.lake.read(pools.POOL_FEATURES, unscored), rtol=1e-4, atol=1e-6
    )
    assert run(house, START) == []
    house.close()


def test_labels_of_history_that_came_later_are_made_too(copy: House, whole: House) -> None:
    replay.label_until(whole, SCORED.end)
    labels = rows(whole, pools.POOL_LABELS)
    copy.lake.replace(pools.POOL_LABELS, labels[labels["as_of"] > naive(START + 20 * HOUR)], hours(0, 30))
    replay.label_until(copy, SCORED.end)
    pd.testing.assert_frame_equal(rows(copy, pools.POOL_LABELS), labels)


def test_hours_in_which_nothing_is_known_owe_nothing(settings: Settings) -> None:
    """Every pool's source is silent for longer than a snapshot looks back."""
    from veririsk_assets.simulation.faults import Fault

    house = home(settings)
    feeds = ("defillama_pools", "geckoterminal_pools", "thegraph_pairs")
    world = outside(house, lambda as_of: {name: Fault("server_error") for name in feeds} if as_of > START + 2 * HOUR else {})
    replay.load(house, world, hours(0, 60))
    assert house.lake.read(pools.POOL_SNAPSHOTS, hours(58, 2)).empty
    assert owed.any_owed(house, hours(56, 4)) == set()
    house.close()


@given(st.sets(st.integers(0, 200)))
def test_runs_hold_every_hour_once_and_are_apart(numbers: set[int]) -> None:
    found = owed.runs({START + i * HOUR for i in numbers})
    assert [hour.as_of for window in found for hour in window.each_hour()] == [START + i * HOUR for i in sorted(numbers)]
    assert all(earlier.end < later.start for earlier, later in pairwise(found))
