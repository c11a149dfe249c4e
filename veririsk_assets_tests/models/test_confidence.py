"""How sure a probability is: narrower with more weeks, and where it says little it errs more."""

import numpy as np
import pytest

from veririsk_assets.models.confidence import Band, band
from veririsk_assets.models.logistic_line import sigmoid

MONDAY = np.datetime64("2025-01-06", "us")


def weeks(count: int, rows: int, seed: int = 1, drift: float = 0.5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(margin, label, as_of): a model that is right in the mean, in weeks whose base rate differs."""
    rng = np.random.default_rng(seed)
    week = np.repeat(np.arange(count), rows)
    margin = rng.normal(-2.5, 1.5, len(week))
    label = (rng.random(len(week)) < sigmoid(margin + drift * rng.standard_normal(count)[week])).astype(np.float64)
    return margin, label, MONDAY + week * np.timedelta64(7, "D")


def test_low_confidence_goes_with_larger_error() -> None:
    sure = band(*weeks(12, 400))
    assert sure is not None
    margin, label, _ = weeks(100, 400, seed=2)
    confidence, error = 1 - sure.width(margin), (sigmoid(margin) - label) ** 2
    order = np.argsort(confidence)
    thirds = [float(error[part].mean()) for part in np.array_split(order, 3)]
    assert thirds[0] > 2 * thirds[1] > 4 * thirds[2]
    # And with a larger error of the probability itself, which a week's own base rate shows.
    weekly = np.abs(sigmoid(margin) - sigmoid(margin + 0.5))
    assert weekly[order[: len(order) // 3]].mean() > 3 * weekly[order[-len(order) // 3 :]].mean()


def test_more_weeks_make_it_narrower() -> None:
    few, many = band(*weeks(6, 300)), band(*weeks(60, 300))
    assert few is not None
    assert many is not None
    at = np.linspace(-4, 0, 9)
    assert many.width(at).mean() < 0.6 * few.width(at).mean()


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(share: float) -> None:
    """Over 60 markets the true log-odds of an ordinary row lie within the 90 % interval in most."""
    at = np.quantile(weeks(1, 2_000)[0], [share])
    inside = []
    for seed in range(60):
        found = band(*weeks(20, 200, seed=seed + 10))
        assert found is not None
        low, high = (np.interp(at, found.knots, ends) for ends in (found.low, found.high))
        inside.append(bool(low <= at <= high))
    assert np.mean(inside) > 0.75


def test_too_little_says_nothing() -> None:
    margin, label, as_of = weeks(3, 100)
    assert band(margin, label, as_of) is None
    assert band(*[x[:1000] for x in (weeks(12, 100)[0], np.zeros(1200), weeks(12, 100)[2])]) is None


def test_beyond_what_was_seen_the_last_width_holds() -> None:
    one = Band((-1.0, 1.0), (-2.0, 0.0), (0.0, 2.0))
    assert one.width(np.array([-9.0]))[0] == one.width(np.array([-1.0]))[0] == pytest.approx(sigmoid(0.0) - sigmoid(-2.0))
    assert one.width(np.array([0.0]), 100.0)[0] == pytest.approx(0.0, abs=1e-12)
