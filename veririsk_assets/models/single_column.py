"""One column as a forecast: what any model has to beat. It ranks as the column ranks; a logistic line makes it log-odds."""

import json
from pathlib import Path
from typing import Any, Self

import numpy as np

from veririsk_assets.models.logistic_line import fit_logistic_line
from veririsk_assets.models.spec import Method, Rows
from veririsk_assets.models.squash import Squash

FILE = "model.json"
SMALLEST_SLOPE = 1e-3


class SingleColumn:
    """`sign` −1 where low values are the risky ones. The slope never turns: a baseline is not allowed to learn the other way."""

    method: Method = "linear"
    algorithm = "single_column"

    def __init__(self, sign: int = 1) -> None:
        self.sign = sign
        self.squash = Squash(np.zeros(1), np.ones(1))
        self.slope, self.intercept, self.mean = 1.0, 0.0, 0.0

    @property
    def hyperparameters(self) -> dict[str, Any]:
        return {"sign": self.sign, "smallest_slope": SMALLEST_SLOPE}

    @property
    def positives_needed(self) -> int:
        return 0

    # The name is the interface's.
    def fit(self, x: np.ndarray, y: np.ndarray, validation: Rows) -> Self:  # noqa: ARG002
        """`x` has one column; `validation` is not used."""
        if x.shape[1] != 1:
            raise ValueError(f"a single-column model takes one column, got {x.shape[1]}")
        self.squash = Squash.of(x)
        bent = self._bent(x)
        slope, self.intercept = fit_logistic_line(bent, y, (1.0, 0.0), (0.01, 0.01))
        self.slope, self.mean = max(slope, SMALLEST_SLOPE), float(bent.mean())
        return self

    def margin(self, x: np.ndarray) -> np.ndarray:
        return self.slope * self._bent(x) + self.intercept

    def contributions(self, x: np.ndarray) -> np.ndarray:
        share = self.slope * (self._bent(x) - self.mean)
        return np.column_stack([share, np.full(len(x), self.slope * self.mean + self.intercept)])

    def save(self, folder: Path) -> None:
        state = {"sign": self.sign, "squash": self.squash.to_json(), "slope": self.slope}
        (folder / FILE).write_text(json.dumps(state | {"intercept": self.intercept, "mean": self.mean}))

    @classmethod
    def load(cls, folder: Path) -> Self:
        state = json.loads((folder / FILE).read_text())
        model = cls(state["sign"])
        model.squash = Squash.from_json(state["squash"])
        model.slope, model.intercept, model.mean = state["slope"], state["intercept"], state["mean"]
        return model

    def _bent(self, x: np.ndarray) -> np.ndarray:
        return self.sign * self.squash(x)[:, 0]
