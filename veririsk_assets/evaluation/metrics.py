"""Row metrics: how well scores rank rows, and how true probabilities are. One number each, no intervals.

Rows are 1-D arrays of one length; `label` is 0/1, `weight` (default 1) is not negative. A metric that its rows cannot
define (no positive row, or no negative one) is NaN. Missing scores raise: a row that was not scored is not a row.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

CALIBRATION_BINS = 10
POSITIVES_PER_BIN = 20


@dataclass(frozen=True)
class ReliabilityCurve:
    """Per bin, from low to high probability: mean forecast, observed rate, and weight of rows."""

    mean_probability: np.ndarray
    observed_rate: np.ndarray
    weight: np.ndarray


def average_precision(label: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Area under the precision-recall steps; rows with one score enter together, as in scikit-learn."""
    hits, misses = _cumulative(label, score, weight)
    if not hits[-1]:
        return np.nan
    gain = np.diff(hits, prepend=0.0)
    precision = np.divide(hits, hits + misses, out=np.zeros_like(hits), where=hits > 0)
    return float((gain * precision).sum() / hits[-1])


def roc_auc(label: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None) -> float:
    """The chance that a positive row outranks a negative one; a tie counts half."""
    hits, misses = _cumulative(label, score, weight)
    if not hits[-1] or not misses[-1]:
        return np.nan
    gain, tied = np.diff(hits, prepend=0.0), np.diff(misses, prepend=0.0)
    return float((gain * (misses[-1] - misses + tied / 2)).sum() / (hits[-1] * misses[-1]))


def within_folds(metric: Callable[[np.ndarray, np.ndarray], float], label: np.ndarray, score: np.ndarray, fold: np.ndarray) -> float:
    """A ranking metric of each fold's rows by themselves, combined by positives; folds that cannot define it are left out.

    Scores of two fits are never ranked against each other: their calibrations differ, and with them the meaning of a score.
    """
    parts = [(metric(label[rows], score[rows]), float(label[rows].sum())) for rows in (fold == one for one in np.unique(fold))]
    known = [(value, weight) for value, weight in parts if np.isfinite(value) and weight]
    if not known:
        return np.nan
    values, weights = np.transpose(known)
    return float(np.average(values, weights=weights))


def base_rate(label: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Weighted share of positive rows: the average precision of no skill."""
    label, _, weight = checked(label, label, weight)
    return float(label @ weight / weight.sum())


def lift(label: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Average precision over the base rate; 1 is chance."""
    base = base_rate(label, weight)
    return average_precision(label, score, weight) / base if base else np.nan


def brier(label: np.ndarray, prob: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Mean squared error of the probability."""
    label, prob, weight = checked(label, prob, weight)
    return float(weight @ (prob - label) ** 2 / weight.sum())


def brier_skill(label: np.ndarray, prob: np.ndarray, weight: np.ndarray | None = None, reference: float | None = None) -> float:
    """1 − Brier / Brier of one constant probability. The constant is `reference`, or these rows' own base rate:

    the strictest constant there is, because no forecaster knows it beforehand.
    """
    label, prob, weight = checked(label, prob, weight)
    constant = base_rate(label, weight) if reference is None else reference
    naive = brier(label, np.full(len(label), constant), weight)
    return 1.0 - brier(label, prob, weight) / naive if naive else np.nan


def ece(label: np.ndarray, prob: np.ndarray, bins: int = CALIBRATION_BINS, weight: np.ndarray | None = None) -> float:
    """Expected calibration error: mean |forecast − observed rate| over equal-count bins, weighted by rows.

    Equal-count, because at a base rate of 1–2 % equal widths would put nearly every row in one bin.
    """
    curve = reliability_curve(label, prob, bins, weight)
    gap = np.abs(curve.mean_probability - curve.observed_rate)
    return float(curve.weight @ gap / curve.weight.sum())


def ece_to_base(label: np.ndarray, prob: np.ndarray) -> float:
    """The calibration error as a share of the base rate, in as many bins as the positives can fill: what a rare event asks for."""
    label = np.asarray(label, dtype=np.float64)
    return ece(label, prob, bins_for(float(label.sum()))) / float(label.mean()) if label.any() else np.nan


def bins_for(positives: float) -> int:
    """Bins that hold `POSITIVES_PER_BIN` on average: with fewer, chance alone makes an error of half the base rate."""
    return int(np.clip(positives // POSITIVES_PER_BIN, 2, CALIBRATION_BINS))


def reliability_curve(
    label: np.ndarray, prob: np.ndarray, bins: int = CALIBRATION_BINS, weight: np.ndarray | None = None
) -> ReliabilityCurve:
    """Forecast against observed rate in at most `bins` equal-count bins; bins that ties leave empty are left out."""
    label, prob, weight = checked(label, prob, weight)
    place = calibration_bin(prob, bins)
    total, forecast, observed = (np.bincount(place, w, bins) for w in (weight, weight * prob, weight * label))
    filled = total > 0
    total = total[filled]
    return ReliabilityCurve(forecast[filled] / total, observed[filled] / total, total)


def calibration_bin(prob: np.ndarray, bins: int = CALIBRATION_BINS) -> np.ndarray:
    """The equal-count bin (0 … bins − 1) of each row; equal probabilities share a bin, whatever the row order."""
    edges = np.quantile(prob, np.arange(1, bins) / bins, method="higher")
    return np.searchsorted(edges, prob, side="right")


def checked(label: np.ndarray, score: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Float arrays of one length; raises ValueError for no rows, a label that is not 0/1, a missing score or a bad weight."""
    label, score = np.asarray(label, dtype=np.float64), np.asarray(score, dtype=np.float64)
    weight = np.ones(len(label)) if weight is None else np.asarray(weight, dtype=np.float64)
    if not len(label) == len(score) == len(weight) or not len(label):
        raise ValueError(f"labels, scores and weights must be equally many and some: {len(label)}, {len(score)}, {len(weight)}")
    if not np.isin(label, (0.0, 1.0)).all():
        raise ValueError("labels must be 0 or 1; drop rows whose label has not matured")
    if np.isnan(score).any():
        raise ValueError(f"{int(np.isnan(score).sum())} of {len(score)} scores are missing")
    if not (weight >= 0).all() or not weight.any():
        raise ValueError("weights must be at least 0 and not all 0")
    return label, score, weight


def _cumulative(label: np.ndarray, score: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Weight of positives and negatives at or above each distinct score, from the highest score down."""
    label, score, weight = checked(label, score, weight)
    order = np.argsort(-score, kind="stable")
    label, score, weight = label[order], score[order], weight[order]
    last_of_tie = np.append(score[1:] != score[:-1], True)
    return np.cumsum(weight * label)[last_of_tie], np.cumsum(weight * (1.0 - label))[last_of_tie]
