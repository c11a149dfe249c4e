"""Has a fall begun? What the TVL itself says at as_of of a drop that is under way. It looks back only and forecasts nothing.

A fall has **begun** where TVL stands at least 10 % below the 24-hour high (the highest known TVL of as_of and the 24 hours
before): **falling** up to 20 %, **fallen** from 20 % on. A fall that is seen is one whatever is missing; **none** needs half of the
25 hours known. Everything else is **unknown**: a TVL that is not known, or older than six hours, is never calm.
"""

import numpy as np

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.vocabulary import AT_RISK_DROP_RATIO, CRASH_DROP_RATIO, DETECTION_STATES
from veririsk_assets.contracts.windows import Window
from veririsk_assets.panels.retractions import as_known

HIGH_HOURS = 24
# A fall that began longer ago is said to have begun then.
LONGEST_RUN_HOURS = 48
LOOKBACK_HOURS = HIGH_HOURS + LONGEST_RUN_HOURS
STALE_HOURS = 6.0
KNOWN_RATIO = 0.5
INPUTS = ("tvl_usd", "input_age_hours", "taken_back_hours")
UNKNOWN, NONE, FALLING, FALLEN = range(len(DETECTION_STATES))


def detect(panel: Panel, hours: int) -> Panel:
    """state (place in DETECTION_STATES), drop_ratio, high_tvl_usd and begun_hours of the last `hours` hours, hours × pools.

    `panel`: INPUTS with LOOKBACK_HOURS before. `drop_ratio` is TVL / high − 1; `begun_hours` is how long ago the drop began (0:
    this hour, NaN where none has): unknown hours end no fall, known ones at less than 10 % do. A TVL that was taken back is no high.
    """
    return as_known(panel, hours, LOOKBACK_HOURS, ("tvl_usd",), _detected)


def _detected(panel: Panel, hours: int) -> Panel:
    with np.errstate(invalid="ignore"):
        fresh = (panel["tvl_usd"] >= 0) & ~(panel["input_age_hours"] > STALE_HOURS)
    tvl = np.where(fresh, panel["tvl_usd"], np.nan).astype(np.float32)
    high, known = _high(tvl)
    with np.errstate(divide="ignore", invalid="ignore"):
        begun = (high > 0) & (tvl <= (1.0 - AT_RISK_DROP_RATIO) * high)
        fallen = (high > 0) & (tvl <= (1.0 - CRASH_DROP_RATIO) * high)
        drop = np.where(high > 0, tvl / high - 1, np.nan)
    calm = ~begun & ~np.isnan(tvl) & (high > 0)
    state = np.select([fallen, begun, calm & (known >= KNOWN_RATIO * (HIGH_HOURS + 1))], [FALLEN, FALLING, NONE], UNKNOWN)
    values = {"state": state, "drop_ratio": drop, "high_tvl_usd": high, "begun_hours": _begun_hours(begun, calm)}
    return Panel(Window.ending(panel.window.end, hours), panel.keys, {name: v[-hours:].astype(np.float32) for name, v in values.items()})


def _high(tvl: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Highest known value of an hour and the 24 before it, NaN where none is known, and how many are."""
    high, known = np.full(tvl.shape, np.nan, dtype=np.float32), np.zeros(tvl.shape, dtype=np.int32)
    for lag in range(min(HIGH_HOURS + 1, len(tvl))):
        earlier = tvl[: len(tvl) - lag]
        np.fmax(high[lag:], earlier, out=high[lag:])
        known[lag:] += ~np.isnan(earlier)
    return high, known


def _begun_hours(begun: np.ndarray, calm: np.ndarray) -> np.ndarray:
    """Age of the oldest begun hour that no calm one parts from now, within LONGEST_RUN_HOURS."""
    age, joined = np.where(begun, np.float32(0), np.float32(np.nan)), begun.copy()
    for lag in range(1, min(LONGEST_RUN_HOURS + 1, len(begun))):
        joined[lag:] &= ~calm[:-lag]
        joined[:lag] = False
        age[lag:][joined[lag:] & begun[:-lag]] = lag
    return age
