"""Log-odds of a model → probability: strictly monotone, chosen on validation rows, a handful of numbers.

A line in log-odds (Platt, shrunk towards "leave as is") unless its calibration error stays high and there are enough
positives for a bent one (isotonic steps joined by lines).
"""

from dataclasses import dataclass, replace

import numpy as np

from veririsk_assets.evaluation.metrics import ece
from veririsk_assets.models.logistic_line import fit_logistic_line, logit, sigmoid

GOOD_ECE = 0.01
SMALLEST_SLOPE = 0.05
SMALLEST_RISE = 0.001
BENT_POSITIVES = 200
POSITIVES_PER_KNOT = 20
# How much of the distance from the base rate may stay, all of it first. Never nothing: a probability has to rank as its model does.
SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
# Fewer in a half say nothing of how far apart probabilities should be.
SHRINKING_POSITIVES = 20
# Priors of the line: the slope moves from 1 only where many rows ask for it, the shift is nearly free because base rates drift.
PRIOR, PRECISION = (1.0, 0.0), (20.0, 0.5)


@dataclass(frozen=True)
class Calibration:
    """Calibrated log-odds: straight lines between knots, `slope` beyond the first and the last."""

    kind: str
    knots: tuple[float, ...]
    values: tuple[float, ...]
    slope: float

    def log_odds(self, margin: np.ndarray) -> np.ndarray:
        """Calibrated log-odds of a model's margins."""
        margin = np.asarray(margin, dtype=np.float64)
        first, last = self.knots[0], self.knots[-1]
        beyond = np.minimum(margin - first, 0.0) + np.maximum(margin - last, 0.0)
        return np.interp(margin, self.knots, self.values) + self.slope * beyond

    def __call__(self, margin: np.ndarray) -> np.ndarray:
        """Probability of a model's margins, between 0 and 1."""
        return sigmoid(self.log_odds(margin))

    def shrunk(self, share: float, centre: float) -> "Calibration":
        """Log-odds whose distance from `centre` is that share of this one's."""
        values = tuple(centre + share * (value - centre) for value in self.values)
        return replace(self, values=values, slope=share * self.slope)


def calibrate_prudently(margin: np.ndarray, label: np.ndarray) -> Calibration:
    """`calibrate`, shrunk towards the base rate of these rows until rows that had no part in a calibration say it is not worse.

    Rows are in order of time. Each half is calibrated on the other one; the largest share stays whose squared error on both is at
    most that of the base rate itself. More than that would cost ranking: what follows the market's base rate day by day (see
    `recalibration`) would then say more of *when* than the model does of *which*.
    """
    line, half = calibrate(margin, label), len(label) // 2
    if min(label[:half].sum(), label[half:].sum()) < SHRINKING_POSITIVES:
        return line
    naive, *errors = _crossed_errors(margin, label, (0.0, *SHARES))
    share = next((share for share, error in zip(SHARES, errors, strict=True) if error <= naive), SHARES[-1])
    return line.shrunk(share, float(logit(label.mean())))


def crossed_skill(margin: np.ndarray, label: np.ndarray) -> float:
    """1 − squared error / that of the base rate, each half of the rows (in order of time) calibrated on the other; NaN without a positive in either."""
    half = len(label) // 2
    if not (label[:half].any() and label[half:].any()):
        return np.nan
    error, naive = _crossed_errors(margin, label, (1.0, 0.0))
    return float(1.0 - error / naive)


def _crossed_errors(margin: np.ndarray, label: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """Squared error, per share of the distance from the base rate that stays, of each half by a calibration of the other."""
    half, errors = len(label) // 2, np.zeros(len(shares))
    early, late = slice(0, half), slice(half, None)
    for learnt, judged in ((early, late), (late, early)):
        found, centre = calibrate(margin[learnt], label[learnt]), float(logit(label[learnt].mean()))
        for i, share in enumerate(shares):
            errors[i] += ((found.shrunk(share, centre)(margin[judged]) - label[judged]) ** 2).sum()
    return errors


def calibrate(margin: np.ndarray, label: np.ndarray) -> Calibration:
    """The plainest calibration that keeps the error on these rows at most `GOOD_ECE`."""
    line = straight(margin, label)
    if label.sum() < BENT_POSITIVES or ece(label, line(margin)) <= GOOD_ECE:
        return line
    curve = bent(margin, label)
    return curve if ece(label, curve(margin)) < ece(label, line(margin)) else line


def straight(margin: np.ndarray, label: np.ndarray) -> Calibration:
    """Platt's line; without rows it leaves the margin as it is."""
    slope, shift = fit_logistic_line(margin, label, PRIOR, PRECISION)
    return Calibration("platt", (0.0,), (shift,), max(slope, SMALLEST_SLOPE))


def bent(margin: np.ndarray, label: np.ndarray) -> Calibration:
    """Isotonic regression over equal shares of positives, joined by lines; Platt's slope beyond its ends."""
    order = np.argsort(margin, kind="stable")
    margin, label = margin[order], label[order].astype(np.float64)
    group = np.cumsum(label) // POSITIVES_PER_KNOT
    centre, rate, count = _group_means(margin, label, group)
    centre, rate = _pooled(centre, (rate * count + 0.5) / (count + 1.0), count)
    line = straight(margin, label)
    if len(centre) == 1:
        return line
    rise = SMALLEST_RISE * centre  # every part climbs a little: two margins never share a probability
    values = np.maximum.accumulate(logit(rate) - rise) + rise
    return Calibration("isotonic", tuple(centre.tolist()), tuple(values.tolist()), line.slope)


def _group_means(margin: np.ndarray, label: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    _, place, count = np.unique(group, return_inverse=True, return_counts=True)
    return np.bincount(place, margin) / count, np.bincount(place, label) / count, count.astype(np.float64)


def _pooled(centre: np.ndarray, rate: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pool adjacent violators: neighbours that do not rise become one."""
    pools: list[list[float]] = []
    for one in zip(centre, rate, count, strict=True):
        pools.append(list(one))
        while len(pools) > 1 and (pools[-2][1] >= pools[-1][1] or pools[-2][0] >= pools[-1][0]):
            late, early = pools.pop(), pools.pop()
            weight = early[2] + late[2]
            pools.append([(early[i] * early[2] + late[i] * late[2]) / weight for i in (0, 1)] + [weight])
    return np.array([p[0] for p in pools]), np.array([p[1] for p in pools])
