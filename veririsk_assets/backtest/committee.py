"""A committee: the mean log-odds of three calibrated members that err in different ways. Judged here, not served.

Members: slow shallow boosting on falls and volatility, a logistic line through volatility, and the two heads, as slow and
shallow. Its labels have three columns: the study's own, price fall, liquidity fall.
"""

from functools import partial
from typing import Self

import numpy as np

from veririsk_assets.models.calibration import Calibration, calibrate
from veririsk_assets.models.catalogue.pools import VOLATILITY_COLUMNS
from veririsk_assets.models.gradient_boosting import SLOW, GradientBoosting
from veririsk_assets.models.logistic_regression import LogisticRegression
from veririsk_assets.models.spec import Rows
from veririsk_assets.models.two_heads import TwoHeads

FALL_COLUMNS = (
    "early_warning_score", "tvl_change_6h", "tvl_change_24h", "tvl_change_1h", "tvl_acceleration", "drawdown_24h", "drawdown_7d",
    "volatility_6h", "volatility_24h", "market_median_change_24h", "market_share_falling_24h", "eth_return_24h", "lp_price_change_24h",
    "price_ratio_change_24h", *VOLATILITY_COLUMNS,
)  # fmt: skip


class Committee:
    """Its columns are named `features`; members take theirs from them."""

    def __init__(self, features: tuple[str, ...]) -> None:
        everything = list(range(len(features)))
        falls, volatility = ([i for i, name in enumerate(features) if name in wanted] for wanted in (FALL_COLUMNS, VOLATILITY_COLUMNS))
        makers = ((partial(GradientBoosting, **SLOW), falls), (LogisticRegression, volatility), (partial(TwoHeads, **SLOW), everything))
        # A member without a column of its own has nothing to say.
        self.members = [(make(), columns) for make, columns in makers if columns]
        self.curves: list[Calibration] = []

    @property
    def positives_needed(self) -> int:
        return max(model.positives_needed for model, _ in self.members)

    def fit(self, x: np.ndarray, y: np.ndarray, validation: Rows) -> Self:
        """`y` and the validation labels: rows × 3, the first one known in every row."""
        held_x, held_y = validation
        self.curves = []
        for model, columns in self.members:
            taught = (y[:, 1:], held_y[:, 1:]) if isinstance(model, TwoHeads) else (y[:, 0], held_y[:, 0])
            model.fit(x[:, columns], taught[0], (held_x[:, columns], taught[1]))
            self.curves.append(calibrate(model.margin(held_x[:, columns]), held_y[:, 0]))
        return self

    def margin(self, x: np.ndarray) -> np.ndarray:
        """Mean of the members' calibrated log-odds."""
        odds = [curve.log_odds(model.margin(x[:, columns])) for curve, (model, columns) in zip(self.curves, self.members, strict=True)]
        return np.mean(odds, axis=0)
