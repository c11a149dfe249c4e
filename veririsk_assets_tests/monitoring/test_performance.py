"""How scores turned out, as numbers."""

import numpy as np
import pytest

from veririsk_assets.monitoring.performance import gains, is_below_promise, measure

HOURS = np.datetime64("2026-01-01T01", "us") + np.arange(20 * 24) * np.timedelta64(1, "h")


def outcomes(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels and the probabilities that they were drawn with, one a hour for twenty days."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(0.5, 3.0, len(HOURS))
    return (rng.random(len(HOURS)) < probability).astype(float), probability


def test_true_probabilities_measure_as_calibrated_and_skilled() -> None:
    label, probability = outcomes()
    found = measure(label, probability, probability, probability > 0.5, HOURS)
    assert found["ap_low"] < found["ap"] < found["ap_high"]
    assert found["auc"] > 0.7
    overstated = np.sqrt(probability)
    assert 2 * found["ece"] < measure(label, overstated, overstated, overstated > 0.5, HOURS)["ece"]
    assert found["brier_skill"] > 0.1
    assert found["high_precision"] == label[probability > 0.5].mean()


def test_the_rule_has_no_calibration_but_a_ranking() -> None:
    label, probability = outcomes()
    found = measure(label, 100 * probability, np.full(len(label), np.nan), np.zeros(len(label), dtype=bool), HOURS)
    assert np.isnan([found["ece"], found["brier_skill"], found["high_precision"]]).all()
    assert found["auc"] > 0.7


def test_a_few_days_have_a_number_but_no_interval() -> None:
    label, probability = outcomes()
    few = slice(0, 48)
    found = measure(label[few], probability[few], probability[few], probability[few] > 0.5, HOURS[few])
    assert np.isfinite(found["ap"])
    assert np.isnan([found["ap_low"], found["ap_high"]]).all()
    assert np.isnan(gains(label[few], probability[few], -probability[few], HOURS[few])["ap"].lo)


def test_a_model_against_noise_gains_and_against_itself_does_not() -> None:
    label, probability = outcomes()
    noise = np.random.default_rng(9).random(len(label))
    assert gains(label, probability, noise, HOURS)["auc"].lo > 0
    same = gains(label, probability, probability, HOURS)["ap"]
    assert (same.value, same.lo, same.hi) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("high", "base", "promised", "below"),
    [
        (0.3, 0.02, 0.5, True),
        (0.6, 0.02, 0.5, False),
        (0.3, 0.005, 0.5, False),  # a calm month: AP fell because the base rate did
        (float("nan"), 0.02, 0.5, None),
        (0.3, 0.02, float("nan"), None),
        (0.3, 0.0, 0.5, None),
    ],
)
def test_below_the_promise_means_the_interval_and_the_lift(high: float, base: float, promised: float, below: bool | None) -> None:
    assert is_below_promise({"ap_high": high, "base_rate_ratio": base}, promised, 0.02) is below
