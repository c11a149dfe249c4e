"""Compiled loops over tiles of dense rows × keys arrays. Imported only where a formula is computed: numba costs half a second.

A tile is rows `start … stop` (of the input) and columns `left … right`; tiles write apart from each other, so threads can share
them (`rolling.py`). `out` holds the last rows of the panel. NaN is a gap. A window needs 90 % of its hours, and its first and
last one. No running sums of values: one outlier would stay in them. Each value is added up in the order of its hours
whatever the tile, so that one hour equals a backfill bit for bit.

Loops run over row views, `x[k][left:right]`, from 0 on: with an index that could be negative the compiler does not vectorise.
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
        after, before, target = now[t][left:right], base[t][left:right], out[t][left:right]
        for j in range(len(target)):
            target[j] = (after[j] - before[j]) / before[j] if before[j] > 0 else np.float32(np.nan)


@_compiled
def log_relative(now, base, out, start, stop, left, right):  # type: ignore[no-untyped-def]
    """ln(now / base); NaN where either is not above 0."""
    for t in range(start, stop):
        after, before, target = now[t][left:right], base[t][left:right], out[t][left:right]
        for j in range(len(target)):
            # In double precision whatever comes in: a ratio that fell by nine digits is 0 in single precision.
            ratio = np.float64(after[j]) / np.float64(before[j]) if after[j] > 0 and before[j] > 0 else np.nan
            target[j] = np.log(ratio)


@_compiled
def total(x, out, hours, low, high, power, is_mean, start, stop, left, right):  # type: ignore[no-untyped-def]
    """Sum or mean of the window's known hours, each clipped to low … high and squared where `power` is 2."""
    shift = len(x) - len(out)
    first = max(start, hours - 1)
    count = _known(x, first - hours, first, left, right)
    for t in range(first, stop):
        added = np.zeros(right - left)
        for k in range(t - hours + 1, t + 1):
            row = x[k][left:right]
            for j in range(len(row)):
                value = np.float64(min(max(row[j], low), high))
                value = value * value if power == 2 else value
                added[j] += value if row[j] == row[j] else 0.0
        _move(count, x, t, hours, left, right)
        newest, oldest, target = x[t][left:right], x[t - hours + 1][left:right], out[t - shift][left:right]
        for j in range(len(target)):
            if _complete(count[j], newest[j], oldest[j], hours):
                target[j] = added[j] / count[j] if is_mean else added[j]


@_compiled
def std(x, out, hours, start, stop, left, right):  # type: ignore[no-untyped-def]
    """Sample standard deviation of the window's known hours, in two passes."""
    shift = len(x) - len(out)
    first = max(start, hours - 1)
    count = _known(x, first - hours, first, left, right)
    for t in range(first, stop):
        mean, square = np.zeros(right - left), np.zeros(right - left)
        for k in range(t - hours + 1, t + 1):
            row = x[k][left:right]
            for j in range(len(row)):
                mean[j] += row[j] if row[j] == row[j] else np.float32(0)
        _move(count, x, t, hours, left, right)
        for j in range(len(mean)):
            mean[j] /= count[j]
        for k in range(t - hours + 1, t + 1):
            row = x[k][left:right]
            for j in range(len(row)):
                off = row[j] - mean[j]
                square[j] += off * off if off == off else 0.0
        newest, oldest, target = x[t][left:right], x[t - hours + 1][left:right], out[t - shift][left:right]
        for j in range(len(target)):
            if count[j] > 1 and _complete(count[j], newest[j], oldest[j], hours):
                target[j] = np.sqrt(square[j] / (count[j] - 1))


@_compiled
def weighted_mean(x, out, weights, power, start, stop, left, right):  # type: ignore[no-untyped-def]
    """Mean weighted by age (`weights[0]` is the newest hour), normalised over the known hours; of squares where `power` is 2."""
    shift, hours = len(x) - len(out), len(weights)
    first = max(start, hours - 1)
    count = _known(x, first - hours, first, left, right)
    for t in range(first, stop):
        added, weight = np.zeros(right - left), np.zeros(right - left)
        for age in range(hours):
            row, w = x[t - age][left:right], weights[age]
            for j in range(len(row)):
                value = np.float64(row[j])
                known = value == value
                value = value * value if power == 2 else value
                added[j] += w * value if known else 0.0
                weight[j] += w if known else 0.0
        _move(count, x, t, hours, left, right)
        newest, oldest, target = x[t][left:right], x[t - hours + 1][left:right], out[t - shift][left:right]
        for j in range(len(target)):
            if _complete(count[j], newest[j], oldest[j], hours):
                target[j] = added[j] / weight[j]


@_compiled
def maximum(x, out, hours, sign, start, stop, left, right):  # type: ignore[no-untyped-def]
    """Largest known value of the window (of -x where `sign` is -1), from maxima before and after every `hours`-th row."""
    shift = len(x) - len(out)
    first = max(start, hours - 1)
    nothing = np.float32(-np.inf)
    count = _known(x, first - hours, first, left, right)
    # The windows that end in a block of `hours` rows share the rows before it: `ahead[i]` is the maximum of those from i on.
    ahead = np.empty((hours + 1, right - left), dtype=np.float32)
    for block in range(first, stop, hours):
        ahead[hours] = nothing
        for i in range(hours - 1, -1, -1):
            row, best, later = x[block - hours + 1 + i][left:right], ahead[i], ahead[i + 1]
            for j in range(len(row)):
                best[j] = sign * row[j] if sign * row[j] > later[j] else later[j]
        within = np.full(right - left, nothing)
        for t in range(block, min(block + hours, stop)):
            newest, oldest, target = x[t][left:right], x[t - hours + 1][left:right], out[t - shift][left:right]
            _move(count, x, t, hours, left, right)
            best = ahead[t - block]
            for j in range(len(target)):
                within[j] = sign * newest[j] if sign * newest[j] > within[j] else within[j]
                if _complete(count[j], newest[j], oldest[j], hours):
                    target[j] = sign * max(best[j], within[j])


@_compiled
def _known(x, start, stop, left, right):  # type: ignore[no-untyped-def]
    """How many of the rows start … stop are known; rows before the panel are not."""
    count = np.zeros(right - left, dtype=np.int32)
    for k in range(max(start, 0), stop):
        row = x[k][left:right]
        for j in range(len(row)):
            count[j] += 1 if row[j] == row[j] else 0
    return count


@_compiled
def _move(count, x, t, hours, left, right):  # type: ignore[no-untyped-def]
    """The count of the window that ends in row t, from that of the window before."""
    row = x[t][left:right]
    for j in range(len(row)):
        count[j] += 1 if row[j] == row[j] else 0
    if t >= hours:
        row = x[t - hours][left:right]
        for j in range(len(row)):
            count[j] -= 1 if row[j] == row[j] else 0


@_compiled
def _complete(count, newest, oldest, hours):  # type: ignore[no-untyped-def]
    return count >= COMPLETE * hours and newest == newest and oldest == oldest


@_compiled
def hours_since(x, out, cap, at_least, at_most, start, stop, left, right):  # type: ignore[no-untyped-def]
    """Hours since x was last ≥ at_least or ≤ at_most, `cap` where that is longer ago; NaN where more than a tenth of `cap` is unknown since."""
    shift = len(x) - len(out)
    first = max(start - cap + 1, 0)
    count = _known(x, first - cap, first, left, right)
    age, seen = np.full(right - left, cap, dtype=np.int32), np.zeros(right - left, dtype=np.int32)
    for t in range(first, stop):
        _move(count, x, t, cap, left, right)
        row = x[t][left:right]
        for j in range(len(row)):
            is_hit = row[j] >= at_least or row[j] <= at_most
            age[j] = 0 if is_hit else min(age[j] + 1, cap)
            seen[j] = 0 if is_hit else seen[j] + (1 if row[j] == row[j] else 0)
        if t >= start and t >= cap:
            target = out[t - shift][left:right]
            for j in range(len(target)):
                unseen = age[j] - seen[j] if age[j] < cap else cap - count[j]
                target[j] = age[j] if cap - unseen >= COMPLETE * cap else np.float32(np.nan)


@_compiled
def hours_unchanged(x, out, cap, start, stop, left, right):  # type: ignore[no-untyped-def]
    """Hours since x took its value, at most `cap`; a gap is no news. NaN where x is unknown."""
    shift = len(x) - len(out)
    held, since = np.full(right - left, np.nan, dtype=x.dtype), np.zeros(right - left, dtype=np.int32)
    for t in range(max(start - cap, 0), stop):
        row = x[t][left:right]
        for j in range(len(row)):
            since[j] = t if row[j] == row[j] and row[j] != held[j] else since[j]
            held[j] = row[j] if row[j] == row[j] else held[j]
        if t >= start and t >= cap:
            target = out[t - shift][left:right]
            for j in range(len(target)):
                target[j] = min(t - since[j], cap) if row[j] == row[j] else np.float32(np.nan)


@_compiled
def hours_since_first(x, out, cap, start, stop, left, right):  # type: ignore[no-untyped-def]
    """Hours since the first known value of the last `cap` hours; NaN where none is known."""
    shift = len(x) - len(out)
    found = np.full(right - left, len(x), dtype=np.int32)
    for s in range(stop - 1, start - cap - 1, -1):
        if s >= 0:
            row = x[s][left:right]
            for j in range(len(row)):
                found[j] = s if row[j] == row[j] else found[j]
        t = s + cap
        if t < stop:
            target = out[t - shift][left:right]
            for j in range(len(target)):
                target[j] = t - found[j] if found[j] <= t else np.float32(np.nan)


@_compiled
def future_minimum(x, low, count, hours, start, stop, left, right):  # type: ignore[no-untyped-def]
    """Smallest known value of the next `hours` rows (infinity where none is) and how many are known."""
    for t in range(start, stop):
        lowest, known = low[t][left:right], count[t][left:right]
        for k in range(t + 1, min(t + hours, len(x) - 1) + 1):
            row = x[k][left:right]
            for j in range(len(row)):
                known[j] += 1 if row[j] == row[j] else 0
                lowest[j] = row[j] if row[j] < lowest[j] else lowest[j]
