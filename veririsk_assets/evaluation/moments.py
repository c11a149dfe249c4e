"""When, and which, hour by hour: skill at telling bad hours from calm ones, and skill at telling keys apart within one hour.

Rows are 1-D: label 0/1, score, and the row's `hour` (any integer id of its as_of). A model can do one without the other.
"""

from dataclasses import dataclass

import numpy as np

from veririsk_assets.evaluation.metrics import checked

MIN_KEYS = 5


@dataclass(frozen=True)
class Hourly:
    """One place per hour and fit, in order. `auc`, `ap` and `ap_chance` (expected of a random order) are NaN without both classes."""

    hour: np.ndarray
    key_count: np.ndarray
    mean_score: np.ndarray
    event_share: np.ndarray
    auc: np.ndarray
    ap: np.ndarray
    ap_chance: np.ndarray


def hourly(label: np.ndarray, score: np.ndarray, hour: np.ndarray, fold: np.ndarray | None = None) -> Hourly:
    """Ranking within each hour, ties handled as in `metrics`; `moment_intervals` makes metrics of it.

    `fold`: a number per row, of the fit that scored it; scores of two fits are two rankings of one hour.
    """
    label, score, _ = checked(label, score, None)
    fits = 1 if fold is None else int(np.max(fold)) + 1
    moments, place, count = np.unique(hour * fits + (0 if fold is None else fold), return_inverse=True, return_counts=True)
    hours = moments // fits
    hits_of, mean = np.bincount(place, label), np.bincount(place, score) / count
    misses_of = count - hits_of
    order = np.lexsort((-score, place))
    place, label, score = place[order], label[order], score[order]
    last_of_tie = np.append((score[1:] != score[:-1]) | (place[1:] != place[:-1]), True)
    group = place[last_of_tie]
    hits, misses = np.cumsum(label)[last_of_tie], np.cumsum(1.0 - label)[last_of_tie]
    gain, tied = np.diff(hits, prepend=0.0), np.diff(misses, prepend=0.0)
    hits, misses = hits - (np.cumsum(hits_of) - hits_of)[group], misses - (np.cumsum(misses_of) - misses_of)[group]
    ordered = np.bincount(group, gain * (misses_of[group] - misses + tied / 2))
    precision = np.bincount(group, gain * hits / (hits + misses))
    mixed = (hits_of > 0) & (misses_of > 0)
    auc, ap = _where(mixed, ordered, hits_of * misses_of), _where(mixed, precision, hits_of)
    return Hourly(hours, count, mean, hits_of / count, auc, ap, np.where(mixed, _ap_of_random_order(count, hits_of), np.nan))


def _ap_of_random_order(rows: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """Expected average precision of n rows with k positives in random order: above k / n, and far above for small k."""
    harmonic = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, rows.max() + 1))])[rows]
    return (harmonic + (positives - 1) / np.maximum(rows - 1, 1) * (rows - harmonic)) / rows


def _where(mask: np.ndarray, numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.full(len(mask), np.nan), where=mask)
