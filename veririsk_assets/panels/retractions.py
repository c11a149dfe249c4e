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
