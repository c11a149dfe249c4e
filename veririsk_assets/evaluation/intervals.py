"""95 % intervals by block bootstrap, of one model and of the difference of two on the same draws.

Pass weeks as `block` for the interval that counts, and keys for the second one. Intervals are percentiles of the draws, further
out the fewer the blocks (Hesterberg's expanded percentiles): plain ones of 6 weeks exclude the truth in 13 % instead of 5 %. A draw that a metric cannot be read from (no positive row in it) is left out. The interval of an expected calibration
error lies too high, because noise can only add to it: read it as a bound from above.
"""

from dataclasses import dataclass
from functools import cache
from math import sqrt

import numpy as np

from veririsk_assets.evaluation.resampling import DRAWS, SEED, resampled_calibration, resampled_ranking

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % interval; all NaN where the metric is not defined."""

    value: float
    lo: float
    hi: float

    def excludes(self, number: float) -> bool:
        """Whether the whole interval lies on one side of `number`."""
        return self.lo > number or self.hi < number


@dataclass(frozen=True)
class Draws:
    """A metric on the sample and on each bootstrap draw. Draws of one seed over the same blocks may be subtracted.

    `blocks`: how many were drawn from; None: so many that it does not matter.
    """

    value: float
    samples: np.ndarray
    blocks: int | None = None

    def __sub__(self, other: "Draws") -> "Draws":
        return Draws(self.value - other.value, self.samples - other.samples, self.blocks)

    def interval(self) -> Interval:
        """The percentile interval of the draws, expanded for few blocks."""
        known = self.samples[np.isfinite(self.samples)]
        if not len(known):
            return Interval(self.value, np.nan, np.nan)
        outside = tail(self.blocks)
        lo, hi = np.quantile(known, (outside, 1 - outside))
        return Interval(self.value, float(lo), float(hi))


@cache
def tail(blocks: int | None) -> float:
    """Share of the draws that lies outside at each end.

    Draws from n blocks spread as if the variance were divided by n and not by n − 1, and a mean of n blocks has Student's
    tails: the level that makes up for both (Hesterberg 2015, "What teachers should know about the bootstrap", 5.3).
    """
    if blocks is None:
        return (1 - LEVEL) / 2
    from scipy.special import ndtr, stdtrit

    return float(ndtr(-sqrt(blocks / (blocks - 1)) * stdtrit(blocks - 1, (1 + LEVEL) / 2)))


def as_draws(metrics: dict[str, np.ndarray], blocks: int | None = None) -> dict[str, Draws]:
    """Arrays whose place 0 is the sample, as `Draws` from so many blocks."""
    return {name: Draws(float(values[0]), values[1:], blocks) for name, values in metrics.items()}


def ranking_draws(
    label: np.ndarray,
    score: np.ndarray,
    block: np.ndarray,
    draws: int = DRAWS,
    seed: int = SEED,
    weight: np.ndarray | None = None,
    fold: np.ndarray | None = None,
) -> dict[str, Draws]:
    """As `resampled_ranking`: compute once per model, then subtract models pairwise for free."""
    return as_draws(resampled_ranking(label, score, block, draws, seed, weight, fold), len(np.unique(block)))


def calibration_draws(
    label: np.ndarray,
    prob: np.ndarray,
    block: np.ndarray,
    draws: int = DRAWS,
    seed: int = SEED,
    weight: np.ndarray | None = None,
    known_rate: np.ndarray | None = None,
) -> dict[str, Draws]:
    """As `resampled_calibration`."""
    return as_draws(resampled_calibration(label, prob, block, draws, seed, weight, known_rate=known_rate), len(np.unique(block)))


def intervals(draws: dict[str, Draws]) -> dict[str, Interval]:
    """The interval of each metric."""
    return {name: drawn.interval() for name, drawn in draws.items()}


def differences(a: dict[str, Draws], b: dict[str, Draws]) -> dict[str, Interval]:
    """Paired intervals of a − b, for the metrics that both have; a gain counts when its interval excludes 0."""
    return {name: (a[name] - b[name]).interval() for name in a if name in b}


def bootstrap(
    label: np.ndarray,
    score: np.ndarray,
    block: np.ndarray,
    draws: int = DRAWS,
    seed: int = SEED,
    weight: np.ndarray | None = None,
    fold: np.ndarray | None = None,
) -> dict[str, Interval]:
    """Intervals of what `ranking_draws` draws."""
    return intervals(ranking_draws(label, score, block, draws, seed, weight, fold))


def bootstrap_calibration(
    label: np.ndarray,
    prob: np.ndarray,
    block: np.ndarray,
    draws: int = DRAWS,
    seed: int = SEED,
    weight: np.ndarray | None = None,
) -> dict[str, Interval]:
    """Intervals of `brier_skill` and `ece`."""
    return intervals(calibration_draws(label, prob, block, draws, seed, weight))


def paired_bootstrap(
    label: np.ndarray,
    score_a: np.ndarray,
    score_b: np.ndarray,
    block: np.ndarray,
    draws: int = DRAWS,
    seed: int = SEED,
    weight: np.ndarray | None = None,
) -> dict[str, Interval]:
    """Intervals of the gain of a over b in `ap`, `auc` and `lift`, on the same rows and the same draws."""
    a, b = (ranking_draws(label, score, block, draws, seed, weight) for score in (score_a, score_b))
    return {name: interval for name, interval in differences(a, b).items() if name != "base_rate"}
