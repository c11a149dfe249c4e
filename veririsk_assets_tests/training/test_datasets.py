from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pool_features import FEATURE_NAMES
from veririsk_assets.contracts.windows import Window
from veririsk_assets.training import datasets
from veririsk_assets.training.datasets import CannotTrain, from_frames, from_panels
from veririsk_assets_tests.models.rows import END, market

HOUR = np.timedelta64(3600 * 10**6, "us")
FEATURES, LABELS = market(hours=600, pools=20)


@settings(max_examples=25, deadline=None)
@given(hours=st.integers(60, 400), pools=st.integers(1, 5), horizon=st.sampled_from([6, 24]), share=st.floats(0.3, 1.0))
def test_no_label_window_crosses_from_training_into_validation(hours: int, pools: int, horizon: int, share: float) -> None:
    rng = np.random.default_rng(hours)
    window = Window.ending(END, hours)
    keys = np.arange(pools) * 7 + 3
    label = np.where(rng.random((hours, pools)) < share, 1.0, np.nan).astype(np.float32)
    data = from_panels(Panel(window, keys, {"f": label}), Panel(window, keys, {"crash": label}), horizon, names=("f",))
    assert data.as_of[data.train].max() + horizon * HOUR <= data.as_of[data.validation].min()
    assert len(data.y[data.train]) and len(data.y[data.validation])


def test_rows_are_every_4th_hour_of_a_pool_and_pools_take_turns() -> None:
    data = from_panels(FEATURES, LABELS, 24)
    hour = data.as_of.astype("datetime64[h]").astype(np.int64)
    assert ((hour + data.key) % 4 == 0).all()
    assert set(hour % 4) == {0, 1, 2, 3}
    assert len(data.y) == 600 * 20 // 4


def test_frames_and_panels_give_the_same_dataset() -> None:
    labels = LABELS.frame("pool_key")
    labels["horizon_hours"] = 24
    other = labels.assign(horizon_hours=6, crash=1.0 - labels["crash"])
    by_frame = from_frames(FEATURES.frame("pool_key"), pd.concat([other, labels]), "pool_key", 24)
    by_panel = from_panels(FEATURES, LABELS, 24)
    assert by_frame.features == by_panel.features
    for one, two in ((by_frame.x, by_panel.x), (by_frame.y, by_panel.y), (by_frame.key, by_panel.key)):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(by_frame.as_of, by_panel.as_of)


def test_a_label_that_matures_after_the_training_is_never_learned() -> None:
    moment = datetime(2025, 5, 25, 12, tzinfo=UTC)
    stored = np.datetime64("2025-05-25T12:00", "us")
    for data in (
        from_panels(FEATURES, LABELS, 24, "crash", moment),
        from_frames(FEATURES.frame("pool_key"), LABELS.frame("pool_key"), "pool_key", 24, "crash", stored),
    ):
        assert data.as_of.max() == np.datetime64("2025-05-24T12:00", "us")
    unknown = LABELS["crash"].copy()
    unknown[-24:] = np.nan
    data = from_panels(FEATURES, Panel(LABELS.window, LABELS.keys, {"crash": unknown}), 24)
    assert data.as_of.max() == np.datetime64("2025-05-31T00:00", "us")


def test_a_feature_that_is_mostly_null_in_training_rows_is_left_out() -> None:
    data = from_panels(FEATURES, LABELS, 24)
    assert "eth_return_24h" not in data.features
    assert "apy" in data.features
    assert len(data.features) == len(FEATURE_NAMES) - 1
    column = data.columns(["apy"], data.train)[:, 0]
    assert 0.2 < np.isnan(column).mean() < 0.4


def test_other_labels_keep_their_rows_and_a_feature_that_only_their_rows_know_is_theirs() -> None:
    outflow, apy = np.full(LABELS.shape, np.nan, dtype=np.float32), np.full(LABELS.shape, np.nan, dtype=np.float32)
    outflow[:, :5] = LABELS["crash"][:, :5]
    apy[:, :5] = 0.1
    features = Panel(FEATURES.window, FEATURES.keys, {**FEATURES.values, "apy": apy})
    labels = Panel(LABELS.window, LABELS.keys, {**LABELS.values, "outflow": outflow})
    by_panel, by_frame = (
        from_panels(features, labels, 24, others=("outflow", "price_fall")),
        from_frames(features.frame("pool_key"), labels.frame("pool_key"), "pool_key", 24, others=("outflow", "price_fall")),
    )
    taught = by_panel.targets(("crash", "outflow", "price_fall"), slice(None))
    np.testing.assert_array_equal(taught, by_frame.targets(("crash", "outflow", "price_fall"), slice(None)))
    known = np.isin(by_panel.key, LABELS.keys[:5])
    np.testing.assert_array_equal(np.isfinite(taught), np.column_stack([known | True, known, known & False]))
    np.testing.assert_array_equal(taught[known, 1], by_panel.y[known])
    assert "apy" not in by_panel.usable(("crash",))
    assert set(by_panel.usable(("crash", "outflow"))) - set(by_panel.usable(("crash",))) == {"apy"}


def test_the_cap_keeps_the_same_rows_every_time_and_all_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "MAX_ROWS", 1_000)
    first, second = from_panels(FEATURES, LABELS, 24), from_panels(FEATURES, LABELS, 24)
    assert len(first.y) == 1_000
    np.testing.assert_array_equal(first.x, second.x)
    assert (np.diff(first.as_of) >= np.timedelta64(0)).all()
    per_pool = np.unique(first.key, return_counts=True)[1]
    assert len(per_pool) == 20
    assert per_pool.min() > 25


def test_no_matured_row_is_a_reason_and_not_a_crash() -> None:
    with pytest.raises(CannotTrain, match="no matured row with a crash label for 24 h"):
        from_panels(FEATURES, LABELS, 24, "crash", datetime(2020, 1, 1, tzinfo=UTC))


def test_a_history_shorter_than_the_purge_is_refused() -> None:
    with pytest.raises(CannotTrain, match="purge of 24 h"):
        from_panels(FEATURES.tail(20), LABELS.tail(20), 24)
