"""Compiled loops over tiles of dense hours × pools arrays. Imported only where a formula is computed: numba costs half a second.

A tile is rows `start … stop` (of the input) and pools `left … right`; tiles write apart from each other, so threads can share
them (`rolling.py`). `out` holds the last rows of the panel. NaN is a gap. A window needs 90 % of its hours, and its first and
last one. No running sums of values: one outlier would stay in them. Each value is added up in the order of its hours
whatever the tile, so that one hour equals a backfill bit for bit.
"""

import numba as nb
import numpy as np

# A window is computed from at least this share of its hours.
COMPLETE = 0.9
_compiled = nb.njit(cache=True, nogil=True, error_model="numpy")


@_compiled
def relative(now, base, out, start, stop, left, right):  # type: ignore[no-untyped-def]
    """(now - base) / base; NaN where the base is not above 0."""
    for t in range(start, stop):
        for j in range(left, right):
            out[t, j] = (now[t, j] - base[t, j]) / base[t, j] if base[t, j] > 0 else np.float32(np.nan)


@_compiled
def total(x, out, hours, low, high, power, is_mean, start, stop, left, right):  # type: ignore[no-untyped-def]
    """Sum or mean of the window's known hours, each clipped to low … high and squared where `power` is 2."""
    shift = len(x) - len(out)
    for t in range(max(start, hours - 1), stop):
        added, count = np.zeros(right - left), np.zeros(right - left, dtype=np.float32)
        for k in range(t - hours + 1, t + 1):
            for j in range(left, right):
                value = np.float64(min(max(x[k, j], low), high))
                value = value * value if power == 2 else value
                known = x[k, j] == x[k, j]
                added[j - left] += value if known else 0.0
                count[j - left] += np.float32(1) if known else np.float32(0)
        for j in range(left, right):
            if count[j - left] >= COMPLETE * hours and x[t, j] == x[t, j] and x[t - hours + 1, j] == x[t - hours + 1, j]:
                out[t - shift, j] = added[j - left] / count[j - left] if is_mean else added[j - left]


@_compiled
def std(x, out, hours, start, stop, left, right):  # type: ignore[no-untyped-def]
    """Sample standard deviation of the window's known hours, in two passes."""
    shift = len(x) - len(out)
    for t in range(max(start, hours - 1), stop):
        mean, square, count = np.zeros(right - left), np.zeros(right - left), np.zeros(right - left, dtype=np.float32)
        for k in range(t - hours + 1, t + 1):
            for j in range(left, right):
                known = x[k, j] == x[k, j]
                mean[j - left] += x[k, j] if known else np.float32(0)
                count[j - left] += np.float32(1) if known else np.float32(0)
        for j in range(right - left):
            mean[j] /= count[j]
        for k in range(t - hours + 1, t + 1):
            for j in range(left, right):
                off = x[k, j] - mean[j - left]
                square[j - left] += off * off if x[k, j] == x[k, j] else 0.0
        for j in range(left, right):
            enough = count[j - left] >= COMPLETE * hours and count[j - left] > 1
            if enough and x[t, j] == x[t, j] and x[t - hours + 1, j] == x[t - hours + 1, j]:
                out[t - shift, j] = np.sqrt(square[j - left] / (count[j - left] - 1))


@_compiled
def weighted_square(x, out, weights, start, stop, left, right):  # type: ignore[no-untyped-def]
    """Mean of squares weighted by age (`weights[0]` is the newest hour), normalised over the hours that are known."""
    shift = len(x) - len(out)
    hours = len(weights)
    for t in range(max(start, hours - 1), stop):
        added, weight, count = np.zeros(right - left), np.zeros(right - left), np.zeros(right - left, dtype=np.float32)
        for k in range(hours):
            w = weights[k]
            for j in range(left, right):
                value = np.float64(x[t - k, j])
                known = value == value
                added[j - left] += w * value * value if known else 0.0
                weight[j - left] += w if known else 0.0
                count[j - left] += np.float32(1) if known else np.float32(0)
        for j in range(left, right):
            if count[j - left] >= COMPLETE * hours and x[t, j] == x[t, j] and x[t - hours + 1, j] == x[t - hours + 1, j]:
                out[t - shift, j] = added[j - left] / weight[j - left]


@_compiled
def maximum(x, out, hours, sign, start, stop, left, right):  # type: ignore[no-untyped-def]
    """Largest known value of the window (of -x where `sign` is -1), from maxima before and after every `hours`-th row."""
    shift = len(x) - len(out)
    first = max(start, hours - 1)
    width = right - left
    nothing = np.float32(-np.inf)
    after = np.empty((hours + 1, width), dtype=np.float32)
    for block in range(first, stop, hours):
        # The windows that end in this block share its first one's rows: `after[i]` is the maximum of its rows from i on.
        after[hours] = nothing
        count, before = np.zeros(width, dtype=np.int32), np.full(width, nothing)
        for i in range(hours - 1, -1, -1):
            k = block - hours + 1 + i
            for j in range(width):
                value = sign * x[k, j + left]
                after[i, j] = value if value > after[i + 1, j] else after[i + 1, j]
                count[j] += 1 if value == value else 0
        for t in range(block, min(block + hours, stop)):
            oldest = t - hours + 1
            for j in range(width):
                value, first_value = sign * x[t, j + left], x[oldest, j + left]
                if t > block:
                    before[j] = value if value > before[j] else before[j]
                    gone = x[oldest - 1, j + left]
                    count[j] += (1 if value == value else 0) - (1 if gone == gone else 0)
                if count[j] >= COMPLETE * hours and value == value and first_value == first_value:
                    out[t - shift, j + left] = sign * max(after[t - block, j], before[j])


@_compiled
def hours_since(x, out, cap, at_least, at_most, start, stop, left, right):  # type: ignore[no-untyped-def]
    """Hours since x was last ≥ at_least or ≤ at_most, at most `cap`; a gap is no news, never seen counts as `cap`."""
    shift = len(x) - len(out)
    age = np.full(right - left, cap, dtype=np.int32)
    for t in range(max(start - cap + 1, 0), stop):
        for j in range(left, right):
            is_set = x[t, j] >= at_least or x[t, j] <= at_most
            age[j - left] = 0 if is_set else min(age[j - left] + 1, cap)
        if t >= start and t >= cap:
            for j in range(left, right):
                out[t - shift, j] = age[j - left]


@_compiled
def hours_since_first(x, out, cap, start, stop, left, right):  # type: ignore[no-untyped-def]
    """Hours since the first known value of the last `cap` hours; NaN where none is known."""
    shift = len(x) - len(out)
    found = np.full(right - left, len(x), dtype=np.int32)
    for s in range(stop - 1, start - cap - 1, -1):
        for j in range(left, right):
            if s >= 0 and x[s, j] == x[s, j]:
                found[j - left] = s
        t = s + cap
        if t < stop:
            for j in range(left, right):
                if found[j - left] <= t:
                    out[t - shift, j] = t - found[j - left]


@_compiled
def future_minimum(x, low, count, hours, start, stop, left, right):  # type: ignore[no-untyped-def]
    """Smallest known value of the next `hours` rows (infinity where none is) and how many are known."""
    for t in range(start, stop):
        for k in range(t + 1, min(t + hours, len(x) - 1) + 1):
            for j in range(left, right):
                if x[k, j] == x[k, j]:
                    count[t, j] += 1
                    low[t, j] = min(low[t, j], x[k, j])
