"""Probability → 0–100, fixed at training: 30 is the MEDIUM threshold and 65 the HIGH one, whatever the base rate."""

from dataclasses import dataclass

import numpy as np

from veririsk_assets.contracts.vocabulary import HIGH_ALERT_HOURS, HIGH_SCORE, MEDIUM_ALERT_HOURS, MEDIUM_SCORE
from veririsk_assets.contracts.windows import HOURS_PER_MONTH

TOP_SCORE = 95.0
TOP_SHARE = 0.001
# More likely than not is HIGH, and one in four is MEDIUM, even where such hours are more than the budgets hold.
CERTAIN_HIGH, CERTAIN_MEDIUM = 0.5, 0.25


@dataclass(frozen=True)
class ScoreMap:
    """Straight lines through (0, 0), (medium, 30), (high, 65), (top, 95), (1, 100); 0 < medium < high < top < 1."""

    medium: float
    high: float
    top: float

    def __post_init__(self) -> None:
        if not 0.0 < self.medium < self.high < self.top < 1.0:
            raise ValueError(f"thresholds must rise strictly inside 0 … 1: {self.medium}, {self.high}, {self.top}")

    def __call__(self, probability: np.ndarray) -> np.ndarray:
        """Monotone; at least 65 exactly where the probability is at least `high`, and 30 where at least `medium`."""
        p = np.asarray(probability, dtype=np.float64)
        knots = (0.0, self.medium, self.high, self.top, 1.0)
        score = np.interp(p, knots, (0.0, MEDIUM_SCORE, HIGH_SCORE, TOP_SCORE, 100.0))
        # Rounding may lift a probability just below a threshold onto it.
        score = np.where(p < self.high, np.minimum(score, np.nextafter(HIGH_SCORE, 0.0)), score)
        return np.where(p < self.medium, np.minimum(score, np.nextafter(MEDIUM_SCORE, 0.0)), score)


def choose_score_map(
    probability: np.ndarray, high_alert_hours: float = HIGH_ALERT_HOURS, medium_alert_hours: float = MEDIUM_ALERT_HOURS
) -> ScoreMap:
    """The lowest thresholds that keep alert-hours per pool-month on these validation rows within both budgets.

    Alert-hours per pool-month are the share of rows at or above a threshold × 730. Equal probabilities stand or fall together.
    A budget never hides what is likely: the thresholds are at most 1/2 and 1/4, which only a market of many sure falls reaches.
    """
    values, counts = np.unique(np.clip(probability, 1e-9, 1 - 1e-6), return_counts=True)
    share = np.cumsum(counts[::-1])[::-1] / counts.sum()
    high = min(_lowest_within(values, share, high_alert_hours / HOURS_PER_MONTH), CERTAIN_HIGH)
    medium = min(_lowest_within(values, share, medium_alert_hours / HOURS_PER_MONTH), CERTAIN_MEDIUM)
    if medium >= high:
        below = values[values < high]
        medium = (high + (below[-1] if len(below) else 0.0)) / 2.0
    top = max(float(np.quantile(probability, 1.0 - TOP_SHARE)), high + (1.0 - high) * 0.05)
    return ScoreMap(float(medium), float(high), min(top, (1.0 + high) / 2.0))


def _lowest_within(values: np.ndarray, share: np.ndarray, budget: float) -> float:
    """The lowest value whose share of rows fits the budget; if none does, half way from the highest to 1: nothing alarms."""
    fits = values[share <= budget]
    return float(fits[0]) if len(fits) else float(values[-1] + (1.0 - values[-1]) / 2.0)
