"""What the simulated pools live through: the tables of the VeriRisk Phase-2 report, and a harder variant of ours.

Values only. A range is (low, high), uniform; ratios have 1 = 100 %.
"""

from dataclasses import dataclass
from typing import Literal

Range = tuple[float, float]
Variant = Literal["harder", "phase2"]

NORMAL, PRE_CRASH, CRASH, RECOVERY = range(4)
STATE_NAMES = ("normal", "pre_crash", "crash", "recovery")


@dataclass(frozen=True)
class Profile:
    """How big a pool is and how often its crash cycle starts (probability per hour in the normal state)."""

    name: str
    base_tvl_usd: float
    crash_start_per_hour: float


@dataclass(frozen=True)
class State:
    """What a pool emits per hour while in this state; `volatility` is the hourly standard deviation of its token's price."""

    name: str
    tvl_change: Range
    volume_multiplier: Range
    reserve_imbalance: Range
    volatility: Range


PROFILES = {
    "safe": Profile("safe", 2_000_000.0, 0.0005),
    "mixed": Profile("mixed", 1_000_000.0, 0.0015),
    "risky": Profile("risky", 800_000.0, 0.003),
    "crash_prone": Profile("crash_prone", 500_000.0, 0.008),
}
PROFILE_NAMES = tuple(PROFILES)

STATES = {
    "normal": State("normal", (-0.01, 0.01), (0.8, 1.5), (0.02, 0.08), (0.01, 0.03)),
    "pre_crash": State("pre_crash", (-0.013, -0.008), (1.5, 3.5), (0.10, 0.30), (0.05, 0.12)),
    "crash": State("crash", (-0.10, -0.04), (3.0, 7.0), (0.20, 0.50), (0.10, 0.20)),
    "recovery": State("recovery", (0.002, 0.008), (1.0, 2.0), (0.05, 0.15), (0.03, 0.06)),
}

# Ranges that overlap: no threshold on one hour of a single column finds nine of ten hours before or in a crash with less than a
# tenth of false ones (of a crash alone, whose fall is seen: 95 %). What tells the state is several columns and several hours together.
# Volatility is lower than the report's because here it really moves the pool's value.
HARDER_STATES = {
    "normal": State("normal", (-0.006, 0.006), (0.6, 1.9), (0.01, 0.13), (0.003, 0.010)),
    "pre_crash": State("pre_crash", (-0.014, -0.003), (1.8, 4.4), (0.05, 0.28), (0.006, 0.030)),
    "crash": State("crash", (-0.10, -0.03), (2.4, 8.0), (0.05, 0.45), (0.020, 0.050)),
    "recovery": State("recovery", (-0.002, 0.008), (0.8, 2.2), (0.03, 0.18), (0.005, 0.018)),
}

# Both ends are included.
PRE_CRASH_HOURS = (6, 24)
CRASH_HOURS = (3, 8)
RECOVERY_HOURS = (24, 72)
LONGEST_CYCLE_HOURS = PRE_CRASH_HOURS[1] + CRASH_HOURS[1] + RECOVERY_HOURS[1]
# Long enough that no aborted pre-crash could look the same.
FORCED_START_HOURS = (18, 24)

# Volume per hour as a share of the base TVL, at multiplier 1.
HOURLY_TURNOVER_RATIO = 0.004
# Pull towards the base TVL inside the ±1 % band: without it a pool that loses 30 % a cycle is worth nothing after a year.
REVERSION_STRENGTH = 0.4


@dataclass(frozen=True)
class Hardness:
    """What the harder variant adds to the state machine; all zero is the report's."""

    aborted_ratio: float
    sudden_ratio: float
    aborted_hours: tuple[int, int]
    price_share: tuple[float, float, float]
    jump_per_hour: float
    stress_start_per_hour: float
    stress_end_per_hour: float
    calm_factor: float
    stress_factor: float
    base_spread: float


PLAIN = Hardness(0.0, 0.0, (4, 16), (0.0, 0.0, 0.0), 0.0, 0.0, 1.0, 1.0, 1.0, 0.0)
# A third of the cycles is driven by withdrawals, a third by price, a third by both. Calm and stressed hours
# keep about the report's crash rate on average (stress lasts about 6 % of the time).
HARD = Hardness(0.3, 0.1, (4, 16), (0.0, 0.5, 1.0), 0.002, 1 / 600, 1 / 36, 0.8, 4.0, 0.35)


def states(variant: Variant) -> tuple[State, ...]:
    """The emissions in the order of NORMAL, PRE_CRASH, CRASH, RECOVERY."""
    return tuple((STATES if variant == "phase2" else HARDER_STATES).values())


def hardness(variant: Variant) -> Hardness:
    return PLAIN if variant == "phase2" else HARD
