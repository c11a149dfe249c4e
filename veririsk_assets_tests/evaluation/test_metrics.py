"""Row metrics against scikit-learn, ties and weights included, and calibration on cases with a known answer."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from veririsk_assets.evaluation.metrics import average_precision, base_rate, brier_skill, ece, lift, reliability_curve, roc_auc

rows = st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 3)), min_size=4, max_size=60)


@given(rows)
@settings(max_examples=80, deadline=None)
def test_ranking_agrees_with_sklearn_under_ties_and_weights(drawn):
    from sklearn.metrics import average_precision_score, roc_auc_score

    label, score, weight = (np.array(column, dtype=float) for column in zip(*drawn, strict=True))
    assume(weight @ label > 0 and weight @ (1 - label) > 0)
    assert average_precision(label, score, weight) == pytest.approx(average_precision_score(label, score, sample_weight=weight))
    assert roc_auc(label, score, weight) == pytest.approx(roc_auc_score(label, score, sample_weight=weight))


def test_one_score_for_all_rows_is_chance():
    label = np.array([1, 0, 0, 0, 1])
    assert average_precision(label, np.ones(5)) == base_rate(label) == 0.4
    assert roc_auc(label, np.ones(5)) == 0.5
    assert lift(label, np.ones(5)) == 1.0


def test_rows_of_one_class_have_no_ranking():
    assert np.isnan(average_precision(np.zeros(3), np.arange(3)))
    assert np.isnan(roc_auc(np.ones(3), np.arange(3)))


def test_a_missing_score_is_refused():
    with pytest.raises(ValueError, match="1 of 2 scores are missing"):
        average_precision(np.array([0, 1]), np.array([0.1, np.nan]))


def test_a_label_that_has_not_matured_is_refused():
    with pytest.raises(ValueError, match="matured"):
        roc_auc(np.array([0, np.nan]), np.array([0.1, 0.2]))


def test_brier_skill_is_0_for_the_base_rate_1_for_the_truth_and_negative_for_overconfidence():
    label = (np.arange(1000) % 50 == 0).astype(float)
    assert brier_skill(label, np.full(1000, 0.02)) == pytest.approx(0.0)
    assert brier_skill(label, label) == 1.0
    assert brier_skill(label, np.full(1000, 0.3)) < -3
    assert brier_skill(label, np.full(1000, 0.02), reference=0.1) > 0


def test_ece_sees_a_shift_of_a_few_permille_at_a_low_base_rate():
    rng = np.random.default_rng(1)
    prob = np.exp(rng.normal(np.log(0.01), 1.0, 200_000)).clip(0, 0.5)
    label = rng.random(200_000) < prob
    assert ece(label, prob) < 0.001
    assert ece(label, prob + 0.005) == pytest.approx(0.005, abs=0.001)
    assert ece(label, prob * 10) > 0.05


def test_equal_probabilities_share_a_bin_in_any_row_order():
    label, prob = np.array([1, 0, 0, 0] * 25), np.full(100, 0.25)
    assert ece(label, prob) == 0.0
    mixed = np.repeat([0.0, 0.5], [90, 10])
    turned = np.random.default_rng(0).permutation(100)
    assert ece(label, mixed) == pytest.approx(ece(label[turned], mixed[turned]))


def test_the_reliability_curve_holds_every_row_once():
    prob = np.linspace(0, 1, 1000)
    curve = reliability_curve((prob > 0.5).astype(int), prob, bins=10)
    assert curve.weight.sum() == 1000
    assert np.all(np.abs(curve.weight - 100) <= 1)
    assert np.all(np.diff(curve.mean_probability) > 0)
    assert curve.observed_rate[0] == 0.0
    assert curve.observed_rate[-1] == 1.0
