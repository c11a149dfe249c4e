"""Protocol labels: what became of the TVL in the days after as_of. Only days whose whole horizon is in the panel get one."""

import numpy as np

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.vocabulary import CRASH_DROP_RATIO
from veririsk_assets.contracts.windows import DAY_HOURS, Window
from veririsk_assets.panels.rolling import future_minimum

INPUTS = ("tvl_usd",)
HALVING_RATIO = 0.50
# Of a horizon's days so many have to be known to say that nothing fell.
KNOWN_RATIO = 0.5


def build_labels(panel: Panel, horizon_days: int, days: int, _beyond: int = 0) -> Panel:
    """crash, halving, crash_against_market (0, 1 or NaN) and min_change_ratio for the first `days` days of the panel.

    crash: TVL at least 20 % below its value at as_of on any day of the horizon; halving: 50 %; crash_against_market: 20 % after the
    median change of all protocols of that day is taken out. A fall that is seen is one whatever is missing. A zero is a fall.
    """
    seen = panel["tvl_usd"]
    tvl, after = np.where(seen > 0, seen, np.nan), np.where(seen >= 0, seen, np.nan)
    lowest, known = future_minimum(after.astype(np.float32), horizon_days)
    with np.errstate(divide="ignore", invalid="ignore"):
        lowest_change = lowest / tvl - 1
    against = _against_market(tvl, after, horizon_days)
    is_calm = known >= KNOWN_RATIO * horizon_days
    values = {
        "crash": _fell(tvl, lowest_change, CRASH_DROP_RATIO, is_calm),
        "halving": _fell(tvl, lowest_change, HALVING_RATIO, is_calm),
        "crash_against_market": _fell(tvl, against, CRASH_DROP_RATIO, is_calm),
        "min_change_ratio": lowest_change,
    }
    start = panel.window.start
    window = Window(start, start + days * panel.window.step, DAY_HOURS)
    return Panel(window, panel.keys, {name: np.asarray(value[:days], dtype=np.float32) for name, value in values.items()})


def _fell(tvl: np.ndarray, change: np.ndarray, drop: float, is_calm: np.ndarray) -> np.ndarray:
    # Computed as a change: a rounding must not decide at the edge.
    fell = change <= -drop + 1e-9
    return np.where(np.isnan(tvl) | ~(fell | is_calm), np.nan, fell)


def _against_market(tvl: np.ndarray, after: np.ndarray, horizon: int) -> np.ndarray:
    """The lowest change of the horizon relative to the median change of the same days."""
    lowest = np.full(tvl.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        for ahead in range(1, min(horizon, len(tvl) - 1) + 1):
            change = after[ahead:] / tvl[:-ahead]
            known = ~np.isnan(change).all(axis=1)
            middle = np.full(len(change), np.nan)
            middle[known] = np.nanmedian(change[known], axis=1)
            lowest[:-ahead] = np.fmin(lowest[:-ahead], change / middle[:, None] - 1)
    return lowest
