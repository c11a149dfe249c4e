"""Probability → 0–100: 30 is the MEDIUM threshold and 65 the HIGH one, whatever the base rate."""

from dataclasses import dataclass

import numpy as np

from veririsk_assets.contracts.vocabulary import HIGH_ALERT_HOURS, HIGH_SCORE, MEDIUM_ALERT_HOURS, MEDIUM_SCORE
from veririsk_assets.evaluation.events import threshold_for_budget

TOP_SCORE = 95.0
TOP_SHARE = 0.001
LEAST_ABOVE_HIGH = 0.05
# Nothing is surer: a threshold above every probability is still below 1.
SURE = 1 - 1e-6
SCORES = np.array([0.0, MEDIUM_SCORE, HIGH_SCORE, TOP_SCORE, 100.0])


@dataclass(frozen=True)
class ScoreMap:
    """Straight lines through (0, 0), (medium, 30), (high, 65), (top, 95), (1, 100); 0 < medium ≤ high < top < 1.

    Thresholds are numbers, or an array each with one value per row.
    """

    medium: float | np.ndarray
    high: float | np.ndarray
    top: float | np.ndarray

    def __post_init__(self) -> None:
        medium, high, top = (np.asarray(one) for one in (self.medium, self.high, self.top))
        if not np.all((medium > 0.0) & (medium <= high) & (high < top) & (top < 1.0)):
            raise ValueError(f"thresholds must rise inside 0 … 1: {self.medium}, {self.high}, {self.top}")

    def __call__(self, probability: np.ndarray) -> np.ndarray:
        """Monotone; at least 65 exactly where the probability is at least `high`, and 30 where at least `medium`."""
        p = np.asarray(probability, dtype=np.float64)
        knots = np.stack([np.broadcast_to(one, p.shape) for one in (0.0, self.medium, self.high, self.top, 1.0)])
        part = (p >= knots[1:4]).sum(axis=0)
        low, up = (np.take_along_axis(knots, side[None], axis=0)[0] for side in (part, part + 1))
        score = SCORES[part] + (SCORES[part + 1] - SCORES[part]) * (p - low) / (up - low)
        # Rounding may lift a probability just below a threshold onto it.
        return np.where(part < 3, np.minimum(score, np.nextafter(SCORES[part + 1], 0.0)), score)


def choose_score_map(
    probability: np.ndarray, high_alert_hours: float = HIGH_ALERT_HOURS, medium_alert_hours: float = MEDIUM_ALERT_HOURS
) -> ScoreMap:
    """The lowest thresholds that keep alert-hours per pool-month on these rows within both budgets.

    Alert-hours per pool-month are the share of rows at or above a threshold × 730. Equal probabilities stand or fall together.
    """
    said = np.clip(probability, 1e-9, SURE)
    high = threshold_for_budget(said, high_alert_hours)
    medium = min(threshold_for_budget(said, medium_alert_hours), high)
    return ScoreMap(medium, high, float(above(high, float(np.quantile(said, 1.0 - TOP_SHARE)))))


def above(high: np.ndarray | float, top: np.ndarray | float) -> np.ndarray:
    """The top threshold, or where that is hardly higher than `high`, one a little above it."""
    least = high + (1.0 - high) * LEAST_ABOVE_HIGH
    return np.minimum(np.maximum(top, least), (1.0 + high) / 2.0)
