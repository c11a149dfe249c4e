"""The early-warning score: a weighted composite of nine signals, 0 to 100. Also the rule that serves without a model.

Each signal runs from its calm end (0) to its alarming end (1); the points are weight × signal. The ends come from the
report's own state table: normal hours emit an imbalance of 2 to 8 % and a TVL change within ±1 % an hour, a pre-crash
loses about 1 % an hour at an imbalance of 10 to 30 % and 1.5 to 3.5 times the volume, a crash 4 to 10 % an hour.
Unknown signals give no points; the known ones are scaled up to 100, but to no more than twice their weight.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Signal:
    """`calm` is worth 0, `alarm` and beyond the whole `weight`."""

    feature: str
    weight: float
    calm: float
    alarm: float


SIGNALS: tuple[Signal, ...] = (
    Signal("tvl_change_6h", 25.0, -0.025, -0.06),
    Signal("tvl_change_24h", 20.0, -0.05, -0.14),
    Signal("reserve_imbalance", 20.0, 0.08, 0.14),
    Signal("volatility_6h", 8.0, 0.008, 0.03),
    Signal("volume_spike_ratio", 7.0, 1.3, 2.2),
    Signal("tvl_acceleration", 6.0, -0.01, -0.05),
    Signal("reserve_imbalance_rate", 6.0, 0.02, 0.12),
    Signal("volatility_24h", 4.0, 0.008, 0.03),
    Signal("volatility_ratio", 4.0, 1.1, 1.6),
)
# With less than half of the weight known, a single signal would decide alone.
LARGEST_SCALE = 2.0
# A few rows at a time stay in the cache: a quarter of the time of a whole backfill at once.
BLOCK_ROWS = 16


def terms(features: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Points per signal; they add up to the score. Unknown signals have 0 points; all NaN where none is known."""
    parts = {s.feature: np.asarray(features[s.feature], dtype=np.float64) for s in SIGNALS}
    known = sum(s.weight * ~np.isnan(parts[s.feature]) for s in SIGNALS)
    with np.errstate(divide="ignore"):
        scale = np.where(known > 0, np.minimum(100.0 / known, LARGEST_SCALE), np.nan)
    return {s.feature: s.weight * scale * np.nan_to_num(_share(s, parts[s.feature])) for s in SIGNALS}


def _share(signal: Signal, value: np.ndarray) -> np.ndarray:
    return np.clip((value - signal.calm) / (signal.alarm - signal.calm), 0.0, 1.0)


def early_warning_score(features: Mapping[str, np.ndarray]) -> np.ndarray:
    """0 to 100, float32; NaN where no signal is known."""
    columns = {s.feature: np.asarray(features[s.feature]) for s in SIGNALS}
    score = np.empty(columns[SIGNALS[0].feature].shape, dtype=np.float32)
    for top in range(0, len(score), BLOCK_ROWS):
        block = slice(top, top + BLOCK_ROWS)
        score[block] = sum(terms({name: column[block] for name, column in columns.items()}).values())
    return np.minimum(score, np.float32(100))
