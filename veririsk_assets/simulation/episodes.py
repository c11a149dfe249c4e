"""When pools enter and leave their states: the state machine, a day at a time for all pools.

Starts are rare, so they are found in one comparison and walked one by one; the states that a start causes are
written ahead into a buffer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from veririsk_assets.simulation.generator import Cycle, between, forced_cycle
from veririsk_assets.simulation.scenarios import (
    CRASH,
    CRASH_HOURS,
    LONGEST_CYCLE_HOURS,
    PRE_CRASH,
    PRE_CRASH_HOURS,
    RECOVERY,
    RECOVERY_HOURS,
    Hardness,
)

AHEAD = 24 + LONGEST_CYCLE_HOURS
FORCED_KEY = 2**40


@dataclass(frozen=True)
class Forced:
    """A pool that must be in trouble at a given hour: its cycle starts at `start`, and nothing else just before."""

    pool: int
    start: int
    end: int
    cycle: Cycle

    def blocks(self, hour: int) -> bool:
        return self.start - LONGEST_CYCLE_HOURS - 1 <= hour <= self.end

    def mark(self, mask: np.ndarray, first_hour: int) -> None:
        """Sets the hours of the cycle, up to the one of trouble, in a mask of hours × pools that begins at `first_hour`."""
        mask[max(self.start - first_hour, 0) : max(self.end + 1 - first_hour, 0), self.pool] = True


def forced_starts(seed: int, pools: tuple[int, ...], epoch: datetime, forced_end: datetime | None) -> tuple[Forced, ...]:
    """The cycles of the forced pools: 12–24 h before `forced_end`, in pre_crash or crash at `forced_end`."""
    if forced_end is None:
        return ()
    end = (forced_end - epoch) // timedelta(hours=1)
    rng = np.random.Generator(np.random.Philox(key=[seed, FORCED_KEY + end]))
    found = []
    for pool in pools:
        before, cycle = forced_cycle(rng)
        found.append(Forced(pool, end - before, end, cycle))
    return tuple(found)


class Episodes:
    """The states of all pools, day after day; `next_day` is a deterministic function of the generator that it is given."""

    def __init__(self, start_per_hour: np.ndarray, hardness: Hardness, has_own_token: np.ndarray, forced: tuple[Forced, ...] = ()) -> None:
        pools = len(start_per_hour)
        self.start_per_hour, self.hardness, self.has_own_token, self.forced = start_per_hour, hardness, has_own_token, forced
        self.first_hour = 0
        self.state = np.zeros((AHEAD, pools), dtype=np.int8)
        self.price_share = np.zeros((AHEAD, pools), dtype=np.float32)
        self.free = np.zeros(pools, dtype=np.int64)
        self.last_state, self.last_age = np.zeros(pools, dtype=np.int8), np.zeros(pools, dtype=np.int16)

    def next_day(self, rng: np.random.Generator, stressed: np.ndarray) -> dict[str, np.ndarray]:
        """`state`, `price_share`, `age_hours` (hours since the state began), `is_forced`, 24 × pools each."""
        dice = rng.random((7, 24, len(self.free)))
        factor = np.where(stressed, self.hardness.stress_factor, self.hardness.calm_factor)
        starts = dice[0] < factor[:, None] * self.start_per_hour
        for hour, pool in zip(*np.nonzero(starts), strict=True):
            if self.first_hour + hour >= self.free[pool] and not self._is_blocked(pool, self.first_hour + hour):
                self._start(int(hour), int(pool), dice[1:, hour, pool])
        self._start_forced()
        state, price_share = self.state[:24].copy(), self.price_share[:24].copy()
        is_forced = np.zeros(state.shape, dtype=bool)
        for forced in self.forced:
            forced.mark(is_forced, self.first_hour)
        self._turn_the_page()
        return {"state": state, "price_share": price_share, "age_hours": self._ages(state), "is_forced": is_forced}

    def _start(self, hour: int, pool: int, dice: np.ndarray) -> None:
        hard = self.hardness
        pre, crash, recovery = between(dice[3], PRE_CRASH_HOURS), between(dice[4], CRASH_HOURS), between(dice[5], RECOVERY_HOURS)
        if dice[0] < hard.aborted_ratio:
            pre, crash, recovery = between(dice[3], hard.aborted_hours), 0, 0
        elif dice[1] < hard.sudden_ratio:
            pre = 0
        share = hard.price_share[int(dice[2] * len(hard.price_share))] if self.has_own_token[pool] else 0.0
        self._write(hour, pool, (pre, crash, recovery), share)

    def _write(self, hour: int, pool: int, cycle: Cycle, price_share: float) -> None:
        first = hour
        for value, duration in zip((PRE_CRASH, CRASH, RECOVERY), cycle, strict=True):
            self.state[hour : hour + duration, pool] = value
            hour += duration
        self.price_share[first:hour, pool] = price_share
        # One normal hour at least between two cycles.
        self.free[pool] = self.first_hour + hour + 1

    def _is_blocked(self, pool: int, hour: int) -> bool:
        return any(f.pool == pool and f.blocks(hour) for f in self.forced)

    def _start_forced(self) -> None:
        for forced in self.forced:
            hour = forced.start - self.first_hour
            if 0 <= hour < 24:
                self._write(hour, forced.pool, forced.cycle, self.hardness.price_share[0])

    def _ages(self, state: np.ndarray) -> np.ndarray:
        ages = np.empty(state.shape, dtype=np.int16)
        for hour in range(len(state)):
            self.last_age = np.where(state[hour] == self.last_state, np.minimum(self.last_age + 1, 30_000), 0).astype(np.int16)
            self.last_state = state[hour]
            ages[hour] = self.last_age
        return ages

    def _turn_the_page(self) -> None:
        for buffer in (self.state, self.price_share):
            buffer[:-24] = buffer[24:].copy()
            buffer[-24:] = 0
        self.first_hour += 24
