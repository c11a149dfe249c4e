"""Pool labels: what happened in the hours after as_of. Only hours whose whole horizon is in the panel get one."""

import numpy as np

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.vocabulary import AT_RISK_DROP_RATIO, CRASH_DROP_RATIO
from veririsk_assets.contracts.windows import HOUR, Window
from veririsk_assets.panels.rolling import future_minimum

DAY = 24
# A horizon with fewer known hours than this proves nothing unless the fall itself was seen.
KNOWN_RATIO = 0.5


def build_labels(panel: Panel, horizon_hours: int, hours: int) -> Panel:
    """crash, crash_endpoint, outflow, price_fall (0, 1 or NaN), min_change_ratio and is_at_risk for `hours` hours.

    `panel`: tvl_usd, lp_supply, is_tombstone over 24 hours before, the hours themselves, and the horizon after them.
    A fall that is seen is one whatever is missing; calm needs half of the horizon's hours known. A pool that vanishes from
    its source within the horizon (a tombstone) has crashed.
    """
    first = panel.window.hours - hours - horizon_hours
    span = slice(first, first + hours)
    tvl = np.where(panel["tvl_usd"] > 0, panel["tvl_usd"], np.nan).astype(np.float32)
    supply = np.where(panel["lp_supply"] > 0, panel["lp_supply"], np.nan).astype(np.float32)
    # Zero is a value after as_of: everything is gone. It is no base before it.
    after = np.where(panel["tvl_usd"] >= 0, panel["tvl_usd"], np.nan).astype(np.float32)
    supply_after = np.where(panel["lp_supply"] >= 0, panel["lp_supply"], np.nan).astype(np.float32)
    vanished = _vanishes(panel["is_tombstone"] > 0, horizon_hours)[span]
    lowest, _ = future_minimum(after, horizon_hours)
    with np.errstate(divide="ignore", invalid="ignore"):
        min_change = (lowest / tvl - 1)[span]
        endpoint = (_shifted(after, horizon_hours) / tvl - 1)[span]
    labels = {
        "crash": np.where(vanished & ~np.isnan(tvl[span]), 1.0, _fell(tvl, after, horizon_hours)[span]),
        "crash_endpoint": np.where(np.isnan(endpoint), np.nan, endpoint <= -CRASH_DROP_RATIO),
        "outflow": _fell(supply, supply_after, horizon_hours)[span],
        "price_fall": _fell(tvl / supply, after / supply, horizon_hours)[span],
        "min_change_ratio": min_change,
        "is_at_risk": _at_risk(tvl, first, hours),
    }
    values = {name: np.asarray(value, dtype=np.float32) for name, value in labels.items()}
    start = panel.window.start + first * HOUR
    return Panel(Window(start, start + hours * HOUR), panel.keys, values)


def _fell(base: np.ndarray, after: np.ndarray, horizon: int) -> np.ndarray:
    """1 where any known hour of the horizon lies 20 % below the base, 0 where half of them are known and none does."""
    low, known = future_minimum(after, horizon)
    fell = low <= (1.0 - CRASH_DROP_RATIO) * base
    calm = known >= KNOWN_RATIO * horizon
    return np.where(np.isnan(base) | ~(fell | calm), np.nan, fell).astype(np.float32)


def _at_risk(tvl: np.ndarray, first: int, hours: int) -> np.ndarray:
    """Not already 10 % below the high of the last 24 hours; a young pool's high is that of the hours it has."""
    window = np.full((hours, tvl.shape[1]), -np.inf, dtype=np.float32)
    for lag in range(DAY + 1):
        rows = tvl[max(first - lag, 0) : max(first - lag + hours, 0)]
        window[hours - len(rows) :] = np.fmax(window[hours - len(rows) :], rows)
    return tvl[first : first + hours] > (1.0 - AT_RISK_DROP_RATIO) * window


def _vanishes(tombstone: np.ndarray, horizon: int) -> np.ndarray:
    """Whether a pool that is there turns into a tombstone within the horizon."""
    soon = np.zeros(tombstone.shape, dtype=bool)
    for hours in range(1, horizon + 1):
        soon[:-hours] |= tombstone[hours:]
    return soon & ~tombstone


def _shifted(x: np.ndarray, hours: int) -> np.ndarray:
    out = np.full(x.shape, np.nan, dtype=np.float32)
    out[:-hours] = x[hours:]
    return out
