"""One fold, whoever asks for it: a model fitted on earlier rows, calibrated on the rows after them, and what it says of those that follow."""

from dataclasses import dataclass

import numpy as np

from veririsk_assets.models.calibration import Calibration, calibrate
from veririsk_assets.models.recalibration import followed
from veririsk_assets.models.spec import RiskModel, Rows


@dataclass(frozen=True)
class Fitted:
    """A model with its calibration, and its uncalibrated log-odds of the rows that this was chosen on."""

    model: RiskModel
    calibration: Calibration
    margin: np.ndarray

    @property
    def held(self) -> np.ndarray:
        """Calibrated probabilities of the rows that the calibration was chosen on."""
        return self.calibration(self.margin)

    def probability(self, x: np.ndarray) -> np.ndarray:
        return self.calibration(self.model.margin(x))


def fit_calibrated(model: RiskModel, train: Rows, stop: Rows, held: Rows | None = None) -> Fitted:
    """Fits on `train`; `stop` may end the learning; calibrates on `held`, whose labels are one column (by default `stop`)."""
    model = model.fit(*train, stop)
    x, label = held or stop
    margin = model.margin(x)
    return Fitted(model, calibrate(margin, label), margin)


def following(
    as_of: tuple[np.ndarray, np.ndarray],
    said: tuple[np.ndarray, np.ndarray],
    label: tuple[np.ndarray, np.ndarray],
    horizon_hours: int,
    usual: float,
) -> np.ndarray:
    """Probabilities of the test rows, each day's moved by what rows before them, whose labels had matured by then, say of the base rate.

    Pairs are of validation and test rows; `usual`: the base rate that the calibration knows.
    """
    hour = np.concatenate(as_of).astype("datetime64[h]").astype(np.int64)
    return followed(hour, np.concatenate(said), np.concatenate(label), horizon_hours, usual)[len(said[0]) :]
