"""The early-warning score: a weighted composite of nine signals, 0 to 100. Also the rule that serves without a model.

Each signal runs from its calm end (0) to its alarming end (1); the points are weight × signal. The ends come from the
report's own state table: normal hours emit an imbalance of 2 to 8 % and a TVL change within ±1 % an hour, a pre-crash
loses about 1 % an hour at an imbalance of 10 to 30 % and 1.5 to 3.5 times the volume, a crash 4 to 10 % an hour.
Weights and ends were chosen on simulated markets (seed 100); on other seeds of the report's generator 87 % of HIGH hours are in
a pre-crash or crash, or within 24 hours before one. The imbalance could decide nearly alone there; it may not weigh more than
30, because real pools hardly show it. Unknown signals give no points; the known ones are scaled up to 100, but to no more than twice their weight.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from veririsk_assets.panels.tiles import on_tiles


@dataclass(frozen=True)
class Signal:
    """`calm` is worth 0, `alarm` and beyond the whole `weight`."""

    feature: str
    weight: float
    calm: float
    alarm: float


SIGNALS: tuple[Signal, ...] = (
    Signal("tvl_change_6h", 24.0, -0.01, -0.045),
    Signal("tvl_change_24h", 10.0, -0.02, -0.08),
    Signal("reserve_imbalance", 30.0, 0.08, 0.12),
    Signal("volatility_6h", 5.0, 0.006, 0.025),
    Signal("volume_spike_ratio", 11.0, 1.25, 1.7),
    Signal("tvl_acceleration", 4.0, -0.01, -0.035),
    Signal("reserve_imbalance_rate", 8.0, 0.04, 0.08),
    Signal("volatility_24h", 4.0, 0.006, 0.02),
    Signal("volatility_ratio", 4.0, 1.05, 1.25),
)
# With less than half of the weight known, a single signal would decide alone.
LARGEST_SCALE = np.float32(2)
# A few rows at a time stay in the cache.
BLOCK_ROWS = 64


def terms(features: Mapping[str, np.ndarray], signals: tuple[Signal, ...] = SIGNALS) -> dict[str, np.ndarray]:
    """Points per signal; they add up to the score. Unknown signals have 0 points; all NaN where none is known."""
    parts = {s.feature: np.asarray(features[s.feature], dtype=np.float32) for s in signals}
    known = sum(np.float32(s.weight) * ~np.isnan(parts[s.feature]) for s in signals)
    with np.errstate(divide="ignore"):
        scale = np.where(known > 0, np.minimum(np.float32(100) / known, LARGEST_SCALE), np.float32(np.nan))
    return {s.feature: (s.weight * scale) * _share(s, parts[s.feature]) for s in signals}


def _share(signal: Signal, value: np.ndarray) -> np.ndarray:
    # fmax takes the number of the two, so an unknown value has no share.
    return np.fmin(np.fmax((value - signal.calm) * (1.0 / (signal.alarm - signal.calm)), 0.0), 1.0)


def early_warning_score(features: Mapping[str, np.ndarray], signals: tuple[Signal, ...] = SIGNALS) -> np.ndarray:
    """0 to 100, float32; NaN where no signal is known."""
    columns = {s.feature: np.atleast_2d(features[s.feature]) for s in signals}
    height, keys = columns[signals[0].feature].shape
    score = np.empty((height, keys), dtype=np.float32)

    def compute(start: int, stop: int, left: int, right: int) -> None:
        for top in range(start, stop, BLOCK_ROWS):
            block = slice(top, min(top + BLOCK_ROWS, stop)), slice(left, right)
            score[block] = sum(terms({name: column[block] for name, column in columns.items()}, signals).values())

    on_tiles(compute, start=0, stop=height, columns=keys)
    return np.minimum(score, np.float32(100)).reshape(np.shape(features[signals[0].feature]))
