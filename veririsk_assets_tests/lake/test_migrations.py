"""A lake follows what was renamed: each change once, with all data kept; a newer lake is refused in one sentence."""

from collections.abc import Callable
from threading import Thread

import pandas as pd
import pytest

from veririsk_assets.contracts.catalogue import TABLES
from veririsk_assets.contracts.migrations import APPLIED, MIGRATIONS, RenameColumn, RenameTable
from veririsk_assets.contracts.pools import POOL_SNAPSHOTS
from veririsk_assets.contracts.windows import Window
from veririsk_assets.lake import schema
from veririsk_assets.lake.lake import Lake
from veririsk_assets.lake.schema import NewerLakeError, migrate, pending
from veririsk_assets.pipeline.failures import sentence
from veririsk_assets_tests.conftest import NOW
from veririsk_assets_tests.lake.older import make_older, tables
from veririsk_assets_tests.lake.rows import snapshot_rows

DAY = Window.of("2025-01-01", "2025-01-02")
LATER = (RenameTable("snapshots.hourly_pools", "snapshots.hourly_ponds"), RenameColumn("snapshots.hourly_ponds", "tvl_usd", "depth_usd"))


def test_a_table_and_a_column_get_new_names_and_keep_their_rows(lake: Lake) -> None:
    lake.replace(POOL_SNAPSHOTS, snapshot_rows(DAY), DAY)
    before = lake.read(POOL_SNAPSHOTS)
    for _ in range(2):
        lake.commit(lambda cursor: migrate(cursor, NOW, (*MIGRATIONS, *LATER)))
    after = lake.sql(
        f"SELECT {', '.join(POOL_SNAPSHOTS.names)} FROM (SELECT * RENAME (depth_usd AS tvl_usd) FROM lake.snapshots.hourly_ponds)"
    )
    pd.testing.assert_frame_equal(after.sort_values(list(POOL_SNAPSHOTS.key), ignore_index=True), before, check_dtype=False)
    assert lake.read(APPLIED)["change"].tolist() == [str(change) for change in (*MIGRATIONS, *LATER)]


def test_a_change_that_fails_half_way_leaves_the_lake_as_it_was(lake: Lake) -> None:
    broken = (*MIGRATIONS, *LATER, RenameColumn("snapshots.pools", "chain", "protocol"))
    before = tables(lake)
    with pytest.raises(Exception, match="protocol"):
        lake.commit(lambda cursor: migrate(cursor, NOW, broken))
    assert tables(lake) == before
    assert len(pending(lake.cursor(), broken)) == 3


def test_a_new_lake_has_followed_all_and_is_not_asked_again(lake: Lake, open_lake: Callable[..., Lake]) -> None:
    assert lake.read(APPLIED)["number"].tolist() == list(range(1, len(MIGRATIONS) + 1))
    snapshot = lake.snapshot_id()
    assert open_lake().snapshot_id() == snapshot


@pytest.mark.parametrize("read_only", [True, False])
def test_an_older_lake_follows_when_it_is_opened(open_lake: Callable[..., Lake], read_only: bool) -> None:
    older = open_lake()
    older.replace(POOL_SNAPSHOTS, snapshot_rows(DAY), DAY)
    make_older(older)
    older.close()
    opened = open_lake(read_only=read_only)
    assert tables(opened) == {table.sql_name: set(table.names) for table in TABLES}
    assert len(opened.read(POOL_SNAPSHOTS)) == 72


def test_two_that_open_an_older_lake_at_once_change_it_once(open_lake: Callable[..., Lake]) -> None:
    older = open_lake()
    make_older(older)
    older.close()
    opened: list[Lake] = []
    threads = [Thread(target=lambda: opened.append(open_lake())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    assert opened[0].read(APPLIED)["number"].tolist() == list(range(1, len(MIGRATIONS) + 1))


@pytest.mark.parametrize("read_only", [True, False])
def test_a_lake_of_a_newer_release_is_refused_in_one_sentence(
    lake: Lake, open_lake: Callable[..., Lake], monkeypatch: pytest.MonkeyPatch, read_only: bool
) -> None:
    lake.commit(lambda cursor: migrate(cursor, NOW, (*MIGRATIONS, *LATER)))
    with pytest.raises(NewerLakeError) as refused:
        open_lake(read_only=read_only)
    said = sentence(refused.value)
    assert said is not None and said.startswith(
        f"a newer release of VeriRisk has written this home: it has followed {len(MIGRATIONS) + 2} changes"
    )
    assert schema.missing(lake.cursor(), [APPLIED]) == []
