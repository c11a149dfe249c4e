"""Logistic regression on squashed columns and on whether a column is known. Learned by sklearn, served by numpy alone."""

import json
from pathlib import Path
from typing import Any, Self

import numpy as np

from veririsk_assets.models.spec import Method, Rows
from veririsk_assets.models.squash import Squash

FILE = "model.json"
RARE = 0.01
SOLVER: dict[str, Any] = {"max_iter": 500, "tol": 1e-5}
# Penalty → the share of it that is absolute rather than squared.
PENALTIES = {"l2": 0.0, "l1": 1.0}


class LogisticRegression:
    """The scaler and the missing-value indicators are part of the artefact. `strength` is sklearn's C; l1 leaves out what adds little."""

    method: Method = "linear"
    algorithm = "logistic_regression"

    def __init__(self, strength: float = 0.1, penalty: str = "l2", solver: str = "lbfgs") -> None:
        self.strength, self.penalty, self.solver = strength, penalty, solver
        self.squash = Squash(np.zeros(0), np.ones(0))
        self.indicated = np.zeros(0, dtype=np.int64)
        self.coefficients = np.zeros(0)
        self.means = np.zeros(0)
        self.base = 0.0

    @property
    def hyperparameters(self) -> dict[str, Any]:
        return {"strength": self.strength, "penalty": self.penalty, "solver": self.solver, **SOLVER}

    @property
    def positives_needed(self) -> int:
        return 0

    # The name is the interface's.
    def fit(self, x: np.ndarray, y: np.ndarray, validation: Rows) -> Self:  # noqa: ARG002
        """`validation` is not used: there is nothing to stop early."""
        from sklearn.linear_model import LogisticRegression as Solver

        missing = (~np.isfinite(x)).mean(axis=0)
        self.squash = Squash.of(x)
        self.indicated = np.flatnonzero((missing > RARE) & (missing < 1 - RARE))
        terms = self._terms(x)
        self.means = terms.mean(axis=0)
        solver = Solver(C=self.strength, l1_ratio=PENALTIES[self.penalty], solver=self.solver, random_state=0, **SOLVER).fit(
            terms - self.means, y
        )
        self.coefficients, self.base = solver.coef_[0], float(solver.intercept_[0])
        return self

    def margin(self, x: np.ndarray) -> np.ndarray:
        return (self._terms(x) - self.means) @ self.coefficients + self.base

    def contributions(self, x: np.ndarray) -> np.ndarray:
        """coefficient · (term − its training mean); a column's indicator counts towards the column."""
        features = x.shape[1]
        parts = (self._terms(x) - self.means) * self.coefficients
        shares = np.column_stack([parts[:, :features], np.full(len(x), self.base)])
        shares[:, self.indicated] += parts[:, features:]
        return shares

    def save(self, folder: Path) -> None:
        state = {
            "squash": self.squash.to_json(),
            "indicated": self.indicated.tolist(),
            "coefficients": self.coefficients.tolist(),
            "means": self.means.tolist(),
            "base": self.base,
            "strength": self.strength,
        }
        (folder / FILE).write_text(json.dumps(state))

    @classmethod
    def load(cls, folder: Path) -> Self:
        state = json.loads((folder / FILE).read_text())
        model = cls(state["strength"])
        model.squash = Squash.from_json(state["squash"])
        model.indicated = np.array(state["indicated"], dtype=np.int64)
        model.coefficients, model.means, model.base = np.array(state["coefficients"]), np.array(state["means"]), state["base"]
        return model

    def _terms(self, x: np.ndarray) -> np.ndarray:
        return np.column_stack([self.squash(x), ~np.isfinite(x[:, self.indicated])])
