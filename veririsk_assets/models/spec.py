"""What a model is: a spec to make it from, and what every model can do. A new idea is one file and one line of a catalogue.

Arrays in, arrays out. No storage but the model's own folder, no clock, no Dagster.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import numpy as np

Method = Literal["tree_shap", "linear", "rule"]
Rows = tuple[np.ndarray, np.ndarray]


class NothingLearnt(ValueError):
    """A fit that tells no rows apart: it would say the base rate of everyone, with reasons of no weight."""


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

    @property
    def positives_needed(self) -> int:
        """The fewest positive rows of a label from which its parameters let it learn anything; 0: they set no floor."""

    def fit(self, x: np.ndarray, y: np.ndarray, validation: Rows) -> Self:
        """Learn from matured rows; `validation` lies later in time and may stop the learning, nothing else.

        Raises NothingLearnt where the fit tells no rows apart.
        """

    def margin(self, x: np.ndarray) -> np.ndarray:
        """Uncalibrated log-odds, float64, one per row."""

    def contributions(self, x: np.ndarray) -> np.ndarray:
        """Rows × (features + 1); the last column is the base value; a row sums to its margin within 1e-4."""

    def save(self, folder: Path) -> None:
        """Write the fitted state as JSON or XGBoost's UBJ, never pickle."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""


@dataclass(frozen=True)
class Entry:
    """How a model is made, and the columns it looks at. `label` None: the label that the caller asks for; `also`: what it learns beside it.

    `has_names`: `make` gets the names of its columns first. `needs`: columns without which it cannot say what it is there for.
    """

    make: Callable[..., RiskModel]
    features: tuple[str, ...]
    label: str | None = None
    also: tuple[str, ...] = ()
    has_names: bool = False
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spec:
    """What to train: a catalogue name, the features in order, the label that it is judged by and the horizon it looks ahead."""

    name: str
    features: tuple[str, ...]
    horizon_hours: int
    label: str
    entry: Entry
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """What it learns: its `y` has a column for each of them."""
        return (self.label, *self.entry.also)

    @property
    def lacking(self) -> tuple[str, ...]:
        """Columns that its model needs and the spec does not have."""
        return tuple(name for name in self.entry.needs if name not in self.features)

    def make(self) -> RiskModel:
        """An unfitted model."""
        return self.entry.make(*([self.features] if self.entry.has_names else []), **self.params)

    def narrowed(self, available: tuple[str, ...]) -> "Spec":
        """The spec without the features that the data does not have."""
        return replace(self, features=tuple(name for name in self.features if name in available))
