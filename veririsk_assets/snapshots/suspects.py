"""Jumps of a TVL that nothing else supports, told at once; and when they are taken back, how many hours go with them.

A jump is a fall of 20 % or a rise of 25 % against the last known hour. It is supported where something else moved along by
half of it at least: LP supply, the pool's own price, an outside price, what its protocol holds, a second source. A jump without support
is suspect until one comes, until it is taken back (the TVL is where it was before), or until it has stayed for six hours.
"""

from dataclasses import dataclass

import numpy as np

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.snapshots.surroundings import MAX_AGE_HOURS

JUMP = float(np.log(1.25))
# As near as this to where it was is back.
BACK = JUMP / 2
STAYS_HOURS = 6
# What was known longer ago is nothing to jump from.
KNOWN_HOURS = 24
SUPPORT_SHARE = 0.5
# Of a fall to nothing half is still asked for: four fifths gone says the same.
LARGEST_JUMP = float(np.log(5.0))
LOOKBACK_HOURS = KNOWN_HOURS + STAYS_HOURS + int(MAX_AGE_HOURS)
MOVING_ALONG = ("lp_supply", "price0_usd", "price1_usd", "second_tvl_usd")
INPUTS = ("tvl_usd", "price_ratio", "protocol_held_usd", "is_suspect", "input_age_hours", *MOVING_ALONG)


@dataclass(frozen=True)
class Suspects:
    """hours × pools of the last `hours`: suspect now; how many earlier hours are taken back by this one; the TVL before the jump."""

    is_suspect: np.ndarray
    taken_back_hours: np.ndarray
    before_usd: np.ndarray


def suspects(panel: Panel, eth_price_usd: np.ndarray, hours: int) -> Suspects:
    """`panel`: INPUTS with LOOKBACK_HOURS before (fewer where there are none); what is suspect before the last `hours` is taken as it stands.

    `eth_price_usd`: hours of the panel × 1, NaN where unknown.
    """
    first = panel.window.hours - hours
    tvl = np.asarray(panel["tvl_usd"], dtype=np.float64)
    tvl = np.where(tvl >= 0, tvl, np.nan)
    state = _State.before(tvl[:first], panel["is_suspect"][:first] > 0)
    shape = (hours, tvl.shape[1])
    result = Suspects(np.zeros(shape, dtype=bool), np.zeros(shape, dtype=np.int64), np.full(shape, np.nan))
    for row in range(first, panel.window.hours):
        state.step(row, tvl, lambda at, base, jump: _is_supported(panel, eth_price_usd, at, base, jump), result, first)
    return result


class _State:
    """Per pool: the row of the last known TVL, and of the one before the jump that is suspect (-1: none), and where that began."""

    def __init__(self, pools: int) -> None:
        self.last, self.base, self.begun = (np.full(pools, -1, dtype=np.int64) for _ in range(3))

    @classmethod
    def before(cls, tvl: np.ndarray, suspect: np.ndarray) -> "_State":
        state = cls(tvl.shape[1])
        for row in range(len(tvl)):
            known = ~np.isnan(tvl[row])
            starts = known & suspect[row] & (state.base < 0) & (state.last >= 0)
            state.base = np.where(starts, state.last, np.where(known & ~suspect[row], -1, state.base))
            state.begun = np.where(starts, row, state.begun)
            state.last = np.where(known, row, state.last)
        return state

    def step(self, row: int, tvl: np.ndarray, is_supported, result: Suspects, first: int) -> None:  # type: ignore[no-untyped-def]
        pools = np.arange(tvl.shape[1])
        known = ~np.isnan(tvl[row])
        recent = (self.last >= 0) & (row - self.last <= KNOWN_HOURS)
        open_, against = self.base >= 0, np.where(self.base >= 0, self.base, self.last)
        jump = _log_ratio(tvl[row], tvl[np.maximum(against, 0), pools])
        judged = known & (against >= 0)
        is_back = judged & open_ & (np.abs(jump) <= BACK)
        has_jumped = judged & ((open_ & ~is_back & (row - self.begun < STAYS_HOURS)) | (~open_ & recent & (np.abs(jump) >= JUMP)))
        if has_jumped.any():
            has_jumped &= ~is_supported(row, np.maximum(against, 0), jump)
        out = row - first
        result.is_suspect[out] = has_jumped
        result.taken_back_hours[out] = np.where(is_back, row - self.begun, 0)
        result.before_usd[out] = np.where(has_jumped, tvl[np.maximum(against, 0), pools], np.nan)
        self.begun = np.where(has_jumped & ~open_, row, self.begun)
        self.base = np.where(has_jumped, against, np.where(known, -1, self.base))
        self.last = np.where(known, row, self.last)


def _log_ratio(now: np.ndarray, before: np.ndarray) -> np.ndarray:
    """ln(now / before), between the logarithms of 1/100 and 100; NaN where either is unknown, 0 where both are 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(now / before)
    ratio = np.where((now == 0) & (before == 0), 0.0, ratio)
    return np.clip(ratio, -np.log(100.0), np.log(100.0))


def _is_supported(panel: Panel, eth: np.ndarray, row: int, base: np.ndarray, jump: np.ndarray) -> np.ndarray:
    """Per pool, whether anything else moved by half of the jump between the base and this row, in its direction.

    The base's TVL may have been observed hours before its row: what moved since then has moved along too.
    """
    age = panel["input_age_hours"][base, np.arange(len(jump))]
    observed = np.maximum(base - np.floor(np.nan_to_num(age, nan=0.0)).astype(np.int64), 0)
    supported = _has_moved(panel, eth, row, base, jump)
    return supported | _has_moved(panel, eth, row, observed, jump) if (observed < base).any() else supported


def _has_moved(panel: Panel, eth: np.ndarray, row: int, since: np.ndarray, jump: np.ndarray) -> np.ndarray:
    pools = np.arange(len(jump))
    needed = SUPPORT_SHARE * np.minimum(np.abs(jump), LARGEST_JUMP)

    def moved(values: np.ndarray) -> np.ndarray:
        column = pools if values.shape[1] == len(pools) else np.zeros_like(pools)
        return _log_ratio(values[row, column].astype(np.float64), values[since, column].astype(np.float64))

    with np.errstate(invalid="ignore"):
        supported = np.abs(moved(panel["price_ratio"])) >= needed
        for values in (*(panel[name] for name in MOVING_ALONG), eth):
            supported |= moved(values) * np.sign(jump) >= needed
        held, tvl = panel["protocol_held_usd"], panel["tvl_usd"]
        change = tvl[row] - tvl[since, pools]
        supported |= (held[row] - held[since, pools]) * np.sign(change) >= SUPPORT_SHARE * np.abs(change)
    return supported
