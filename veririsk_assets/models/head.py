"""One head: shallow boosting for one cause of a crash, on the columns that it may see, with a calibration of its own."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np

from veririsk_assets.models.calibration import Calibration, straight
from veririsk_assets.models.gradient_boosting import GradientBoosting
from veririsk_assets.models.spec import NothingLearnt


class Head:
    """`hidden` are the places of columns that it never sees. Its calibration is a line, so that reasons add up after it too."""

    def __init__(self, name: str, hidden: Sequence[int] = (), **params: Any) -> None:
        self.name, self.hidden = name, list(hidden)
        self.model = GradientBoosting(**params)
        self.curve = Calibration("platt", (0.0,), (0.0,), 1.0)

    @property
    def hyperparameters(self) -> dict[str, Any]:
        return self.model.hyperparameters | {"hidden_columns": len(self.hidden)}

    def fit(self, x: np.ndarray, y: np.ndarray, held_x: np.ndarray, held_y: np.ndarray) -> Self:
        """Labels are NaN where unknown. Raises ValueError without a positive row to learn from or to be calibrated on, NothingLearnt without a split."""
        known, held = np.isfinite(y), np.isfinite(held_y)
        if not (y[known].any() and held_y[held].any()):
            raise ValueError(f"no {self.name} among the training or the validation rows")
        seen, held_x = self._seen(x[known]), self._seen(held_x[held])
        try:
            self.model.fit(seen, y[known], (held_x, held_y[held]))
        except NothingLearnt as reason:
            raise NothingLearnt(f"{self.name}: {reason}") from reason
        self.curve = straight(self.model.margin(held_x), held_y[held])
        return self

    def log_odds(self, x: np.ndarray) -> np.ndarray:
        """Calibrated."""
        return self.curve.log_odds(self.model.margin(self._seen(x)))

    def contributions(self, x: np.ndarray) -> np.ndarray:
        """Rows × (features + 1), the base value last; a row sums to its calibrated log-odds. Hidden columns have no share."""
        shares = self.model.contributions(self._seen(x)) * self.curve.slope
        shares[:, -1] += self.curve.values[0] - self.curve.slope * self.curve.knots[0]
        whole = np.zeros((len(x), x.shape[1] + 1))
        whole[:, np.delete(np.arange(x.shape[1] + 1), self.hidden)] = shares
        return whole

    def save(self, folder: Path) -> None:
        self.model.save(folder, f"{self.name}.ubj")
        (folder / f"{self.name}.json").write_text(json.dumps({"hidden": self.hidden, "curve": asdict(self.curve)}))

    @classmethod
    def load(cls, folder: Path, name: str) -> Self:
        state = json.loads((folder / f"{name}.json").read_text())
        head, curve = cls(name, state["hidden"]), state["curve"]
        head.curve = Calibration(curve["kind"], tuple(curve["knots"]), tuple(curve["values"]), curve["slope"])
        head.model = GradientBoosting.load(folder, f"{name}.ubj")
        return head

    def _seen(self, x: np.ndarray) -> np.ndarray:
        return np.delete(x, self.hidden, axis=1) if self.hidden else x
