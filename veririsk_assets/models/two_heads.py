"""Two heads, price fall and liquidity fall, joined by 1 − (1 − a)(1 − b): one probability with its cause.

Only the liquidity head looks at LP columns, so the price head means the same where LP supply is unknown. There the liquidity
head says nothing, and a third head, which learns the crash itself, answers instead of the join.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from veririsk_assets.contracts.vocabulary import CAUSES
from veririsk_assets.models.head import Head
from veririsk_assets.models.logistic_line import logit, sigmoid
from veririsk_assets.models.spec import Method, Rows

DIRECT = "direct"
LABELS = ("price_fall", "outflow")
FILE = "heads.json"
LOWEST = -20.0


class TwoHeads:
    """`lp_columns`: places of the LP columns; LP supply is known where any of them is. `params` go to every head.

    None: LP supply is taken as known in every row, every head sees every column, and there is no third head.
    """

    method: Method = "tree_shap"
    algorithm = "two_heads"

    def __init__(self, lp_columns: Sequence[int] | None = None, seed: int = 7, **params: Any) -> None:
        self.lp_columns = None if lp_columns is None else list(lp_columns)
        hidden = self.lp_columns or []
        self.heads = [Head(CAUSES[0], hidden, seed=seed, **params), Head(CAUSES[1], seed=seed + 1, **params)]
        self.direct = None if lp_columns is None else Head(DIRECT, hidden, seed=seed + 2, **params)

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """What all heads share once, and what is each head's own under its name."""
        of = {head.name: head.hyperparameters for head in [*self.heads, *([self.direct] if self.direct else [])]}
        first = of[CAUSES[0]]
        shared = {name: value for name, value in first.items() if all(one.get(name) == value for one in of.values())}
        return shared | {f"{head}_{name}": value for head, own in of.items() for name, value in own.items() if name not in shared}

    @property
    def positives_needed(self) -> int:
        return max(head.model.positives_needed for head in self.heads)

    def fit(self, x: np.ndarray, y: np.ndarray, validation: Rows) -> Self:
        """`y` and the validation labels, NaN where unknown: rows × 2 (LABELS), or rows × 3 with the crash first for the third head.

        Raises ValueError where a head has no positive row to learn from or to be calibrated on, NothingLearnt where one has no split.
        """
        held_x, held_y = validation
        heads = [self.direct, *self.heads] if self.direct else self.heads
        for i, head in enumerate(heads):
            head.fit(x, y[:, i], held_x, held_y[:, i])
        return self

    def knows_lp(self, x: np.ndarray) -> np.ndarray:
        """Rows whose LP supply is known."""
        if self.lp_columns is None:
            return np.ones(len(x), dtype=bool)
        return np.asarray(np.isfinite(x[:, self.lp_columns]).any(axis=1))

    def causes(self, x: np.ndarray) -> np.ndarray:
        """Rows × 2: calibrated probability of a price fall and of a liquidity fall, which is NaN without LP supply."""
        found = sigmoid(np.column_stack([head.log_odds(x) for head in self.heads]))
        found[~self.knows_lp(x), 1] = np.nan
        return found

    def cause_contributions(self, x: np.ndarray, head: int) -> np.ndarray:
        """Reasons of one head, rows × (features + 1): a row sums to the log-odds of its `causes`."""
        return self.heads[head].contributions(x)

    def margin(self, x: np.ndarray) -> np.ndarray:
        known = self.knows_lp(x)
        margin = np.empty(len(x))
        margin[known] = joined(self._log_odds(x[known]))
        if self.direct is not None:
            margin[~known] = self.direct.log_odds(x[~known])
        return margin

    def contributions(self, x: np.ndarray) -> np.ndarray:
        """The join's, or the third head's where that one answers."""
        known = self.knows_lp(x)
        shares = np.empty((len(x), x.shape[1] + 1))
        shares[known] = self._joined_contributions(x[known])
        if self.direct is not None:
            shares[~known] = self.direct.contributions(x[~known])
        return shares

    def _joined_contributions(self, x: np.ndarray) -> np.ndarray:
        """Each head's, weighted by its share of the joined slope (a/p and b/p); what the bend leaves is spread by size."""
        if not len(x):
            return np.zeros((0, x.shape[1] + 1))
        raw = [head.contributions(x) for head in self.heads]
        base = joined(np.array([[part[0, -1] for part in raw]]))[0]
        odds = self._log_odds(x)
        margin = joined(odds)
        share = sigmoid(odds) / sigmoid(margin)[:, None]
        parts = sum(share[:, [i]] * part[:, :-1] for i, part in enumerate(raw))
        size = np.abs(parts) + 1e-12
        parts = parts + size / size.sum(axis=1, keepdims=True) * (margin - base - parts.sum(axis=1))[:, None]
        return np.column_stack([parts, np.full(len(x), base)])

    def save(self, folder: Path) -> None:
        for head in [*self.heads, *([self.direct] if self.direct else [])]:
            head.save(folder)
        (folder / FILE).write_text(json.dumps({"lp_columns": self.lp_columns}))

    @classmethod
    def load(cls, folder: Path) -> Self:
        model = cls(json.loads((folder / FILE).read_text())["lp_columns"])
        model.heads = [Head.load(folder, name) for name in CAUSES]
        model.direct = Head.load(folder, DIRECT) if model.direct else None
        return model

    def _log_odds(self, x: np.ndarray) -> np.ndarray:
        return np.maximum(np.column_stack([head.log_odds(x) for head in self.heads]), LOWEST)


def joined(log_odds: np.ndarray) -> np.ndarray:
    """Log-odds that at least one of independent columns happens: rows × causes → rows."""
    return logit(1.0 - np.prod(1.0 - sigmoid(log_odds), axis=1))
