from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from veririsk_assets.contracts.raw import DEFILLAMA_POOLS
from veririsk_assets.contracts.windows import Window, naive, utc
from veririsk_assets.pipeline.known.said import raw_rows
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets.snapshots.pools import LOOKBACK_HOURS, build_snapshots

END = utc("2025-03-10")


def pulls(rng: np.random.Generator) -> pd.DataFrame:
    """70 hourly pulls of 12 pools: gaps, pools that vanish for hours or for good, rows that became available late."""
    at = np.datetime64(naive(END), "us") + np.arange(-69, 1) * np.timedelta64(1, "h") + np.timedelta64(27, "m")
    pulled, pool = (grid.ravel() for grid in np.meshgrid(at, np.arange(12), indexing="ij"))
    late = rng.integers(0, 5, len(pool)) * (rng.random(len(pool)) < 0.1) * np.timedelta64(1, "h")
    rows = pd.DataFrame(
        {"pool": [f"p{i}" for i in pool], "pulled_at": pulled, "available_at": pulled + late, "tvl_usd": rng.random(len(pool))}
    )
    rows = rows.assign(source="defillama", endpoint="/pools", observed_at=pd.NaT, observed_kind="none", payload_hash="x", symbol="A-B")
    gone = (rng.random(len(rows)) < 0.2) | ((pool == 3) & (rows.index > 300)) | ((pool > 8) & (rows.index > 12 * 66))
    return rows[~gone].reindex(columns=DEFILLAMA_POOLS.names)


@pytest.mark.parametrize("hours", [1, 3])
def test_only_the_last_word_of_a_pool_is_read_and_the_snapshots_are_the_same(tmp_path: Path, hours: int) -> None:
    house = House.open(Settings(home=tmp_path), lambda: END)
    house.lake.append(DEFILLAMA_POOLS, pulls(np.random.default_rng(hours)))
    for end in range(6):
        window = Window.ending(END - end * (END - utc("2025-03-09T23:00")), hours)
        bounds = [naive(window.lookback(LOOKBACK_HOURS).start), naive(window.cutoff)]
        everything = house.lake.read(DEFILLAMA_POOLS, where="pulled_at > ? AND available_at <= ?", parameters=bounds)
        read = raw_rows(house, window)
        assert len(read[DEFILLAMA_POOLS.name]) < len(everything) / 4
        expected = build_snapshots(read | {DEFILLAMA_POOLS.name: everything}, {}, window)
        found = build_snapshots(read, {}, window)
        pd.testing.assert_frame_equal(found.hourly, expected.hourly)
        pd.testing.assert_frame_equal(found.pools.reset_index(drop=True), expected.pools.reset_index(drop=True))
        assert found.hourly["is_tombstone"].any()
    house.close()
