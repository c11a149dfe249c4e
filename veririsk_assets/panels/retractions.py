"""A value that its own source took back: from that hour on nobody counts it, before it everybody does.

`taken_back[t] = n` says that the observation of row t takes back the n rows before it. What was said at t - 1 was said with
them; what is said at t is said without.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.windows import Window

COLUMN = "taken_back_hours"


def without_retracted(x: np.ndarray, taken_back: np.ndarray | None, until: int | None = None) -> np.ndarray:
    """`x` (rows × keys) with NaN where rows up to `until` (exclusive, default all) take a value back; `x` itself where none does."""
    if taken_back is None:
        return x
    events = np.argwhere(taken_back[:until] > 0)
    if not len(events):
        return x
    out = x.copy()
    for row, key in events:
        out[max(row - int(min(taken_back[row, key], row)), 0) : row, key] = np.nan
    return out


def as_known(panel: Panel, hours: int, lookback: int, columns: tuple[str, ...], build: Callable[[Panel, int], Panel]) -> Panel:
    """`build(panel, hours)` for the last `hours` rows, each with `columns` as they were known at that row.

    Parts begin where a value is taken back, so that hour by hour equals one backfill. `lookback`: how many rows before its first one a part may look at.
    """
    taken_back, rows = panel.values.get(COLUMN), panel.window.steps
    first = rows - hours
    if taken_back is None or not (taken_back > 0).any():
        return build(panel, hours)
    changes = np.unique(np.nonzero((taken_back[first + 1 :] > 0).any(axis=1))[0] + first + 1)
    edges, step = [first, *changes.tolist(), rows], panel.window.step
    parts = []
    for start, stop in pairwise(edges):
        begin = max(start - lookback, 0)
        known = {name: without_retracted(panel[name], taken_back, start + 1) for name in columns}
        values = {name: values[begin:stop] for name, values in (panel.values | known).items()}
        window = Window(panel.window.start + begin * step, panel.window.start + stop * step, panel.window.step_hours)
        parts.append(build(Panel(window, panel.keys, values), stop - start))
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0].values}
    return Panel(Window.ending(panel.window.end, hours, panel.window.step_hours), panel.keys, joined)


SPIKE_RATIO, BACK_SHARE, BACK_WITHIN = 1.25, 0.25, 3


def without_spikes(x: np.ndarray) -> np.ndarray:
    """`x` (rows × keys) with NaN where a value left its predecessor by a quarter or more and was taken back within three rows.

    Taken back: it stands within a quarter of that move from where it was. It looks ahead, so it is for labels, never for features.

    >>> without_spikes(np.array([[100.0], [40.0], [101.0], [70.0], [71.0], [72.0], [69.0]])).ravel().tolist()
    [100.0, nan, 101.0, 70.0, 71.0, 72.0, 69.0]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.log(np.where(x > 0, x, np.nan).astype(np.float64))
    out, before = x.copy(), np.full(x.shape[1], np.nan)
    for row in range(len(x)):
        move = level[row] - before
        jumped = np.abs(move) >= np.log(SPIKE_RATIO)
        for key in np.flatnonzero(jumped):
            ahead = level[row + 1 : row + 1 + BACK_WITHIN, key]
            back = np.flatnonzero(np.abs(ahead - before[key]) <= BACK_SHARE * np.abs(move[key]))
            if len(back):
                out[row : row + 1 + back[0], key] = np.nan
        kept = np.where(np.isnan(out[row]), np.nan, level[row])
        before = np.where(np.isnan(kept), before, kept)
    return out
