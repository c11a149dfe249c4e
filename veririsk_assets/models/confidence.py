"""How sure a probability is: how far apart calibrations of one model lie that were chosen on other weeks of the same rows."""

from dataclasses import dataclass

import numpy as np

from veririsk_assets.models.calibration import calibrate_prudently
from veririsk_assets.models.logistic_line import sigmoid

DRAWS, SHARE, KNOTS, SEED = 100, 0.9, 33, 7
BLOCK = np.timedelta64(7, "D")


@dataclass(frozen=True)
class Band:
    """The ends of the 90 % interval of calibrated log-odds, at knots of the margin."""

    knots: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def width(self, margin: np.ndarray, shift: np.ndarray | float = 0.0) -> np.ndarray:
        """Of the probability's interval, 0 to 1; beyond the knots that of the last one. `shift` as `ServedModel.probability` has it."""
        low, high = (np.interp(margin, self.knots, ends) for ends in (self.low, self.high))
        return sigmoid(high + shift) - sigmoid(low + shift)


def band(margin: np.ndarray, label: np.ndarray, as_of: np.ndarray) -> Band | None:
    """By drawing weeks of the rows with replacement, each draw calibrated anew as the model itself was; None where there are fewer than four weeks or one kind of label."""
    weeks, week = np.unique((as_of - as_of.min()) // BLOCK, return_inverse=True)
    if len(weeks) < 4 or len(np.unique(label)) < 2:
        return None
    rng, rows = np.random.default_rng(SEED), [np.flatnonzero(week == one) for one in range(len(weeks))]
    knots = np.unique(np.quantile(margin, np.linspace(0, 1, KNOTS)))
    said = []
    for _ in range(DRAWS):
        drawn = np.concatenate([rows[one] for one in np.sort(rng.integers(len(rows), size=len(rows)))])
        if label[drawn].any():
            said.append(calibrate_prudently(margin[drawn], label[drawn]).log_odds(knots))
    low, high = np.quantile(said, ((1 - SHARE) / 2, (1 + SHARE) / 2), axis=0)
    return Band(tuple(knots.tolist()), tuple(low.tolist()), tuple(high.tolist()))
