"""A process that overwrites hours: `writer FOLDER DSN NAME OWN SHARED`. Each own hour twice, each shared hour once."""

import sys
from pathlib import Path

from veririsk_assets.contracts.catalogue import TABLES
from veririsk_assets.contracts.pools import POOL_SNAPSHOTS
from veririsk_assets.lake.catalog import Catalog
from veririsk_assets.lake.lake import Lake
from veririsk_assets_tests.conftest import NOW
from veririsk_assets_tests.lake.rows import snapshot_rows
from veririsk_assets_tests.lake.test_concurrency import POOLS, hour


def main(folder: str, dsn: str, name: str, own: str, shared: str) -> None:
    lake = Lake(Catalog(Path(folder), dsn, str(Path(folder) / "data")), TABLES, lambda: NOW, run_id=name)
    number, own_count, shared_count = int(name), int(own), int(shared)
    mine = [hour(1000 + number * own_count + i) for i in range(own_count)]
    for tvl, windows in ((1.0, mine), (2.0 + number, [*mine, *(hour(i) for i in range(shared_count))])):
        for window in windows:
            lake.replace(POOL_SNAPSHOTS, snapshot_rows(window, POOLS, tvl), window)
    lake.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
