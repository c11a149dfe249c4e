"""A home that the release before systems left: it opens, goes on, and what it says is what an undisturbed home says."""

from pathlib import Path

import numpy as np
import pandas as pd

from veririsk_assets.contracts.catalogue import TABLES
from veririsk_assets.contracts.migrations import APPLIED
from veririsk_assets.contracts.models import CALIBRATION_SHIFTS
from veririsk_assets.contracts.surroundings import SURROUNDINGS
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.windows import HOUR, Window
from veririsk_assets.pipeline.learning import recalibration
from veririsk_assets.pipeline.saying.performance import judge_scores
from veririsk_assets.pipeline.saying.scores import store_scores
from veririsk_assets.pipeline.saying.shadow import shadow_scores
from veririsk_assets.pipeline.step import House
from veririsk_assets_tests.lake.older import make_older
from veririsk_assets_tests.pipeline.small_house import SECOND, open_house, two_versions

BEFORE, AFTER = Window(SECOND, SECOND + 48 * HOUR), Window(SECOND + 48 * HOUR, SECOND + 96 * HOUR)
VOLATILE = ["lake_snapshot_id"]


def go_on(house: House, window: Window) -> None:
    recalibration.daily_shifts(house, POOLS, window)
    store_scores(house, POOLS, window)
    shadow_scores(house, POOLS, window)
    judge_scores(house, POOLS, window.end)


def begun(home: Path) -> House:
    """Two days of a champion and its challenger, and something that surrounds them."""
    house = two_versions(home)
    known = {name: 7.0 for name in SURROUNDINGS.names[1:]}
    house.lake.replace(SURROUNDINGS, pd.DataFrame({"as_of": BEFORE.as_ofs, **known}), BEFORE)
    go_on(house, BEFORE)
    return house


NEWER = {"monitoring.performance": ("validation_ap_low",)}


def test_a_home_of_the_release_before_goes_on_and_loses_nothing(tmp_path: Path) -> None:
    undisturbed, older = begun(tmp_path / "undisturbed"), begun(tmp_path / "older")
    make_older(older.lake)
    # That release stored no thresholds: its last day goes on with those of the training.
    forget = f"UPDATE lake.{CALIBRATION_SHIFTS.sql_name} SET medium_threshold = NULL, high_threshold = NULL, top_threshold = NULL"
    undisturbed.lake.commit(lambda cursor: cursor.execute(forget))
    older.close()
    opened = open_house(tmp_path / "older")
    for house in (undisturbed, opened):
        go_on(house, AFTER)
    counts = {table.sql_name: len(opened.lake.read(table)) for table in TABLES}
    assert counts["scores.hourly_pools"] and counts["models.calibration_shifts"] and counts["snapshots.hourly_surroundings"] == 48
    for table in TABLES:
        if table is not APPLIED:
            rows, expected = (house.lake.read(table).drop(columns=VOLATILE, errors="ignore") for house in (opened, undisturbed))
            for column in NEWER.get(table.sql_name, ()):
                # Unknown in the rows that the older release wrote, known in those after it.
                older = rows["as_of"] < rows["as_of"].max()
                assert rows.loc[older, column].isna().all() and older.any()
                expected.loc[older, column] = np.nan
            pd.testing.assert_frame_equal(rows, expected, obj=table.sql_name)
    assert np.isfinite(opened.lake.read(SURROUNDINGS)["gas_gwei"]).all()
    for house in (undisturbed, opened):
        house.close()
