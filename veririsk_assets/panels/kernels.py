"""Compiled loops over dense hours × pools arrays. Imported only where a formula is computed: numba costs half a second.

Every kernel returns the last `rows` rows only, so that one new hour of a wide panel costs one row. NaN is a gap.
A window needs 90 % of its hours, and its first and last one.
Two passes for a deviation: a running sum of squares loses it after one outlier.
"""

import numba as nb
import numpy as np

# A window is computed from at least this share of its hours.
COMPLETE = 0.9
_options = {"cache": True, "nogil": True, "parallel": True, "error_model": "numpy"}


@nb.njit(**_options)
def mean(x, hours, rows):  # type: ignore[no-untyped-def]
    """Mean of the window's known hours."""
    height, width = x.shape
    out = np.full((rows, width), np.float32(np.nan), dtype=np.float32)
    for t in nb.prange(max(height - rows, hours - 1), height):
        total, count = np.zeros(width), np.zeros(width)
        for k in range(t - hours + 1, t + 1):
            for j in range(width):
                known = x[k, j] == x[k, j]
                total[j] += x[k, j] if known else 0.0
                count[j] += 1.0 if known else 0.0
        for j in range(width):
            if count[j] >= COMPLETE * hours and x[t, j] == x[t, j] and x[t - hours + 1, j] == x[t - hours + 1, j]:
                out[t - height + rows, j] = total[j] / count[j]
    return out


@nb.njit(**_options)
def std(x, hours, rows):  # type: ignore[no-untyped-def]
    """Sample standard deviation of the window's known hours."""
    height, width = x.shape
    out = np.full((rows, width), np.float32(np.nan), dtype=np.float32)
    for t in nb.prange(max(height - rows, hours - 1), height):
        total, count, square = np.zeros(width), np.zeros(width), np.zeros(width)
        for k in range(t - hours + 1, t + 1):
            for j in range(width):
                known = x[k, j] == x[k, j]
                total[j] += x[k, j] if known else 0.0
                count[j] += 1.0 if known else 0.0
        for j in range(width):
            total[j] = total[j] / count[j] if count[j] > 0 else 0.0
        for k in range(t - hours + 1, t + 1):
            for j in range(width):
                off = x[k, j] - total[j]
                square[j] += off * off if off == off else 0.0
        for j in range(width):
            if count[j] >= COMPLETE * hours and count[j] > 1.0 and x[t, j] == x[t, j] and x[t - hours + 1, j] == x[t - hours + 1, j]:
                out[t - height + rows, j] = np.sqrt(square[j] / (count[j] - 1.0))
    return out


@nb.njit(**_options)
def weighted_mean(x, weights, rows):  # type: ignore[no-untyped-def]
    """Mean weighted by age (`weights[0]` is the newest hour), normalised over the hours that are known."""
    height, width = x.shape
    hours = len(weights)
    out = np.full((rows, width), np.float32(np.nan), dtype=np.float32)
    for t in nb.prange(max(height - rows, hours - 1), height):
        total, weight, count = np.zeros(width), np.zeros(width), np.zeros(width)
        for k in range(hours):
            w = weights[k]
            for j in range(width):
                known = x[t - k, j] == x[t - k, j]
                total[j] += w * x[t - k, j] if known else 0.0
                weight[j] += w if known else 0.0
                count[j] += 1.0 if known else 0.0
        for j in range(width):
            if count[j] >= COMPLETE * hours and x[t, j] == x[t, j] and x[t - hours + 1, j] == x[t - hours + 1, j]:
                out[t - height + rows, j] = total[j] / weight[j]
    return out


@nb.njit(**_options)
def maximum(x, hours, rows):  # type: ignore[no-untyped-def]
    """Largest known value of the window."""
    height, width = x.shape
    out = np.full((rows, width), np.float32(np.nan), dtype=np.float32)
    for t in nb.prange(max(height - rows, hours - 1), height):
        best, count = np.full(width, -np.inf), np.zeros(width)
        for k in range(t - hours + 1, t + 1):
            for j in range(width):
                best[j] = x[k, j] if x[k, j] > best[j] else best[j]
                count[j] += 1.0 if x[k, j] == x[k, j] else 0.0
        for j in range(width):
            if count[j] >= COMPLETE * hours and x[t, j] == x[t, j] and x[t - hours + 1, j] == x[t - hours + 1, j]:
                out[t - height + rows, j] = best[j]
    return out


@nb.njit(**_options)
def hours_since(flag, cap, rows):  # type: ignore[no-untyped-def]
    """Hours since `flag` was last set, at most `cap`; NaN nowhere: never seen counts as `cap`."""
    height, width = flag.shape
    out = np.full((rows, width), np.float32(np.nan), dtype=np.float32)
    for t in nb.prange(max(height - rows, cap), height):
        for j in range(width):
            age = 0
            while age < cap and not flag[t - age, j]:
                age += 1
            out[t - height + rows, j] = age
    return out


@nb.njit(**_options)
def future_minimum(x, hours):  # type: ignore[no-untyped-def]
    """Smallest known value of the next `hours` rows and how many are known; infinity where none is."""
    height, width = x.shape
    low = np.full((height, width), np.float32(np.inf), dtype=np.float32)
    count = np.zeros((height, width), dtype=np.int32)
    for t in nb.prange(height):
        for k in range(t + 1, min(t + hours, height - 1) + 1):
            for j in range(width):
                if x[k, j] == x[k, j]:
                    count[t, j] += 1
                    low[t, j] = x[k, j] if x[k, j] < low[t, j] else low[t, j]
    return low, count
