"""Levels follow recent scores, know nothing later, and in one hour name only a few."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from veririsk_assets.contracts.vocabulary import HIGH_SCORE, MEDIUM_SCORE
from veririsk_assets.models.levels import FEWEST_ENTITIES, FEWEST_ROWS, capped, recent, risk_scores
from veririsk_assets.models.score_map import ScoreMap

SAID = st.one_of(st.floats(0.0, 1.0), st.sampled_from([0.0, 0.3, 0.3, 1.0, np.nan]))
USUAL = ScoreMap(0.1, 0.2, 0.5)


@settings(max_examples=200, deadline=None)
@given(probability=arrays(np.float64, st.integers(1, 300), elements=SAID), moments=st.integers(1, 4), seed=st.integers(0, 9))
def test_in_one_moment_a_level_is_monotone_and_names_only_a_few(probability: np.ndarray, moments: int, seed: int) -> None:
    moment = np.random.default_rng(seed).integers(0, moments, len(probability))
    score = risk_scores(moment, probability, USUAL)
    np.testing.assert_array_equal(np.isnan(score), np.isnan(probability))
    for one in np.unique(moment):
        p, s = probability[moment == one], score[moment == one]
        p, s = p[np.isfinite(p)], s[np.isfinite(p)]
        assert (np.diff(s[np.argsort(p, kind="stable")]) >= 0).all()
        assert (s >= HIGH_SCORE).sum() <= max(3 * 24 / 730 * len(p), FEWEST_ENTITIES)
        assert (s >= MEDIUM_SCORE).sum() <= max(3 * 72 / 730 * len(p), FEWEST_ENTITIES)
        assert (p[s >= HIGH_SCORE] >= USUAL.high).all() and (p[s >= MEDIUM_SCORE] >= USUAL.medium).all()


def test_a_calm_hour_is_judged_by_the_day_alone() -> None:
    probability = np.array([0.05, 0.11, 0.19, 0.21, 0.6, *np.zeros(95)])
    np.testing.assert_array_equal(risk_scores(np.zeros(100), probability, USUAL), USUAL(probability))


def test_a_storm_names_the_worst_and_another_hour_is_not_its_business() -> None:
    storm, calm = np.linspace(0.4, 0.9, 100), np.full(100, 0.25)
    calm[2:] = 0.01
    threshold = capped(np.repeat([7, 8], 100), np.concatenate([storm, calm]), np.array(0.2), 24.0)
    assert (storm >= threshold[:100]).sum() == 9
    assert (threshold[100:] == 0.2).all()


def test_of_equals_at_the_edge_of_a_storm_none_is_named() -> None:
    probability = np.concatenate([np.full(5, 0.9), np.full(95, 0.6)])
    assert (probability >= capped(np.zeros(100), probability, np.array(0.2), 24.0)).sum() == 5


def test_a_day_sees_the_three_days_before_it_and_not_itself() -> None:
    hour = np.repeat(np.arange(0, 240), 10)
    first, second, last = recent(np.array([48, 96, 240]), hour)
    assert first is None or first == slice(0, 480)
    assert second == slice(240, 960) and last == slice(1680, 2400)


@pytest.mark.parametrize(("rows", "is_enough"), [(FEWEST_ROWS - 1, False), (FEWEST_ROWS, True)])
def test_few_rows_say_nothing_of_what_is_usual(rows: int, is_enough: bool) -> None:
    (found,) = recent(np.array([24]), np.full(rows, 23))
    assert (found is not None) == is_enough
