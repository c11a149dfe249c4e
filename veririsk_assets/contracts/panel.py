"""The dense grid that features and labels are computed on: hours × pools, gaps are NaN."""

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
    """Arrays of shape (window.hours, len(keys)); row i is `as_of = window.start + (i + 1) h`. Float32 but for PRECISE.

    `keys` are the sorted integer `pool_key`s of the columns.
    """

    window: Window
    keys: np.ndarray
    values: dict[str, np.ndarray] = field(default_factory=dict)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.values[name]

    @property
    def shape(self) -> tuple[int, int]:
        return self.window.hours, len(self.keys)

    @cached_property
    def as_ofs(self) -> np.ndarray:
        return self.window.as_ofs

    def tail(self, hours: int) -> "Panel":
        """The last `hours` rows, for a window that was read with its look-back."""
        return Panel(Window.ending(self.window.end, hours), self.keys, {k: v[-hours:] for k, v in self.values.items()})

    def frame(self, keep: np.ndarray | None = None) -> pd.DataFrame:
        """Long rows `as_of, pool_key, …` sorted by hour and key; `keep` (hours × pools, bool) chooses rows."""
        chosen = np.ones(self.shape, dtype=bool) if keep is None else keep
        hour, pool = np.nonzero(chosen)
        columns = {"as_of": self.as_ofs[hour], "pool_key": self.keys[pool]}
        return pd.DataFrame(columns | {name: value[chosen] for name, value in self.values.items()})


def precision(name: str) -> type[np.floating]:
    """How a column is held on a grid that was read."""
    return np.float64 if name in PRECISE else np.float32


def to_panel(frame: pd.DataFrame, columns: list[str], window: Window, keys: np.ndarray | None = None) -> Panel:
    """Scatter long rows (`as_of`, `pool_key`, columns) onto the dense grid; rows outside the window are ignored."""
    as_of = frame["as_of"].to_numpy(dtype="datetime64[us]")
    hour = ((as_of - window.as_ofs[0]) // np.timedelta64(3600 * 10**6, "us")).astype(np.int64)
    pool_key = frame["pool_key"].to_numpy(dtype=np.int64)
    return scatter(hour, pool_key, {c: frame[c].to_numpy(dtype=precision(c), na_value=np.nan) for c in columns}, window, keys)


def scatter(
    hour: np.ndarray, pool_key: np.ndarray, columns: dict[str, np.ndarray], window: Window, keys: np.ndarray | None = None
) -> Panel:
    """Columns of long rows onto the grid. `hour` counts from the window's first `as_of`; `keys` fixes the columns."""
    keys = np.unique(pool_key) if keys is None else keys
    position = np.searchsorted(keys, pool_key)
    known = (position < len(keys)) & (hour >= 0) & (hour < window.hours)
    if len(keys):
        known &= keys[np.minimum(position, len(keys) - 1)] == pool_key
    flat = hour * len(keys) + position
    complete = bool(known.all())
    flat = flat if complete else flat[known]
    values = {}
    for name, column in columns.items():
        grid = np.full(window.hours * len(keys), np.nan, dtype=precision(name))
        grid[flat] = column if complete else column[known]
        values[name] = grid.reshape(window.hours, len(keys))
    return Panel(window, keys, values)
