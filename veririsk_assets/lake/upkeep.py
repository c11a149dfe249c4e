"""Keeping the lake fast and small: merge small files, expire old snapshots, remove what nothing refers to."""

from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from veririsk_assets.contracts.windows import naive
from veririsk_assets.lake.lake import Lake

KEPT_DAYS = 30
# An orphan is a file that a killed writer left; a living writer's file is far younger.
ORPHAN_HOURS = 24
# DuckLake looks for orphans by a pattern: in a folder named like one it would find, and remove, what belongs to a neighbour.
READ_AS_PATTERN = frozenset("*?[")


@dataclass(frozen=True)
class Upkeep:
    """What one upkeep did."""

    files_before: int
    files_after: int
    snapshots_expired: int


def run(lake: Lake, keep_snapshots: set[int]) -> Upkeep:
    """Merges, expires snapshots older than 30 days but for `keep_snapshots`, and cleans up, under the commit lock."""
    before = _files(lake)
    connection = lake.cursor()
    with lake.catalog.commit_lock():
        connection.execute("CALL ducklake_rewrite_data_files('lake')")
        connection.execute("CALL ducklake_merge_adjacent_files('lake')")
        expired = _expirable(lake, keep_snapshots)
        if expired:
            connection.execute(f"CALL ducklake_expire_snapshots('lake', versions => {expired})")
        connection.execute("CALL ducklake_cleanup_old_files('lake', cleanup_all => true)")
        if not READ_AS_PATTERN & set(lake.catalog.data):
            orphaned_before = naive(lake.now() - timedelta(hours=ORPHAN_HOURS)).isoformat(sep=" ")
            connection.execute(f"CALL ducklake_delete_orphaned_files('lake', older_than => TIMESTAMP '{orphaned_before}')")
    return Upkeep(before, _files(lake), len(expired))


def _expirable(lake: Lake, keep: set[int]) -> list[int]:
    snapshots: pd.DataFrame = lake.sql("SELECT snapshot_id, snapshot_time::TIMESTAMP AS made_at FROM ducklake_snapshots('lake')")
    newest = snapshots["snapshot_id"].max()
    old = snapshots[snapshots["made_at"] < pd.Timestamp(naive(lake.now())) - timedelta(days=KEPT_DAYS)]
    return [int(s) for s in old["snapshot_id"] if int(s) not in keep and s != newest]


def _files(lake: Lake) -> int:
    return int(lake.sql("SELECT coalesce(sum(file_count), 0) AS n FROM ducklake_table_info('lake')")["n"].iloc[0])
