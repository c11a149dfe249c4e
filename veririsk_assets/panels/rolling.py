"""Formulas over time on dense panels. Arrays go in with their look-back and come out as the last `rows` rows.

>>> tvl = np.array([[100.0], [80.0], [np.nan], [60.0]])  # four hours of one pool
>>> over = Over(rows=2)
>>> over.change(tvl, hours=2).ravel().tolist()  # (x_t - x_{t-2}) / x_{t-2} of the last two hours
[nan, -0.25]
>>> ago(tvl, 1).ravel().tolist()
[100.0, 80.0, nan]
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import numpy as np
import numpy.typing as npt

from veririsk_assets.panels.tiles import on_tiles

NOTHING = float("inf")


def ago(x: np.ndarray, hours: int) -> np.ndarray:
    """The panel as it stood `hours` earlier: its last row is `hours` before the last row of `x`."""
    return x[: max(len(x) - hours, 0)]


def returns(x: np.ndarray) -> np.ndarray:
    """Hourly relative changes, same height (the first row is NaN); NaN where the base is not above 0."""
    return _hourly("relative", x)


def log_returns(x: np.ndarray) -> np.ndarray:
    """Hourly changes of the logarithm, same height; NaN where either side is not above 0."""
    return _hourly("log_relative", x)


def _hourly(name: str, x: np.ndarray) -> np.ndarray:
    out = np.empty(x.shape, dtype=np.float32)
    out[:1] = np.nan
    _against(name, x[1:], x[:-1], out[1:])
    return out


def _against(name: str, now: np.ndarray, base: np.ndarray, out: np.ndarray) -> None:
    """Computed as precisely as the inputs are held, stored in float32."""
    from veririsk_assets.panels import kernels

    kernel: Callable[..., None] = getattr(kernels, name)
    on_tiles(kernel, np.ascontiguousarray(now), np.ascontiguousarray(base), out, start=0, stop=out.shape[0], columns=out.shape[1])


@dataclass(frozen=True)
class Over:
    """Windows that end in each of the last `rows` rows; rows without enough look-back are NaN."""

    rows: int

    def last(self, x: np.ndarray) -> np.ndarray:
        """The last rows themselves."""
        if len(x) >= self.rows:
            return x[len(x) - self.rows :]
        return np.vstack([np.full((self.rows - len(x), x.shape[1]), np.nan, dtype=x.dtype), x])

    def recent(self, x: np.ndarray, hours: int) -> np.ndarray:
        """The last rows with a look-back of `hours`, for formulas that need no more."""
        return x[max(0, len(x) - self.rows - hours) :]

    def change(self, x: np.ndarray, hours: int) -> np.ndarray:
        """(x_t - x_{t-h}) / x_{t-h}; NaN where the base is not above 0."""
        return self._compared("relative", x, hours)

    def log_change(self, x: np.ndarray, hours: int) -> np.ndarray:
        """ln(x_t / x_{t-h}); NaN where either is not above 0."""
        return self._compared("log_relative", x, hours)

    def difference(self, x: np.ndarray, hours: int) -> np.ndarray:
        """x_t - x_{t-h}."""
        return self.last(x) - self.last(ago(x, hours))

    def mean(self, x: np.ndarray, hours: int, low: float = -NOTHING, high: float = NOTHING, squared: bool = False) -> np.ndarray:
        """Mean of the known hours, each clipped to low … high first, then squared."""
        return self._total(x, hours, low, high, squared, True)

    def total(self, x: np.ndarray, hours: int, low: float = -NOTHING, high: float = NOTHING) -> np.ndarray:
        """Sum of the known hours, each clipped to low … high first."""
        return self._total(x, hours, low, high, False, False)

    def std(self, x: np.ndarray, hours: int) -> np.ndarray:
        """Sample standard deviation, two passes."""
        return self._run("std", x, hours, hours)

    def slope(self, x: np.ndarray, hours: int) -> np.ndarray:
        """Slope per row of the line through the window's known values."""
        return self._run("slope", x, hours, hours, module="trend_kernels")

    def deepest_fall(self, x: np.ndarray, hours: int) -> np.ndarray:
        """Largest fall from the running peak inside the window, 0 to 1; x above 0."""
        return self._run("deepest_fall", x, hours, hours, module="trend_kernels")

    def ewma(self, x: np.ndarray, span: int, hours: int, squared: bool = False) -> np.ndarray:
        """Mean weighted by (1 - 2 / (span + 1))^age over a finite window, so that hour by hour equals a backfill."""
        weights = (1.0 - 2.0 / (span + 1.0)) ** np.arange(hours, dtype=np.float64)
        return self._run("weighted_mean", x, hours, weights, 2 if squared else 1)

    def maximum(self, x: np.ndarray, hours: int) -> np.ndarray:
        return self._run("maximum", x, hours, hours, np.float32(1))

    def minimum(self, x: np.ndarray, hours: int) -> np.ndarray:
        return self._run("maximum", x, hours, hours, np.float32(-1))

    def below_maximum(self, x: np.ndarray, hours: int) -> np.ndarray:
        """x_t / largest known value of the window - 1, never above 0."""
        now, high = self.last(x).astype(np.float32, copy=False), self.maximum(x, hours)
        with np.errstate(divide="ignore", invalid="ignore"):
            # The difference of near numbers is exact, their quotient is not.
            return (now - high) / high

    def hours_since(self, x: np.ndarray, cap: int, at_least: float = NOTHING, at_most: float = -NOTHING) -> np.ndarray:
        """Hours since x was last ≥ at_least or ≤ at_most, `cap` where that is longer ago or never was.

        NaN where more than a tenth of `cap` hours is unknown since: nobody saw whether it happened.
        """
        return self._run("hours_since", x, cap, cap, np.float32(at_least), np.float32(at_most))

    def hours_unchanged(self, x: np.ndarray, cap: int) -> np.ndarray:
        """Hours for which x has been seen with the value that it has, at most `cap`; a gap is no news.

        NaN where x is unknown, and where nothing else of the look-back is known.
        """
        seen = self.hours_since_first(x, cap)
        # As precisely as it is held: small trades of something large are moves too.
        return np.where(seen > 0, np.minimum(self._run("hours_unchanged", x, cap, cap, dtype=x.dtype), seen), np.float32(np.nan))

    def hours_since_first(self, x: np.ndarray, cap: int) -> np.ndarray:
        """Hours since the first known value of the look-back, at most `cap`; NaN where none is known."""
        return self._run("hours_since_first", x, cap, cap)

    def _compared(self, name: str, x: np.ndarray, hours: int) -> np.ndarray:
        out = np.empty((self.rows, x.shape[1]), dtype=np.float32)
        _against(name, self.last(x), self.last(ago(x, hours)), out)
        return out

    def _total(self, x: np.ndarray, hours: int, low: float, high: float, squared: bool, is_mean: bool) -> np.ndarray:
        return self._run("total", x, hours, hours, np.float32(low), np.float32(high), 2 if squared else 1, is_mean)

    def _run(
        self, name: str, x: np.ndarray, work: int, *arguments: object, dtype: npt.DTypeLike = np.float32, module: str = "kernels"
    ) -> np.ndarray:
        kernel: Callable[..., None] = getattr(import_module(f"veririsk_assets.panels.{module}"), name)
        out = np.full((self.rows, x.shape[1]), np.nan, dtype=np.float32)
        x = np.ascontiguousarray(x, dtype=dtype)
        if len(x) < self.rows:
            x = self.last(x)
        start = len(x) - self.rows
        on_tiles(kernel, x, out, *arguments, start=start, stop=len(x), columns=x.shape[1], work_per_value=work)
        return out


def across(reduce: Callable[..., np.ndarray], x: np.ndarray) -> np.ndarray:
    """Each row in one number, by a numpy function that passes over NaN; NaN for a row without a known value."""
    out = np.full(len(x), np.nan, dtype=np.float32)
    known = ~np.isnan(x).all(axis=1) if x.shape[1] else np.zeros(len(x), dtype=bool)
    out[known] = reduce(x[known], axis=1)
    return out


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

    low = np.full(x.shape, np.inf, dtype=np.float32)
    count = np.zeros(x.shape, dtype=np.int32)
    on_tiles(
        kernels.future_minimum,
        np.ascontiguousarray(x, dtype=np.float32),
        low,
        count,
        hours,
        start=0,
        stop=len(x),
        columns=x.shape[1],
        work_per_value=hours,
    )
    return np.where(count > 0, low, np.float32(np.nan)), count
