"""Compiled loops like those of `kernels.py`, over the shape of a window: its trend and its deepest fall."""

import numpy as np

from veririsk_assets.panels.kernels import _compiled, _complete, _known, _move


@_compiled
def slope(x, out, hours, start, stop, left, right):  # type: ignore[no-untyped-def]
    """Slope per row of the least-squares line through the window's known values, in two passes."""
    shift = len(x) - len(out)
    first = max(start, hours - 1)
    count = _known(x, first - hours, first, left, right)
    for t in range(first, stop):
        _move(count, x, t, hours, left, right)
        when, mean = _centre(x, t, hours, count, left, right)
        common, spread = np.zeros(right - left), np.zeros(right - left)
        for k in range(hours):
            row = x[t - hours + 1 + k][left:right]
            for j in range(len(row)):
                known = row[j] == row[j]
                common[j] += (k - when[j]) * (row[j] - mean[j]) if known else 0.0
                spread[j] += (k - when[j]) ** 2 if known else 0.0
        newest, oldest, target = x[t][left:right], x[t - hours + 1][left:right], out[t - shift][left:right]
        for j in range(len(target)):
            if count[j] > 1 and _complete(count[j], newest[j], oldest[j], hours):
                target[j] = common[j] / spread[j]


@_compiled
def _centre(x, t, hours, count, left, right):  # type: ignore[no-untyped-def]
    """Mean place and mean value of the known values of the window that ends in row t."""
    when, mean = np.zeros(right - left), np.zeros(right - left)
    for k in range(hours):
        row = x[t - hours + 1 + k][left:right]
        for j in range(len(row)):
            when[j] += k if row[j] == row[j] else 0.0
            mean[j] += row[j] if row[j] == row[j] else np.float32(0)
    return when / count, mean / count


@_compiled
def deepest_fall(x, out, hours, start, stop, left, right):  # type: ignore[no-untyped-def]
    """Largest 1 - x / running peak inside the window, of values above 0."""
    shift = len(x) - len(out)
    first = max(start, hours - 1)
    count = _known(x, first - hours, first, left, right)
    for t in range(first, stop):
        peak, deepest = np.zeros(right - left, dtype=np.float32), np.zeros(right - left, dtype=np.float32)
        for k in range(t - hours + 1, t + 1):
            row = x[k][left:right]
            for j in range(len(row)):
                peak[j] = max(peak[j], row[j] if row[j] == row[j] else np.float32(0))
                fall = (peak[j] - row[j]) / peak[j] if row[j] == row[j] and peak[j] > 0 else np.float32(0)
                deepest[j] = max(deepest[j], fall)
        _move(count, x, t, hours, left, right)
        newest, oldest, target = x[t][left:right], x[t - hours + 1][left:right], out[t - shift][left:right]
        for j in range(len(target)):
            if _complete(count[j], newest[j], oldest[j], hours):
                target[j] = deepest[j]
