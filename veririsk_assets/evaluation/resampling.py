"""Block bootstrap without a loop over draws: a draw is a count per block, and every metric is a sum over blocks.

A block (a week, or a key) is drawn as often as its count says, all of its rows together. Draws depend only on the number
of blocks and the seed, so two models on the same rows meet the same draws, and their difference is a paired one.
"""

from collections.abc import Iterator

import numpy as np

from veririsk_assets.evaluation.calibration_line import calibration_line
from veririsk_assets.evaluation.metrics import CALIBRATION_BINS, bins_for, calibration_bin, checked

DRAWS = 500
SEED = 20_210_519
_CHUNK_CELLS = 2_000_000


def block_counts(blocks: int, draws: int = DRAWS, seed: int = SEED) -> np.ndarray:
    """(1 + draws) × blocks: how often each draw takes each block. Row 0 takes each once, which is the sample itself."""
    if blocks < 2:
        raise ValueError(f"{blocks} block: a block bootstrap needs at least 2")
    drawn = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1.0 / blocks), size=draws)
    return np.vstack([np.ones(blocks), drawn]).astype(np.float64)


def block_index(block: np.ndarray) -> tuple[np.ndarray, int]:
    """Block ids as 0 … n − 1, and n."""
    ids, index = np.unique(np.asarray(block), return_inverse=True)
    return index.reshape(-1), len(ids)


def block_sums(values: np.ndarray, block: np.ndarray, blocks: int) -> np.ndarray:
    """Sum of `values` in each block."""
    return np.bincount(block, weights=values, minlength=blocks)


def ratio(numerator: np.ndarray, denominator: np.ndarray, empty: float = np.nan) -> np.ndarray:
    """Elementwise quotient; `empty` where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.full(np.shape(denominator), empty), where=denominator != 0)


def resampled_ranking(
    label: np.ndarray,
    score: np.ndarray,
    block: np.ndarray,
    draws: int = DRAWS,
    seed: int = SEED,
    weight: np.ndarray | None = None,
    fold: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """`ap`, `auc`, `base_rate`, `chance_ap` and `lift` of the sample (place 0) and of each draw, exact in ties.

    `fold`: a number per row, of the fit that scored it. Scores of two fits are never ranked against each other: each fold is
    ranked by itself, and folds are combined by their positives. `chance_ap` is what no skill gets then (without folds the base
    rate), and `lift` the AP over it.
    """
    label, score, weight = checked(label, score, weight)
    index, blocks = block_index(block)
    counts = block_counts(blocks, draws, seed)
    folds = [slice(None)] if fold is None else [np.flatnonzero(fold == one) for one in np.unique(fold)]
    parts = [_ranked(label[rows], score[rows], weight[rows], index[rows], counts) for rows in folds]
    by_fold = np.array(parts)
    positives, negatives, precision_sum, pair_share = by_fold.sum(axis=0)
    hits, misses = by_fold[:, 0], by_fold[:, 1]
    # A fold without negatives ranks nothing: its positives do not count.
    paired = np.where(misses > 0, hits, 0.0).sum(axis=0)
    ap, chance_ap = ratio(precision_sum, positives), ratio((hits * ratio(hits, hits + misses, empty=0.0)).sum(axis=0), positives)
    return {
        "ap": ap,
        "auc": ratio(pair_share, paired),
        "base_rate": ratio(positives, positives + negatives),
        "chance_ap": chance_ap,
        "lift": ratio(ap, chance_ap),
    }


def resampled_calibration(
    label: np.ndarray,
    prob: np.ndarray,
    block: np.ndarray,
    draws: int = DRAWS,
    seed: int = SEED,
    weight: np.ndarray | None = None,
    bins: int = CALIBRATION_BINS,
    known_rate: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Of the sample and of each draw; bins are the sample's.

    `brier_skill` is against each draw's own base rate, `brier_skill_known` against `known_rate`: per row, the base rate that was
    known then. `ece`, and `ece_to_base` as in `metrics`. `slope` and `intercept` as in `calibration_line`.
    """
    label, prob, weight = checked(label, prob, weight)
    index, blocks = block_index(block)
    counts = block_counts(blocks, draws, seed)
    rows, hits, error = (counts @ block_sums(v, index, blocks) for v in (weight, weight * label, weight * (prob - label) ** 2))
    base = ratio(hits, rows)

    def gap(bins: int) -> np.ndarray:
        place = index * bins + calibration_bin(prob, bins)
        return np.abs(counts @ block_sums(weight * (prob - label), place, blocks * bins).reshape(blocks, bins)).sum(axis=1)

    error_to_base = ratio(gap(bins_for(float(weight @ label))), hits)
    slope, intercept = calibration_line(label, prob, weight, index, counts)
    found = {
        "brier_skill": 1.0 - ratio(ratio(error, rows), base * (1.0 - base)),
        "ece": ratio(gap(bins), rows),
        "ece_to_base": error_to_base,
    }
    if known_rate is not None:
        naive = counts @ block_sums(weight * (known_rate - label) ** 2, index, blocks)
        found["brier_skill_known"] = 1.0 - ratio(error, naive)
    return found | {"slope": slope, "intercept": intercept}


def resampled_ratio(numerator: np.ndarray, denominator: np.ndarray, block: np.ndarray, draws: int = DRAWS, seed: int = SEED) -> np.ndarray:
    """Sum of `numerator` over sum of `denominator`, for the sample and for each draw; one place per item."""
    index, blocks = block_index(block)
    counts = block_counts(blocks, draws, seed)
    return ratio(counts @ block_sums(numerator, index, blocks), counts @ block_sums(denominator, index, blocks))


def _ranked(
    label: np.ndarray, score: np.ndarray, weight: np.ndarray, block: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of one fold, per draw: weight of positives and of negatives, sum of precision over positives, and of the share of negatives
    that each positive outranks.

    Both rankings only change where a positive row stands, so rows are first counted into (threshold of a positive × block).
    """
    positives, negatives = (counts @ block_sums(side, block, counts.shape[1]) for side in (weight * label, weight * (1.0 - label)))
    precision_sum, pair_sum = _ranking_sums(label, score, weight, block, counts, negatives)
    return positives, negatives, precision_sum, ratio(pair_sum, negatives, empty=0.0)


def _ranking_sums(
    label: np.ndarray, score: np.ndarray, weight: np.ndarray, block: np.ndarray, counts: np.ndarray, negatives: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Per draw: sum of precision over positives, and weight of (positive, negative) pairs in the right order."""
    precision_sum, pair_sum = np.zeros(len(counts)), np.zeros(len(counts))
    hits, misses = np.zeros((len(counts), 1)), np.zeros((len(counts), 1))
    for gain, passed, tied in _threshold_weights(label, score, weight, block, counts):
        above_hits, above_misses = hits + np.cumsum(gain, axis=1), misses + np.cumsum(passed, axis=1)
        taken = above_hits + above_misses
        precision_sum += (gain * np.divide(above_hits, taken, out=np.zeros_like(taken), where=taken > 0)).sum(axis=1)
        pair_sum += (gain * (negatives[:, None] - above_misses + tied / 2)).sum(axis=1)
        hits, misses = above_hits[:, -1:], above_misses[:, -1:]
    return precision_sum, pair_sum


def _threshold_weights(
    label: np.ndarray, score: np.ndarray, weight: np.ndarray, block: np.ndarray, counts: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Chunks of (draws × thresholds), from the highest threshold down; a threshold is a distinct score of a positive row.

    Weight of positives at it, of negatives from it up to the threshold above, and of those negatives that tie with it.
    """
    rising = np.unique(score[label > 0])
    step = len(rising) - np.searchsorted(rising, score, side="right")
    order = np.argsort(step, kind="stable")
    order = order[: np.searchsorted(step[order], len(rising))]
    step, block, label, weight, score = step[order], block[order], label[order], weight[order], score[order]
    tie = weight * (1.0 - label) * (score == rising[len(rising) - 1 - step])
    blocks, size = counts.shape[1], max(1, _CHUNK_CELLS // sum(counts.shape))
    for first in range(0, len(rising), size):
        width = min(size, len(rising) - first)
        rows = slice(*np.searchsorted(step, (first, first + width)))
        cell = (step[rows] - first) * blocks + block[rows]
        parts = (weight[rows] * label[rows], weight[rows] * (1.0 - label[rows]), tie[rows])
        gain, passed, tied = (counts @ block_sums(v, cell, width * blocks).reshape(width, blocks).T for v in parts)
        yield gain, passed, tied
