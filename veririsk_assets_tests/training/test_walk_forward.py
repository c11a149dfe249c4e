"""Pooled folds: every row forecast by fits that could not have seen it, and a verdict from them."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from veririsk_assets.models.catalogue import pools as catalogue
from veririsk_assets.training import walk_forward
from veririsk_assets.training.datasets import Dataset, from_panels
from veririsk_assets.training.fit import train
from veririsk_assets.training.walk_forward import NoFolds, Pooled, forecast_folds
from veririsk_assets_tests.models.rows import market

NAMES = (catalogue.CHAMPION_CANDIDATE, catalogue.FLOOR)
RECIPES = {name: catalogue.spec(name, 24) for name in NAMES}


@cache
def dataset() -> Dataset:
    return from_panels(*market(), 24)


@cache
def pooled() -> Pooled:
    return forecast_folds(dataset(), RECIPES, catalogue.NAIVE)


def test_every_model_speaks_for_the_same_rows_of_every_fold() -> None:
    found = pooled()
    assert set(found.probability) == set(NAMES)
    assert set(found.naive) == {"ewma_volatility_7d", "ewma_volatility_30d", "early_warning_score", "tvl_change_24h"}
    for score in (*found.probability.values(), *found.naive.values()):
        assert score.shape == found.rows.label.shape and np.isfinite(score).all()
    assert set(found.rows.fold) == {0, 1, 2} and (np.diff(found.rows.as_of) >= np.timedelta64(0)).all()
    assert found.rows.as_of[-1] == dataset().as_of[-1]


def test_no_label_window_reaches_from_a_fold_s_learning_into_what_it_speaks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def watched(fold: Dataset, spec):  # type: ignore[no-untyped-def]
        seen.append((fold.as_of[fold.train][-1], fold.as_of[fold.validation][0], fold.as_of[fold.validation][-1]))
        return train(fold, spec)

    monkeypatch.setattr(walk_forward, "train", watched)
    found, horizon = forecast_folds(dataset(), {catalogue.FLOOR: RECIPES[catalogue.FLOOR]}, catalogue.NAIVE), np.timedelta64(24, "h")
    for i, (learnt_until, held_from, held_until) in enumerate(seen):
        assert learnt_until + horizon <= held_from
        assert held_until + horizon <= found.rows.as_of[found.rows.fold == i][0]


def test_the_future_does_not_change_a_fold() -> None:
    data, before = dataset(), pooled()
    end = before.rows.as_of[before.rows.fold == 0][-1]
    later = data.as_of > end
    turned = replace(data, x=np.where(later[:, None], -data.x, data.x), y=np.where(later, 1.0 - data.y, data.y))
    after = forecast_folds(turned, RECIPES, catalogue.NAIVE)
    for name in NAMES:
        np.testing.assert_array_equal(after.probability[name][after.rows.fold == 0], before.probability[name][before.rows.fold == 0])


def test_a_verdict_names_the_folds_and_every_rival() -> None:
    found = pooled().judge(*NAMES)
    assert found.promote, found.text
    assert found.reasons[0].startswith("on 3 walk-forward folds from 2025-")
    assert not pooled().judge(*reversed(NAMES)).promote
    alone = pooled().judge(catalogue.CHAMPION_CANDIDATE, None)
    assert alone.promote and "recall" not in alone.text


def test_a_feature_that_early_folds_do_not_know_is_left_to_later_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    data, used = dataset(), []

    def watched(fold: Dataset, spec):  # type: ignore[no-untyped-def]
        trained = train(fold, spec)
        used.append("tvl_change_24h" in trained.spec.features)
        return trained

    monkeypatch.setattr(walk_forward, "train", watched)
    x = data.x.copy()
    x[data.as_of < data.as_of[0] + np.timedelta64(12, "D"), data.features.index("tvl_change_24h")] = np.nan
    forecast_folds(replace(data, x=x), {"candidate": RECIPES[catalogue.CHAMPION_CANDIDATE]}, catalogue.NAIVE)
    assert used == [False, True, True]


@pytest.mark.parametrize(
    ("days", "calm", "words"),
    [
        (30, False, "30 days of history give test windows of 5 days; 7 are needed"),
        (60, True, "0 positive training rows with label crash, 24 h; 30 are needed"),
    ],
)
def test_a_history_that_carries_no_folds_is_refused(days: int, calm: bool, words: str) -> None:
    data = dataset()
    kept = data.as_of > data.as_of[-1] - np.timedelta64(days - 1, "D")
    label = np.where(np.arange(len(data.y)) % 500 == 0, data.y, 0.0) if calm else data.y
    short = replace(data, x=data.x[kept], y=label[kept], as_of=data.as_of[kept], key=data.key[kept])
    with pytest.raises(NoFolds, match=words):
        forecast_folds(short, RECIPES, catalogue.NAIVE)
