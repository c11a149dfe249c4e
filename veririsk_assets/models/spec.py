"""What a model is: a spec to make it from, and what every model can do. A new idea is one file and one catalogue line.

Arrays in, arrays out. No storage but the model's own folder, no clock, no Dagster.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import numpy as np

Method = Literal["tree_shap", "linear", "rule"]
Rows = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Spec:
    """What to train: a catalogue name, the features in order, the label that it is judged by and the horizon it looks ahead.

    `also`: labels that it learns beside it; its `y` then has a column for each of `labels`.
    """

    name: str
    features: tuple[str, ...]
    horizon_hours: int
    label: str = "crash"
    params: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        return (self.label, *self.also)


class RiskModel(Protocol):
    """Rows in, log-odds out. `x` is float32, rows × features, NaN where unknown."""

    @property
    def method(self) -> Method:
        """How its contributions are made."""

    @property
    def algorithm(self) -> str:
        """Which class reads its folder."""

    @property
    def hyperparameters(self) -> Mapping[str, Any]:
        """All that was chosen for it and not learnt, defaults included; after `fit` also where the learning stopped.

        Plain values. A loaded model does not know them: the artefact's metadata do (`hyperparameters`).
        """

    def fit(self, x: np.ndarray, y: np.ndarray, validation: Rows) -> Self:
        """Learn from matured rows; `validation` lies later in time and may stop the learning, nothing else."""

    def margin(self, x: np.ndarray) -> np.ndarray:
        """Uncalibrated log-odds, float64, one per row."""

    def contributions(self, x: np.ndarray) -> np.ndarray:
        """Rows × (features + 1); the last column is the base value; a row sums to its margin within 1e-4."""

    def save(self, folder: Path) -> None:
        """Write the fitted state as JSON or XGBoost's UBJ, never pickle."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
