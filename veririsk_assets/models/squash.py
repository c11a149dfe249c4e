"""Heavy-tailed columns made fit for linear models: centred, scaled and bent so that a 1e9-sized outlier stays small."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Squash:
    """arcsinh((x − centre) / scale) per column, unknown values at the centre. Monotone in every column."""

    centre: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray) -> "Squash":
        """Median and interquartile range of training rows; a column without spread gets scale 1, one without values centre 0."""
        known = np.where(np.isfinite(x), x, np.nan).astype(np.float64)
        known[:, np.isnan(known).all(axis=0)] = 0.0
        low, centre, high = np.nanquantile(known, (0.25, 0.5, 0.75), axis=0)
        scale = (high - low) / 1.35  # the standard deviation, were the column normal
        scale = np.where(scale > 0, scale, np.nanstd(known, axis=0))
        return cls(centre, np.where(scale > 0, scale, 1.0))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.arcsinh((np.where(np.isfinite(x), x, self.centre) - self.centre) / self.scale)

    def to_json(self) -> dict[str, list[float]]:
        return {"centre": self.centre.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def from_json(cls, stored: dict[str, list[float]]) -> "Squash":
        return cls(np.array(stored["centre"]), np.array(stored["scale"]))
