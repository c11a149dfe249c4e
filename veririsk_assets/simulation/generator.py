"""The pool generator of the VeriRisk Phase-2 report: one pool, one table, its state beside what it emits."""

from hashlib import blake2b

import numpy as np
import pandas as pd

from veririsk_assets.simulation.scenarios import (
    CRASH,
    CRASH_HOURS,
    FORCED_START_HOURS,
    HOURLY_TURNOVER_RATIO,
    NORMAL,
    PRE_CRASH,
    PRE_CRASH_HOURS,
    PROFILES,
    RECOVERY,
    RECOVERY_HOURS,
    STATE_NAMES,
    STATES,
    Range,
)

Cycle = tuple[int, int, int]


def generate(
    pool_id: str, hours: int = 720, risk_profile: str = "mixed", force_current_risk_state: bool = False, seed: int = 0
) -> pd.DataFrame:
    """Hourly rows `pool_id, hour, state, tvl_usd, volume_usd, reserve_imbalance, volatility, profile`.

    Deterministic in (seed, pool_id). `force_current_risk_state` (crash_prone only) starts a cycle 12–24 h before the
    end, so that the pool ends in pre_crash or crash. Raises ValueError on an unknown profile or less than 48 h.
    """
    if risk_profile not in PROFILES:
        raise ValueError(f"unknown risk profile {risk_profile!r}: one of {', '.join(PROFILES)}")
    if hours < 1 or (force_current_risk_state and hours < 2 * FORCED_START_HOURS[1]):
        raise ValueError(f"too few hours: {hours}")
    profile = PROFILES[risk_profile]
    rng = np.random.Generator(np.random.Philox(key=[seed, int.from_bytes(blake2b(pool_id.encode(), digest_size=7).digest(), "big")]))
    forced = forced_cycle(rng) if force_current_risk_state and risk_profile == "crash_prone" else None
    state = state_path(rng, hours, profile.crash_start_per_hour, forced)
    return pd.DataFrame(
        {
            "pool_id": pool_id,
            "hour": np.arange(hours),
            "state": np.array(STATE_NAMES, dtype=object)[state],
            "tvl_usd": profile.base_tvl_usd * np.cumprod(1 + emitted(rng, state, "tvl_change")),
            "volume_usd": profile.base_tvl_usd * HOURLY_TURNOVER_RATIO * emitted(rng, state, "volume_multiplier"),
            "reserve_imbalance": emitted(rng, state, "reserve_imbalance"),
            "volatility": emitted(rng, state, "volatility"),
            "profile": risk_profile,
        }
    )


def between(u: float, bounds: tuple[int, int]) -> int:
    """A whole number in [low, high] from u in [0, 1)."""
    return bounds[0] + int(u * (bounds[1] - bounds[0] + 1))


def forced_cycle(rng: np.random.Generator) -> tuple[int, Cycle]:
    """(hours before the end at which the cycle starts, durations), such that the last hour is in pre_crash or crash.

    The last hour is one of the last before the crash: bad enough for anyone to see, with the fall still to come, which is
    what a forecast is about.
    """
    before = between(rng.random(), FORCED_START_HOURS)
    crash = between(rng.random(), CRASH_HOURS)
    return before, (min(before + 1, PRE_CRASH_HOURS[1]), crash, between(rng.random(), RECOVERY_HOURS))


def state_path(rng: np.random.Generator, hours: int, start_per_hour: float, forced: tuple[int, Cycle] | None = None) -> np.ndarray:
    """States 0–3 per hour, from normal; a forced cycle overwrites the end of the path."""
    state = np.full(hours, NORMAL, dtype=np.int8)
    starts, durations = rng.random(hours) < start_per_hour, rng.random((hours, 3))
    free = 0
    for hour in np.flatnonzero(starts):
        if hour >= free:
            pre, crash, recovery = durations[hour]
            cycle = between(pre, PRE_CRASH_HOURS), between(crash, CRASH_HOURS), between(recovery, RECOVERY_HOURS)
            free = write_cycle(state, int(hour), cycle) + 1
    if forced is not None:
        start = hours - 1 - forced[0]
        cut_short(state, start)
        write_cycle(state, start, forced[1])
    return state


def write_cycle(state: np.ndarray, start: int, cycle: Cycle) -> int:
    """Write pre_crash, crash and recovery from `start`; the first hour after them."""
    hour = start
    for value, duration in zip((PRE_CRASH, CRASH, RECOVERY), cycle, strict=True):
        state[hour : hour + duration] = value
        hour += duration
    return hour


def cut_short(state: np.ndarray, start: int) -> None:
    """Make every hour from one running cycle's beginning to `start` normal: a forced cycle starts from calm."""
    state[start:] = NORMAL
    hour = start - 1
    while hour >= 0 and state[hour] != NORMAL:
        state[hour] = NORMAL
        hour -= 1


def emitted(rng: np.random.Generator, state: np.ndarray, what: str) -> np.ndarray:
    """One uniform draw per hour from the range that `what` has in that hour's state."""
    ranges: list[Range] = [getattr(s, what) for s in STATES.values()]
    low, high = np.array(ranges).T[:, state]
    return low + (high - low) * rng.random(len(state))
