"""Rows with a known law, for tests of models, training and scoring: volatility ranks, a fall of the day adds risk."""

from zlib import crc32

import numpy as np

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pool_features import FEATURE_NAMES
from veririsk_assets.contracts.windows import Window

END = "2025-06-01T00:00Z"


def market(hours: int = 1_200, pools: int = 60, seed: int = 1) -> tuple[Panel, Panel]:
    """Features and a `crash` label drawn from their probability; `eth_return_24h` is unknown, `apy` in 30 % of rows."""
    rng = np.random.default_rng(seed)
    window = Window.ending(END, hours)
    keys = np.sort(rng.choice(2**40, pools, replace=False))
    # Each feature has dice of its own: a new feature leaves the others, and the labels, as they are.
    values = {name: _noise(seed, name, (hours, pools)) for name in FEATURE_NAMES}
    calm = rng.normal(-4.0, 0.8, (1, pools)) + np.cumsum(rng.normal(0.0, 0.02, (hours, pools)), axis=0)
    values["ewma_volatility_7d"] = np.exp(calm).astype(np.float32)
    values["eth_return_24h"][:] = np.nan
    values["apy"][rng.random((hours, pools)) < 0.3] = np.nan
    odds = -3.5 + 1.2 * (calm + 4.0) - 20.0 * np.minimum(values["tvl_change_24h"], 0.0)
    crash = (rng.random((hours, pools)) < 1.0 / (1.0 + np.exp(-odds))).astype(np.float32)
    return Panel(window, keys, values), Panel(window, keys, {"crash": crash})


def _noise(seed: int, name: str, shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng([seed, crc32(name.encode())]).normal(0.0, 0.05, shape).astype(np.float32)


def xy(rows: int = 4_000, features: int = 6, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """A float32 matrix with gaps and 0/1 labels that depend on its first and last column."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features)).astype(np.float32)
    y = (rng.random(rows) < 1.0 / (1.0 + np.exp(2.0 - 1.5 * x[:, 0] + x[:, -1] * (x[:, 0] > 0)))).astype(np.float64)
    x[rng.random(x.shape) < 0.05] = np.nan
    return x, y
