"""Detection's own numbers: episodes, onsets and delays by hand, and a head that is judged out of fold."""

from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
import pytest

from veririsk_assets.backtest.detection import (
    DetectionStudy,
    _quantile,
    delays,
    detection_report,
    followed_or_preceded,
    forecast,
)
from veririsk_assets.backtest.setting import Setting
from veririsk_assets.contracts.pool_features import LOOKBACK_HOURS
from veririsk_assets.contracts.windows import Window
from veririsk_assets.evaluation.episodes import Alerts
from veririsk_assets.evaluation.events import Events
from veririsk_assets.features.pools import build_features
from veririsk_assets.pipeline.backtest import detection_study
from veririsk_assets.simulation.market import EPOCH
from veririsk_assets.training.datasets import CannotTrain
from veririsk_assets_tests.market import market, market_panels

HOURS = 24 * 90
SETTING = Setting(folds=2, test_days=20, validation_days=12, draws=50)


@cache
def study() -> DetectionStudy:
    window = Window(EPOCH, EPOCH + timedelta(hours=HOURS + LOOKBACK_HOURS))
    pools, ether = market_panels(market(pools=60), window)
    pools.values["is_tombstone"] = np.zeros(pools.shape, dtype=np.float32)
    return detection_study(pools, build_features(pools, ether, pools.window.hours), 100_000.0)


def alerts(*on: int, hours: int = 60) -> Alerts:
    grid = np.zeros((hours, 1), dtype=bool)
    grid[list(on)] = True
    return Alerts(grid, np.ones_like(grid))


@pytest.mark.parametrize(
    ("on", "delay"), [((30,), 0.0), ((27, 28, 31), -3.0), ((20, 33), 3.0), ((54,), 24.0), ((55,), np.nan), ((23,), np.nan), ((24,), -6.0)]
)
def test_the_delay_runs_from_the_onset_to_the_first_hour_near_it(on: tuple[int, ...], delay: float) -> None:
    found = delays(alerts(*on), Events(np.array([30]), np.array([0])))
    assert found == pytest.approx([delay], nan_ok=True)


def test_an_episode_is_right_if_an_onset_of_its_pool_is_near() -> None:
    onsets = Events(np.array([30, 5]), np.array([0, 1]))
    first, last, pool = np.array([54, 55, 20, 20, 0, 58]), np.array([56, 56, 24, 23, 1, 59]), np.array([0, 0, 0, 0, 1, 0])
    assert followed_or_preceded(pool, first, last, onsets, 60).tolist() == [True, False, True, False, True, False]


def test_a_weighted_quantile_is_that_of_the_repeated_values() -> None:
    values, weight = np.array([3.0, -1.0, 7.0]), np.array([[1.0, 1.0, 1.0], [0.0, 3.0, 1.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(_quantile(values, weight, 0.5), [3.0, -1.0, np.nan])
    np.testing.assert_array_equal(_quantile(values, weight, 0.25), [-1.0, -1.0, np.nan])


def test_the_head_is_more_often_right_than_the_10_percent_rule_and_earlier_than_the_20_percent_rule() -> None:
    found = detection_report(study(), SETTING)
    assert found["refused"] is None
    _, wary, ten, twenty = found["results"].values()
    assert found["paired"]["detection"]["10 % below the 24-hour high"]["precision"]["lo"] > 0
    assert twenty["recall_early"]["value"] == 0 < wary["recall_early"]["value"] <= ten["recall_early"]["value"]
    assert twenty["recall"]["value"] == ten["recall"]["value"] == 1.0
    assert twenty["delay_q50"]["value"] == 0
    assert found["rows"]["falling"]["auc"]["lo"] > 0.5
    assert found["rows"]["begun"]["ece"]["value"] < 0.06
    assert detection_report(study(), SETTING) == found


def test_no_probability_sees_what_comes_after_its_fold() -> None:
    rows, folds = study(), SETTING.walk(len(study().state))
    stop = folds[0].test.stop
    label = rows.rows.y
    turned = replace(rows, rows=replace(rows.rows, y=np.where(rows.hour >= stop, 1 - label, label)))
    first = (rows.hour >= folds[0].test.start) & (rows.hour < stop)
    before, after = (forecast(one, folds, "detection")[first] for one in (rows, turned))
    np.testing.assert_array_equal(before, after)
    assert np.isfinite(before).all()


def test_too_few_drops_leave_the_rules_alone_and_say_so() -> None:
    rows = study()
    some = {name: getattr(rows.rows, name)[:90] for name in ("x", "y", "as_of", "key")}
    few = replace(rows, rows=replace(rows.rows, **some), hour=rows.hour[:90], pool=rows.pool[:90])
    with pytest.raises(CannotTrain, match="too few for a detection head"):
        forecast(few, SETTING.walk(len(rows.state)), "detection")
    found = detection_report(few, SETTING)
    assert "too few" in found["refused"]
    assert len(found["results"]) == 2
