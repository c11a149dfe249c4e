"""Columns of a panel that are one thing under two names: their values are the same, hour after hour, while they move.

Candidates are neighbours in the order of size at a few hours, so that 20,000 columns are never compared with each other.
"""

from dataclasses import dataclass

import numpy as np

# Relative difference up to which two values are the same.
TOLERANCE = 1e-4
# Half of a week must be known of both, and nine of ten of those hours must agree: a late pull is no difference.
MIN_HOURS = 84
AGREEING_SHARE = 0.9
# What moves less than this over the hours compared may meet another by chance.
LEAST_MOVE = 10 * TOLERANCE
# Not a divisor of a day, so that every hour of the day is looked at.
EVERY_HOURS = 7
# A pair must be met at so many of the hours looked at to be compared at all of them.
MIN_MEETINGS = 4
# Of many columns with one value each is compared with so many: twins of twins are joined afterwards.
NEIGHBOURS = 8


@dataclass(frozen=True)
class Twins:
    """Pairs of columns (`left` < `right`), hours compared, hours that agree, and the largest relative difference of all compared."""

    left: np.ndarray
    right: np.ndarray
    hours: np.ndarray
    agreeing_hours: np.ndarray
    largest_difference: np.ndarray


def suspected_twins(x: np.ndarray, kind: np.ndarray | None = None) -> Twins:
    """Suspected twins among the columns of `x` (hours × columns, not above 0: unknown).

    `kind`: a number per column, below 0 where unknown; columns of two known kinds are no twins.
    """
    with np.errstate(invalid="ignore"):
        level = np.log(np.where(x > 0, x, np.nan).astype(np.float64))
        moving = np.fmax.reduce(level, axis=0, initial=-np.inf) - np.fmin.reduce(level, axis=0, initial=np.inf) >= LEAST_MOVE
    left, right = _candidates(np.where(moving, level, np.nan))
    if kind is not None:
        fits = (kind[left] == kind[right]) | (kind[left] < 0) | (kind[right] < 0)
        left, right = left[fits], right[fits]
    compared = [_compared(level[:, a], level[:, b]) for a, b in zip(left, right, strict=True)]
    kept = np.array([row is not None for row in compared], dtype=bool)
    numbers = np.array([row for row in compared if row is not None], dtype=np.float64).reshape(-1, 3)
    return Twins(left[kept], right[kept], numbers[:, 0].astype(np.int64), numbers[:, 1].astype(np.int64), numbers[:, 2])


def groups(twins: Twins, columns: int) -> np.ndarray:
    """Per column the first column of its group: itself where it has no twin."""
    first, before = np.arange(columns), None
    while before is None or (first != before).any():
        before = first.copy()
        lowest = np.minimum(first[twins.left], first[twins.right])
        np.minimum.at(first, twins.left, lowest)
        np.minimum.at(first, twins.right, lowest)
    return first


def _candidates(level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs that stood beside each other, no more than the tolerance apart, at MIN_MEETINGS of the hours looked at."""
    columns = level.shape[1]
    # Counted back from the end: the newest hour is always looked at.
    met = [pair for row in level[::-EVERY_HOURS] for pair in _beside(row, columns)]
    pairs, meetings = np.unique(np.concatenate([*met, np.empty(0, dtype=np.int64)]), return_counts=True)
    pairs = pairs[meetings >= MIN_MEETINGS]
    return pairs // max(columns, 1), pairs % max(columns, 1)


def _beside(row: np.ndarray, columns: int) -> list[np.ndarray]:
    order = np.argsort(row, kind="stable")
    order = order[: np.count_nonzero(~np.isnan(row))]
    found = []
    for step in range(1, min(NEIGHBOURS + 1, len(order))):
        near = row[order[step:]] - row[order[:-step]] <= TOLERANCE
        low, high = order[:-step][near], order[step:][near]
        found.append(np.minimum(low, high) * columns + np.maximum(low, high))
    return found


def _compared(left: np.ndarray, right: np.ndarray) -> tuple[int, int, float] | None:
    """Hours compared, hours that agree and the largest difference; None where they are no twins."""
    apart = np.abs(left - right)
    known, agree = ~np.isnan(apart), apart <= TOLERANCE
    hours, agreeing = int(known.sum()), int(agree.sum())
    if hours < MIN_HOURS or agreeing < AGREEING_SHARE * hours or np.ptp(left[agree]) < LEAST_MOVE:
        return None
    return hours, agreeing, float(np.expm1(apart[known].max()))
