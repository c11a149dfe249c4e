"""The forest that is served is the one that scikit-learn has grown, vote by vote, and its reasons add up."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from veririsk_assets.models.algorithms import CLASSES
from veririsk_assets.models.logistic_line import logit
from veririsk_assets.models.random_forest import RandomForest
from veririsk_assets.models.spec import NothingLearnt
from veririsk_assets_tests.models.rows import xy

FEW_TREES = {"n_estimators": 30}


@cache
def grown() -> tuple[RandomForest, np.ndarray, np.ndarray]:
    x, y = xy()
    return RandomForest(**FEW_TREES).fit(x, y, (x, y)), x, y


def test_its_margin_is_the_share_of_votes_of_the_same_forest() -> None:
    model, x, y = grown()
    share = RandomForestClassifier(**model.params, random_state=model.seed).fit(x, y > 0).predict_proba(x)[:, 1]
    base = y.mean()
    np.testing.assert_allclose(model.margin(x), logit(base) + (share - base) / (base * (1 - base)), atol=1e-4)


def test_values_at_a_threshold_and_gaps_go_the_same_way() -> None:
    model, x, y = grown()
    forest = RandomForestClassifier(**model.params, random_state=model.seed).fit(x, y > 0)
    edges = np.unique(np.concatenate([tree.tree_.threshold[tree.tree_.feature == 0] for tree in forest.estimators_]))
    edges = edges[np.isfinite(edges)]
    rows = np.repeat(x[:1], 3 * len(edges) + 1, axis=0)
    near = edges.astype(np.float32)
    rows[:-1, 0] = np.concatenate([near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf))])
    rows[-1] = np.nan
    share, base = forest.predict_proba(rows)[:, 1], y.mean()
    np.testing.assert_allclose(model.margin(rows), logit(base) + (share - base) / (base * (1 - base)), atol=1e-4)


def test_contributions_add_up_and_name_what_matters() -> None:
    model, x, _ = grown()
    shares = model.contributions(x[:500])
    np.testing.assert_allclose(shares.sum(axis=1), model.margin(x[:500]), atol=1e-4)
    assert np.abs(shares[:, :-1]).mean(axis=0).argmax() == 0


def test_it_is_kept_as_trees_and_read_without_scikit_learn_or_pickle(tmp_path: Path) -> None:
    model, x, _ = grown()
    model.save(tmp_path)
    again = CLASSES["random_forest"].load(tmp_path)
    np.testing.assert_array_equal(again.margin(x), model.margin(x))
    np.testing.assert_array_equal(again.contributions(x[:50]), model.contributions(x[:50]))
    assert {path.suffix for path in tmp_path.iterdir()} == {".ubj"}


def test_at_its_floor_it_splits_and_without_a_signal_to_split_on_it_refuses() -> None:
    model = RandomForest(**FEW_TREES)
    rng, count = np.random.default_rng(3), model.positives_needed
    x = rng.normal(size=(4_000, 3)).astype(np.float32)
    y = np.zeros(len(x))
    y[np.argsort(-x[:, 0])[:count]] = 1.0
    assert np.ptp(model.fit(x, y, (x, y)).margin(x)) > 0
    with pytest.raises(NothingLearnt, match="not enough events"):
        RandomForest(**FEW_TREES).fit(np.ones_like(x), y, (x, y))
    with pytest.raises(NothingLearnt, match="not enough events"):
        RandomForest(**FEW_TREES).fit(x, np.zeros(len(x)), (x, y))
