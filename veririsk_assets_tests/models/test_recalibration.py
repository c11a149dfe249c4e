"""The shift of the base rate: it follows what has matured, forgets by the week, and sees nothing that has not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veririsk_assets.models.logistic_line import logit
from veririsk_assets.models.recalibration import HALF_LIFE_HOURS, LARGEST, day_of, shifted, shifts

USUAL = 0.02


def rows(days: int, rate: float, per_day: int = 600, said: float = USUAL, first: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hours at which labels matured, what was forecast, and labels that come at `rate` as evenly as they can."""
    hour = first + np.repeat(np.arange(days) * 24, per_day)
    label = np.diff(np.floor(np.arange(len(hour) + 1) * rate))
    return hour, np.full(len(hour), said), label


def test_forecasts_that_come_true_leave_everything_as_it_is() -> None:
    hour, said, label = rows(40, USUAL)
    assert shifts(np.array([40 * 24]), hour, said, label, USUAL) == pytest.approx(0.0, abs=0.02)


def test_a_market_that_turned_is_followed_within_weeks_and_forgotten_again() -> None:
    calm, wild, after = rows(40, USUAL), rows(28, 4 * USUAL, first=40 * 24), rows(56, USUAL, first=68 * 24)
    hour, said, label = (np.concatenate(parts) for parts in zip(calm, wild, after, strict=True))
    before, turned, later = shifts(np.array([39, 67, 124]) * 24, hour, said, label, USUAL)
    assert abs(before) < 0.05 and 1.0 < turned < np.log(4.0) and abs(later) < 0.1


def test_nothing_known_moves_nothing() -> None:
    none = np.zeros(0)
    assert shifts(np.array([0, 24]), none, none, none, USUAL).tolist() == [0.0, 0.0]
    hour, said, label = rows(3, 1.0, first=240)
    assert shifts(np.array([0, 239]), hour, said, label, USUAL).tolist() == [0.0, 0.0]


def test_a_single_fall_in_a_small_market_is_no_regime() -> None:
    hour = np.arange(0, 14 * 24, 4)
    label = np.zeros(len(hour))
    label[-6:] = 1.0  # one event is six rows of every fourth hour
    assert shifts(np.array([14 * 24]), hour, np.full(len(hour), USUAL), label, USUAL)[0] < 0.6


def test_a_shift_has_an_end() -> None:
    hour, said, label = rows(30, 1.0, said=1e-4)
    assert shifts(np.array([30 * 24]), hour, said, label, 1e-4)[0] == LARGEST
    hour, said, label = rows(30, 0.0, said=0.9)
    assert shifts(np.array([30 * 24]), hour, said, label, 0.9)[0] == -LARGEST


@given(st.integers(1, 500), st.integers(0, 2**32 - 1))
def test_the_loop_says_the_same_and_the_future_is_not_seen(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matured, at = rng.integers(0, 4000, count), np.sort(rng.integers(0, 4500, 5))
    said, label = rng.uniform(0, 0.3, count), (rng.uniform(size=count) < 0.1).astype(float)
    found = shifts(at, matured, said, label, USUAL)
    for i, hour in enumerate(at):
        seen = matured <= hour
        fade = 0.5 ** ((hour - matured[seen]) / HALF_LIFE_HOURS)
        prior = 10.0 + 0.1 * USUAL * fade.sum()
        looped = np.log((fade @ label[seen] + prior) / (fade @ said[seen] + prior)) if seen.any() else 0.0
        assert found[i] == pytest.approx(np.clip(looped, -LARGEST, LARGEST), abs=1e-9)
        turned = np.where(seen, label, 1.0 - label)
        assert shifts(at[i : i + 1], matured, said, turned, USUAL)[0] == pytest.approx(found[i], abs=1e-12)


def test_a_shift_moves_the_odds_and_keeps_the_order() -> None:
    probability = np.array([1e-6, 0.01, 0.3, 0.999])
    moved = shifted(probability, np.log(3.0))
    np.testing.assert_allclose(logit(moved) - logit(probability), np.log(3.0))
    assert (np.diff(moved) > 0).all()
    assert day_of(np.array([0, 23, 24, 47])).tolist() == [0, 0, 24, 24]
