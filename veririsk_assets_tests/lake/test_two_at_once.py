"""Two runs that have both looked before either writes: each row is stored once, each window whole, on either catalog."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from veririsk_assets.contracts.models import CALIBRATION_SHIFTS, CHAMPIONS, MODEL_VERSIONS
from veririsk_assets.contracts.pools import POOL_SNAPSHOTS, POOLS
from veririsk_assets.contracts.raw import DEFILLAMA_POOLS, SOURCE_STATUS, THEGRAPH_PAIRS
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import Window
from veririsk_assets.lake import lake as lake_module
from veririsk_assets.lake.lake import Lake
from veririsk_assets_tests.lake.rows import snapshot_rows

HOUR = Window.of("2025-01-01T05:00", "2025-01-01T06:00")
AT = datetime(2025, 1, 1, 6, 27)
FILLED = {"str": "pulled", "int": 1, "float": 1.0, "bool": False, "time": pd.Timestamp(AT)}
SAID = {"observed_kind": "none", "outcome": "pulled", "action": "promote"}


def rows(table: Table, count: int = 3, at: datetime = AT) -> pd.DataFrame:
    """`count` rows that the table takes, told apart by the first text or number of its key."""
    frame = pd.DataFrame({c.name: [SAID.get(c.name, FILLED[c.kind])] * count for c in table.columns})
    name = next(name for name in table.key if table.column(name).kind in ("str", "int"))
    values = [str(i) for i in range(count)] if table.column(name).kind == "str" else list(range(count))
    return frame.assign(**{name: values, table.time: pd.Timestamp(at)})


@pytest.fixture
def together(open_lake: Callable[..., Lake], monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Runs each write on a lake of its own; none commits before all have looked at what is stored."""

    def run(*writes: Callable[[Lake], Any]) -> list[Any]:
        lakes = [open_lake() for _ in writes]
        barrier = threading.Barrier(len(writes))
        commit = Lake.commit

        def committed_together(lake: Lake, change: Callable[..., None]) -> None:
            barrier.wait(30)
            commit(lake, change)

        monkeypatch.setattr(lake_module.Lake, "commit", committed_together)
        with ThreadPoolExecutor(len(writes)) as threads:
            return [done.result() for done in [threads.submit(write, lake) for write, lake in zip(writes, lakes, strict=True)]]

    return run


def test_the_same_rows_from_two_runs_are_stored_once(lake: Lake, together: Callable[..., list[Any]]) -> None:
    tables = (POOLS, THEGRAPH_PAIRS, SOURCE_STATUS, MODEL_VERSIONS, CHAMPIONS, CALIBRATION_SHIFTS)
    for round_of in zip(*together(*[lambda other: [other.append(table, rows(table)) for table in tables]] * 2), strict=True):
        assert sorted((each.rows, each.changed) for each in round_of) == [(0, False), (3, True)]
    assert [len(lake.read(table)) for table in tables] == [3] * len(tables)


def test_of_two_pulls_of_an_hour_at_once_one_is_stored(lake: Lake, together: Callable[..., list[Any]]) -> None:
    stamps = [AT, AT.replace(second=1)]
    written = together(*[lambda other, at=at: other.append_once(DEFILLAMA_POOLS, rows(DEFILLAMA_POOLS, 3, at), seen={}) for at in stamps])
    assert sorted((each.rows, sorted(each.taken)) for each in written) == [(0, [AT.replace(minute=0)]), (3, [])]
    assert lake.read(DEFILLAMA_POOLS)["pulled_at"].nunique() == 1


def test_an_hour_is_free_for_whoever_has_seen_what_is_in_it(lake: Lake) -> None:
    hour = AT.replace(minute=0)
    assert lake.append_once(DEFILLAMA_POOLS, rows(DEFILLAMA_POOLS), seen={hour: 0}).rows == 3
    later = AT.replace(minute=40)
    assert lake.append_once(DEFILLAMA_POOLS, rows(DEFILLAMA_POOLS, 3, later), seen={}).taken == {hour}
    assert lake.append_once(DEFILLAMA_POOLS, rows(DEFILLAMA_POOLS, 3, later), seen={hour: 3}).rows == 3
    assert lake.append(DEFILLAMA_POOLS, rows(DEFILLAMA_POOLS, 3, AT.replace(minute=50))).rows == 3
    two_hours = pd.concat([rows(DEFILLAMA_POOLS, 3, AT.replace(minute=55)), rows(DEFILLAMA_POOLS, 3, AT.replace(hour=7))])
    written = lake.append_once(DEFILLAMA_POOLS, two_hours, seen={})
    assert (written.rows, written.taken) == (3, {hour})


def test_rows_that_are_stored_make_no_commit(lake: Lake) -> None:
    first = lake.append(POOLS, rows(POOLS))
    assert lake.append(POOLS, rows(POOLS)).snapshot_id == first.snapshot_id
    assert lake.append(POOLS, rows(POOLS, 4)).rows == 1


def test_a_missing_value_in_a_key_is_a_value_like_others(lake: Lake) -> None:
    unknown = rows(THEGRAPH_PAIRS).assign(observed_at=pd.NaT)
    assert [lake.append(THEGRAPH_PAIRS, unknown).rows for _ in range(2)] == [3, 0]


def test_a_row_is_known_by_the_columns_that_it_is_asked_by(lake: Lake) -> None:
    tried = rows(SOURCE_STATUS, 1)
    assert [lake.append(SOURCE_STATUS, tried.assign(outcome=said)).rows for said in ("failed", "pulled", "failed")] == [1, 1, 0]
    assert lake.append_once(SOURCE_STATUS, tried.assign(outcome="off"), once=("endpoint",)).rows == 0
    assert lake.append_once(SOURCE_STATUS, tried, once=()).rows == 1


def test_two_runs_that_replace_a_window_leave_one_of_them_whole(lake: Lake, together: Callable[..., list[Any]]) -> None:
    for tvl in (1.0, 2.0):
        together(*[lambda other, tvl=tvl, i=i: other.replace(POOL_SNAPSHOTS, snapshot_rows(HOUR, 5, tvl + i), HOUR) for i in (0.25, 0.5)])
        stored = lake.read(POOL_SNAPSHOTS)
        assert len(stored) == 5 and stored["tvl_usd"].nunique() == 1


def test_decisions_wait_for_each_other_and_commit_within(lake: Lake, open_lake: Callable[..., Lake]) -> None:
    other, inside = open_lake(), list[str]()

    def decide(one: Lake) -> None:
        with one.catalog.decision_lock():
            before = len(one.read(CHAMPIONS))
            inside.append("in")
            time.sleep(0.2)
            one.append_once(CHAMPIONS, rows(CHAMPIONS, 1).assign(version=str(before)), once=("version",))
            inside.append("out")

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(decide, (lake, other)))
    assert inside == ["in", "out"] * 2
    assert set(lake.read(CHAMPIONS)["version"]) == {"0", "1"}
