import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from veririsk_assets.evaluation.metrics import ece
from veririsk_assets.models.calibration import bent, calibrate, calibrate_prudently, straight
from veririsk_assets.models.logistic_line import sigmoid

MARGINS = arrays(np.float64, st.integers(20, 300), elements=st.floats(-15, 15))


@settings(max_examples=40, deadline=None)
@given(margin=MARGINS, seed=st.integers(0, 100), rate=st.sampled_from([0.0, 0.02, 0.5, 1.0]))
def test_calibration_is_monotone_and_inside_0_and_1_whatever_the_labels(margin: np.ndarray, seed: int, rate: float) -> None:
    label = (np.random.default_rng(seed).random(len(margin)) < rate).astype(float)
    grid = np.linspace(-30, 30, 300)
    for make in (straight, bent, calibrate, calibrate_prudently):
        calibration = make(margin, label)
        probability = calibration(grid)
        assert (np.diff(calibration.log_odds(grid)) > 0).all()
        assert ((probability >= 0) & (probability <= 1)).all()


def test_overconfident_margins_become_probabilities() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(-3, 1, 40_000)
    label = (rng.random(40_000) < sigmoid(truth)).astype(float)
    margin = 3.0 * truth + 4.0
    first, second = slice(0, 20_000), slice(20_000, None)
    calibration = calibrate(margin[first], label[first])
    assert ece(label[second], sigmoid(margin[second])) > 0.03
    assert ece(label[second], calibration(margin[second])) < 0.01
    assert calibration.kind == "platt"


def test_a_bend_that_no_line_fits_is_followed_where_there_are_enough_positives() -> None:
    rng = np.random.default_rng(0)
    margin = rng.uniform(-4, 4, 40_000)
    label = (rng.random(40_000) < np.where(margin > 0, 0.5, 0.02)).astype(float)
    calibration = calibrate(margin, label)
    assert calibration.kind == "isotonic"
    assert ece(label, calibration(margin)) < 0.01


def test_without_a_positive_row_the_slope_stays_and_the_probability_falls() -> None:
    margin = np.linspace(-3, 1, 200)
    calibration = calibrate(margin, np.zeros(200))
    assert calibration.slope == pytest.approx(1.0, abs=0.6)
    assert calibration(margin).mean() < sigmoid(margin).mean()


def test_a_model_that_does_not_carry_over_is_drawn_towards_the_base_rate_and_keeps_its_order() -> None:
    rng = np.random.default_rng(1)
    margin = rng.normal(0, 1, 20_000)
    # What ranks in the first half of the rows says nothing in the second one.
    odds = np.where(np.arange(20_000) < 10_000, -4 + 1.5 * margin, -4.0)
    label = (rng.random(20_000) < sigmoid(odds)).astype(float)
    bold, prudent = calibrate(margin, label), calibrate_prudently(margin, label)
    later, base = (rng.random(20_000) < sigmoid(-4.0)).astype(float), label.mean()
    error = [float(np.mean((one(margin) - later) ** 2)) for one in (bold, prudent)]
    assert error[1] < error[0] and 0 < prudent.slope < 0.6 * bold.slope
    assert np.array_equal(np.argsort(prudent(margin), kind="stable"), np.argsort(bold(margin), kind="stable"))
    crossing = np.interp(np.log(base / (1 - base)), np.sort(bold.log_odds(margin)), np.sort(margin))
    assert prudent.log_odds(np.array([crossing]))[0] == pytest.approx(np.log(base / (1 - base)), abs=0.02)


def test_a_model_that_carries_over_is_left_as_it_is_and_so_is_one_with_few_events() -> None:
    rng = np.random.default_rng(2)
    margin = rng.normal(0, 1, 20_000)
    label = (rng.random(20_000) < sigmoid(-3 + 1.5 * margin)).astype(float)
    assert calibrate_prudently(margin, label).slope >= 0.9 * calibrate(margin, label).slope
    few = np.zeros(20_000)
    few[np.linspace(10, 19_990, 30).astype(int)] = 1.0
    assert calibrate_prudently(margin, few) == calibrate(margin, few)
