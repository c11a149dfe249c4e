import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from veririsk_assets.models.score_map import ScoreMap, choose_score_map

PROBABILITIES = arrays(np.float64, st.integers(1, 400), elements=st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.01, 0.02, 0.5, 1.0])))


@settings(max_examples=200, deadline=None)
@given(probability=PROBABILITIES)
def test_both_budgets_are_kept_and_65_and_30_are_the_thresholds(probability: np.ndarray) -> None:
    score_map = choose_score_map(probability)
    inside = np.clip(probability, 0.0, 1 - 1e-6)
    score = score_map(inside)
    assert (score >= 65).mean() * 730 <= 24 + 1e-9
    assert (score >= 30).mean() * 730 <= 72 + 1e-9
    np.testing.assert_array_equal(score >= 65, inside >= score_map.high)
    np.testing.assert_array_equal(score >= 30, inside >= score_map.medium)


@settings(max_examples=100, deadline=None)
@given(probability=PROBABILITIES)
def test_a_higher_probability_never_scores_lower(probability: np.ndarray) -> None:
    score = choose_score_map(probability)(np.sort(probability))
    assert (np.diff(score) >= 0).all()
    assert ((score >= 0) & (score <= 100)).all()


def test_the_budget_is_used_where_there_are_no_ties() -> None:
    probability = np.linspace(0.001, 0.2, 7_300)
    score = choose_score_map(probability)(probability)
    assert (score >= 65).mean() * 730 == pytest.approx(24, abs=0.1)
    assert (score >= 30).mean() * 730 == pytest.approx(72, abs=0.1)


def test_thresholds_of_each_row_are_those_of_its_own_map() -> None:
    maps = [ScoreMap(0.1, 0.2, 0.5), ScoreMap(0.3, 0.3, 0.4), ScoreMap(0.01, 0.6, 0.9)]
    rows = ScoreMap(*(np.array([getattr(one, name) for one in maps]) for name in ("medium", "high", "top")))
    for probability in np.linspace(0.0, 1.0, 41):
        np.testing.assert_array_equal(rows(np.full(3, probability)), [one(np.array([probability]))[0] for one in maps])


def test_equal_probabilities_alarm_nobody() -> None:
    score = choose_score_map(np.full(500, 0.013))(np.full(500, 0.013))
    assert (score < 30).all()


def test_thresholds_that_do_not_rise_are_refused() -> None:
    for thresholds in ((0.2, 0.1, 0.5), (0.1, 0.5, 0.5), (0.0, 0.2, 0.5), (0.1, 0.2, 1.0), (np.nan, 0.2, 0.5)):
        with pytest.raises(ValueError, match="must rise"):
            ScoreMap(*thresholds)


def test_a_missing_probability_has_no_score() -> None:
    assert np.isnan(ScoreMap(0.1, 0.2, 0.5)(np.array([np.nan]))).all()
