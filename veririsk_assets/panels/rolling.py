"""Formulas over time on dense panels. Arrays go in with their look-back and come out as the last `rows` rows.

over = Over(rows=1)
tvl_change_6h = over.change(tvl, hours=6)
tvl_acceleration = tvl_change_6h - over.change(ago(tvl, 6), hours=6)
"""

from dataclasses import dataclass

import numpy as np


def ago(x: np.ndarray, hours: int) -> np.ndarray:
    """The panel as it stood `hours` earlier: its last row is `hours` before the last row of `x`."""
    return x[: max(len(x) - hours, 0)]


def returns(x: np.ndarray) -> np.ndarray:
    """Hourly relative changes, same height (the first row is NaN); NaN where the base is not above 0."""
    out = np.full(x.shape, np.nan, dtype=np.float32)
    out[1:] = _relative(x[1:], x[:-1])
    return out


def log_returns(x: np.ndarray) -> np.ndarray:
    """Hourly changes of the logarithm, same height; NaN where either side is not above 0."""
    positive = np.where(x > 0, x, np.nan)
    out = np.full(x.shape, np.nan, dtype=np.float32)
    out[1:] = np.diff(np.log(positive), axis=0)
    return out


def _relative(now: np.ndarray, base: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(base > 0, (now - base) / base, np.float32(np.nan)).astype(np.float32, copy=False)


@dataclass(frozen=True)
class Over:
    """Windows that end in each of the last `rows` rows; rows without enough look-back are NaN."""

    rows: int

    def last(self, x: np.ndarray) -> np.ndarray:
        """The last rows themselves."""
        return self._padded(x[-self.rows :])

    def change(self, x: np.ndarray, hours: int) -> np.ndarray:
        """(x_t - x_{t-h}) / x_{t-h}; NaN where the base is not above 0."""
        return _relative(self.last(x), self.last(ago(x, hours)))

    def difference(self, x: np.ndarray, hours: int) -> np.ndarray:
        """x_t - x_{t-h}."""
        return self.last(x) - self.last(ago(x, hours))

    def mean(self, x: np.ndarray, hours: int) -> np.ndarray:
        from veririsk_assets.panels import kernels

        return kernels.mean(_plain(x), hours, self.rows)

    def std(self, x: np.ndarray, hours: int) -> np.ndarray:
        """Sample standard deviation, two passes."""
        from veririsk_assets.panels import kernels

        return kernels.std(_plain(x), hours, self.rows)

    def ewma(self, x: np.ndarray, span: int, hours: int) -> np.ndarray:
        """Mean weighted by (1 - 2 / (span + 1))^age over a finite window, so that hour by hour equals a backfill."""
        from veririsk_assets.panels import kernels

        weights = (1.0 - 2.0 / (span + 1.0)) ** np.arange(hours, dtype=np.float64)
        return kernels.weighted_mean(_plain(x), weights, self.rows)

    def maximum(self, x: np.ndarray, hours: int) -> np.ndarray:
        from veririsk_assets.panels import kernels

        return kernels.maximum(_plain(x), hours, self.rows)

    def minimum(self, x: np.ndarray, hours: int) -> np.ndarray:
        return -self.maximum(-x, hours)

    def hours_since(self, flag: np.ndarray, cap: int) -> np.ndarray:
        """Hours since the flag was last set, at most `cap`."""
        from veririsk_assets.panels import kernels

        return kernels.hours_since(np.ascontiguousarray(flag), cap, self.rows)

    def _padded(self, x: np.ndarray) -> np.ndarray:
        if len(x) == self.rows:
            return x
        return np.vstack([np.full((self.rows - len(x), x.shape[1]), np.nan, dtype=x.dtype), x])


def _plain(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x, dtype=np.float32)


def cross_rank(x: np.ndarray) -> np.ndarray:
    """Rank within each row, 0 (lowest) to 1 (highest), ties averaged; NaN stays NaN, a single value is 0.5."""
    out = np.full(x.shape, np.nan, dtype=np.float32)
    for row, target in zip(x, out, strict=True):
        known = ~np.isnan(row)
        values = row[known]
        if not len(values):
            continue
        _, place, count = np.unique(values, return_inverse=True, return_counts=True)
        middle = np.cumsum(count) - (count + 1) / 2.0
        target[known] = (middle / (len(values) - 1))[place] if len(values) > 1 else 0.5
    return out


def future_minimum(x: np.ndarray, hours: int) -> tuple[np.ndarray, np.ndarray]:
    """Smallest known value of the rows t+1 … t+hours (NaN where none is known), and how many are known."""
    from veririsk_assets.panels import kernels

    low, count = kernels.future_minimum(_plain(x), hours)
    return np.where(count > 0, low, np.nan).astype(np.float32), count
