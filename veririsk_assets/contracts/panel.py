"""The dense grid that features and labels are computed on: steps × keys, gaps are NaN."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from veririsk_assets.contracts.windows import Window

# Held in float64: what is asked of them is how little they moved, and in float32 a stable pool's hour is rounding.
PRECISE = frozenset(
    ("tvl_usd", "lp_supply", "price_ratio", "eth_price_usd", "open_interest_usd", "aave_utilisation", "stablecoin_supply_usd")
)


@dataclass(frozen=True)
class Panel:
    """Arrays of shape (window.steps, len(keys)); row i is `as_of = window.start + (i + 1) steps`. Float32 but for PRECISE.

    `keys` are the sorted integer keys of the columns.
    """

    window: Window
    keys: np.ndarray
    values: dict[str, np.ndarray] = field(default_factory=dict)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.values[name]

    @property
    def shape(self) -> tuple[int, int]:
        return self.window.steps, len(self.keys)

    @cached_property
    def as_ofs(self) -> np.ndarray:
        return self.window.as_ofs

    def tail(self, steps: int) -> "Panel":
        """The last `steps` rows, for a window that was read with its look-back."""
        window = Window.ending(self.window.end, steps, self.window.step_hours)
        return Panel(window, self.keys, {k: v[-steps:] for k, v in self.values.items()})

    def reaching_back(self, steps: int) -> "Panel":
        """At least `steps` rows: before what is here nothing is known."""
        missing = steps - self.window.steps
        if missing <= 0:
            return self
        before = {k: np.full((missing, v.shape[1]), np.nan, dtype=v.dtype) for k, v in self.values.items()}
        return Panel(self.window.lookback(missing), self.keys, {k: np.concatenate([before[k], v]) for k, v in self.values.items()})

    def frame(self, key: str, keep: np.ndarray | None = None) -> pd.DataFrame:
        """Long rows `as_of`, `key`, … sorted by time and key; `keep` (steps × keys, bool) chooses rows."""
        chosen = np.ones(self.shape, dtype=bool) if keep is None else keep
        row, column = np.nonzero(chosen)
        columns = {"as_of": self.as_ofs[row], key: self.keys[column]}
        return pd.DataFrame(columns | {name: value[chosen] for name, value in self.values.items()})


def precision(name: str) -> type[np.floating]:
    """How a column is held on a grid that was read."""
    return np.float64 if name in PRECISE else np.float32


def to_panel(frame: pd.DataFrame, key: str, columns: list[str], window: Window, keys: np.ndarray | None = None) -> Panel:
    """Scatter long rows (`as_of`, `key`, columns) onto the dense grid; rows outside the window are ignored."""
    as_of = frame["as_of"].to_numpy(dtype="datetime64[us]")
    row = ((as_of - window.as_ofs[0]) // np.timedelta64(window.step)).astype(np.int64)
    return scatter(
        row, frame[key].to_numpy(dtype=np.int64), {c: frame[c].to_numpy(dtype=precision(c), na_value=np.nan) for c in columns}, window, keys
    )


def scatter(row: np.ndarray, key: np.ndarray, columns: dict[str, np.ndarray], window: Window, keys: np.ndarray | None = None) -> Panel:
    """Columns of long rows onto the grid. `row` counts from the window's first `as_of`; `keys` fixes the columns."""
    keys = np.unique(key) if keys is None else keys
    position = np.searchsorted(keys, key)
    known = (position < len(keys)) & (row >= 0) & (row < window.steps)
    if len(keys):
        known &= keys[np.minimum(position, len(keys) - 1)] == key
    flat = row * len(keys) + position
    complete = bool(known.all())
    flat = flat if complete else flat[known]
    values = {}
    for name, column in columns.items():
        grid = np.full(window.steps * len(keys), np.nan, dtype=precision(name))
        grid[flat] = column if complete else column[known]
        values[name] = grid.reshape(window.steps, len(keys))
    return Panel(window, keys, values)
