"""The backtest of the lake's own history: the rows that were stored, judged as the recorded ones are."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from veririsk_assets.backtest.run import run
from veririsk_assets.backtest.setting import Setting
from veririsk_assets.contracts import pools
from veririsk_assets.contracts.pool_features import FEATURE_NAMES
from veririsk_assets.contracts.windows import Window
from veririsk_assets.evaluation.splits import CannotBeHonest
from veririsk_assets.features.pools import build_features
from veririsk_assets.pipeline import backtest
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets.simulation.market import EPOCH
from veririsk_assets_tests.market import market, market_panels

HOURS = 24 * 60
MODELS = ("early_warning_score", "volatility_logistic")
SETTING = Setting(folds=1, test_days=14, validation_days=10, models=MODELS, draws=20, pool_groups=0, event_floor=10)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """A lake with two months of snapshots and features of 40 simulated pools."""
    opened = House.open(Settings(home=tmp_path_factory.mktemp("home")), lambda: datetime(2026, 1, 1, tzinfo=UTC))
    window = Window(EPOCH, EPOCH + timedelta(hours=HOURS))
    panel, ether = market_panels(market(pools=40), window)
    features = build_features(panel, ether, HOURS)
    _store(opened, pools.POOL_SNAPSHOTS, panel.frame("pool_key"), window, {"source": "defillama", "is_tombstone": False})
    _store(opened, pools.POOL_FEATURES, features.frame("pool_key"), window, {})
    yield opened
    opened.close()


def _store(house: House, table, frame: pd.DataFrame, window: Window, fixed: dict[str, object]) -> None:  # type: ignore[no-untyped-def]
    frame = frame.assign(**fixed).reindex(columns=table.names)
    house.lake.replace(table, frame, window)


def test_the_lakes_own_history_can_be_judged(house: House) -> None:
    material = backtest.lake_material(house, SETTING)
    assert material.about["lake_snapshot_id"] == house.lake.snapshot_id() and material.study.rows.features == FEATURE_NAMES
    done = run(material.study, SETTING)
    assert set(done.forecasts.probability) == set(MODELS)
    assert np.isfinite(done.forecasts.probability["volatility_logistic"]).all()


def test_a_part_of_the_history_is_the_same_rows(house: House) -> None:
    whole = backtest.lake_material(house, SETTING).study
    part = backtest.lake_material(house, SETTING, EPOCH + timedelta(days=20), EPOCH + timedelta(days=40)).study
    inside = np.isin(whole.rows.as_of, part.rows.as_of)
    np.testing.assert_array_equal(whole.rows.x[inside], part.rows.x)
    np.testing.assert_array_equal(whole.rows.y[inside], part.rows.y)


def test_an_empty_lake_is_refused_in_a_sentence(tmp_path: Path) -> None:
    empty = House.open(Settings(home=tmp_path), lambda: datetime(2026, 1, 1, tzinfo=UTC))
    try:
        with pytest.raises(CannotBeHonest, match="no features yet"):
            backtest.lake_material(empty, SETTING)
    finally:
        empty.close()
