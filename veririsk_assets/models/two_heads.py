"""Two heads, price fall and liquidity fall, joined by 1 − (1 − a)(1 − b): one probability with its cause.

Each head is shallow boosting with a calibration of its own on the validation rows. `fit` takes labels of two columns,
price fall and liquidity fall, NaN where unknown: a row without LP supply teaches and asks only the price head.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Self

import numpy as np

from veririsk_assets.models.calibration import Calibration, straight
from veririsk_assets.models.gradient_boosting import GradientBoosting
from veririsk_assets.models.logistic_line import logit, sigmoid
from veririsk_assets.models.spec import Method, Rows

HEADS = ("price_fall", "liquidity_fall")
LABELS = ("price_fall", "outflow")
FILE = "heads.json"
LOWEST = -20.0


class TwoHeads:
    """Satisfies `RiskModel`, but for labels of two columns. `params` go to both heads."""

    method: Method = "tree_shap"
    algorithm = "two_heads"

    def __init__(self, seed: int = 7, **params: float) -> None:
        self.heads = [GradientBoosting(seed=seed + i, **params) for i in range(len(HEADS))]  # type: ignore[arg-type]
        self.curves = [Calibration("platt", (0.0,), (0.0,), 1.0) for _ in HEADS]

    def fit(self, x: np.ndarray, y: np.ndarray, validation: Rows) -> Self:
        """`y` and the validation labels: rows × 2. Raises ValueError where a head has no positive row to learn from or to be calibrated on."""
        held_x, held_y = validation
        for i, (name, head) in enumerate(zip(HEADS, self.heads, strict=True)):
            known, held = np.isfinite(y[:, i]), np.isfinite(held_y[:, i])
            if not (y[known, i].any() and held_y[held, i].any()):
                raise ValueError(f"no {name} among the training or the validation rows")
            head.fit(x[known], y[known, i], (held_x[held], held_y[held, i]))
            self.curves[i] = straight(head.margin(held_x[held]), held_y[held, i])
        return self

    def causes(self, x: np.ndarray) -> np.ndarray:
        """Rows × 2: calibrated probability of a price fall and of a liquidity fall."""
        return sigmoid(self._log_odds(x))

    def margin(self, x: np.ndarray) -> np.ndarray:
        return joined(self._log_odds(x))

    def contributions(self, x: np.ndarray) -> np.ndarray:
        """Each head's TreeSHAP, weighted by its share of the joined slope (a/p and b/p); what the bend leaves is spread by size."""
        if not len(x):
            return np.zeros((0, x.shape[1] + 1))
        raw = [head.contributions(x) for head in self.heads]
        slopes = np.array([curve.slope for curve in self.curves])
        base = joined(np.array([[curve.log_odds(part[:1, -1])[0] for curve, part in zip(self.curves, raw, strict=True)]]))[0]
        odds = self._log_odds(x)
        margin = joined(odds)
        share = sigmoid(odds) / sigmoid(margin)[:, None]
        parts = sum(share[:, [i]] * slopes[i] * part[:, :-1] for i, part in enumerate(raw))
        size = np.abs(parts) + 1e-12
        parts = parts + size / size.sum(axis=1, keepdims=True) * (margin - base - parts.sum(axis=1))[:, None]
        return np.column_stack([parts, np.full(len(x), base)])

    def save(self, folder: Path) -> None:
        for name, head in zip(HEADS, self.heads, strict=True):
            (folder / name).mkdir(parents=True, exist_ok=True)
            head.save(folder / name)
        (folder / FILE).write_text(json.dumps([asdict(curve) for curve in self.curves]))

    @classmethod
    def load(cls, folder: Path) -> Self:
        model = cls()
        stored = json.loads((folder / FILE).read_text())
        model.curves = [Calibration(c["kind"], tuple(c["knots"]), tuple(c["values"]), c["slope"]) for c in stored]
        model.heads = [GradientBoosting.load(folder / name) for name in HEADS]
        return model

    def _log_odds(self, x: np.ndarray) -> np.ndarray:
        columns = [curve.log_odds(head.margin(x)) for curve, head in zip(self.curves, self.heads, strict=True)]
        return np.maximum(np.column_stack(columns), LOWEST)


def joined(log_odds: np.ndarray) -> np.ndarray:
    """Log-odds that at least one of independent columns happens: rows × causes → rows."""
    return logit(1.0 - np.prod(1.0 - sigmoid(log_odds), axis=1))
