"""When, and which: skill at telling bad hours from calm ones, and skill at telling pools apart within one hour.

Rows are 1-D: label 0/1, score, and the row's `hour` (any integer id of its as_of). A model can do one without the other.
"""

from dataclasses import dataclass

import numpy as np

from veririsk_assets.evaluation.metrics import checked, lift, roc_auc

MIN_POOLS = 5


@dataclass(frozen=True)
class Hourly:
    """One place per hour, in order. `auc`, `ap` and `ap_chance` (expected of a random order) are NaN without both classes."""

    hour: np.ndarray
    pool_count: np.ndarray
    mean_score: np.ndarray
    event_share: np.ndarray
    auc: np.ndarray
    ap: np.ndarray
    ap_chance: np.ndarray


@dataclass(frozen=True)
class MomentSkill:
    """When: rank correlation of an hour's mean score with its share of pools with events, and AUC and lift of rows that
    all carry their hour's mean score."""

    spearman: float
    auc: float
    lift: float
    hour_count: int


@dataclass(frozen=True)
class WithinSkill:
    """Which: mean AUC over hours, and mean AP over the mean AP of random orders (1 is chance)."""

    auc: float
    ap_lift: float
    hour_count: int


def moment_level(label: np.ndarray, score: np.ndarray, hour: np.ndarray, min_pools: int = MIN_POOLS) -> MomentSkill:
    """Skill in *when*, over hours with at least `min_pools` rows. Scores must be comparable between hours."""
    label, score, _ = checked(label, score, None)
    _, place, count = np.unique(hour, return_inverse=True, return_counts=True)
    mean, share = (np.bincount(place, values) / count for values in (score, label))
    wide = count >= min_pools
    rows = wide[place]
    if not rows.any():
        return MomentSkill(np.nan, np.nan, np.nan, 0)
    mean_of_row = mean[place][rows]
    return MomentSkill(
        spearman=_correlation(_ranks(mean[wide]), _ranks(share[wide])),
        auc=roc_auc(label[rows], mean_of_row),
        lift=lift(label[rows], mean_of_row),
        hour_count=int(wide.sum()),
    )


def within_moment(label: np.ndarray, score: np.ndarray, hour: np.ndarray) -> WithinSkill:
    """Skill in *which*, over hours with at least one positive and one negative row, each hour counting once."""
    table = hourly(label, score, hour)
    mixed = np.isfinite(table.auc)
    if not mixed.any():
        return WithinSkill(np.nan, np.nan, 0)
    ap_lift = table.ap[mixed].mean() / table.ap_chance[mixed].mean()
    return WithinSkill(float(table.auc[mixed].mean()), float(ap_lift), int(mixed.sum()))


def hourly(label: np.ndarray, score: np.ndarray, hour: np.ndarray) -> Hourly:
    """Ranking within each hour, ties handled as in `metrics`; give columns to `ratio_draws` for intervals."""
    label, score, _ = checked(label, score, None)
    hours, place, count = np.unique(hour, return_inverse=True, return_counts=True)
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


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0; equal values share their mean rank."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count + 1) / 2)[place]


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    if len(a) < 2 or not np.ptp(a) or not np.ptp(b):
        return np.nan
    return float(np.corrcoef(a, b)[0, 1])
