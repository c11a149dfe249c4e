"""The report's generator: its tables hold, hour by hour."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veririsk_assets.simulation.generator import generate
from veririsk_assets.simulation.scenarios import CRASH_HOURS, PRE_CRASH_HOURS, PROFILES, RECOVERY_HOURS, STATES

COLUMNS = ["pool_id", "hour", "state", "tvl_usd", "volume_usd", "reserve_imbalance", "volatility", "profile"]
NEXT = {"normal": "pre_crash", "pre_crash": "crash", "crash": "recovery", "recovery": "normal"}


def spells(frame: pd.DataFrame) -> list[tuple[str, int]]:
    """(state, hours) of every unbroken run of one state."""
    run = (frame["state"] != frame["state"].shift()).cumsum()
    return [(part["state"].iloc[0], len(part)) for _, part in frame.groupby(run)]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**9), profile=st.sampled_from(list(PROFILES)), forced=st.booleans())
def test_every_hour_stays_in_its_state_s_ranges(seed: int, profile: str, forced: bool) -> None:
    frame = generate("a_pool", 720, profile, forced, seed)
    assert list(frame.columns) == COLUMNS
    change = frame["tvl_usd"].pct_change()
    base = PROFILES[profile].base_tvl_usd
    for name, state in STATES.items():
        rows = frame["state"] == name
        assert change[rows].dropna().between(state.tvl_change[0] - 1e-9, state.tvl_change[1] + 1e-9).all()
        assert frame["reserve_imbalance"][rows].between(*state.reserve_imbalance).all()
        assert frame["volatility"][rows].between(*state.volatility).all()
        low, high = (0.004 * base * m for m in state.volume_multiplier)
        assert frame["volume_usd"][rows].between(low, high).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_states_follow_their_cycle_with_their_durations(seed: int) -> None:
    found = spells(generate("a_pool", 2000, "crash_prone", seed=seed))
    assert found[0][0] in ("normal", "pre_crash")
    assert all(NEXT[before[0]] == after[0] for before, after in pairwise(found))
    durations = {"pre_crash": PRE_CRASH_HOURS, "crash": CRASH_HOURS, "recovery": RECOVERY_HOURS}
    for state, hours in found[1:-1]:
        low, high = durations.get(state, (1, 2000))
        assert low <= hours <= high


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_a_forced_pool_ends_in_a_crash_cycle_begun_12_to_24_hours_before(seed: int) -> None:
    frame = generate("critical", 720, "crash_prone", True, seed)
    tail = spells(frame)
    assert tail[-1][0] in ("pre_crash", "crash")
    hours_in_cycle = tail[-1][1] + (tail[-2][1] if tail[-1][0] == "crash" else 0)
    assert 13 <= hours_in_cycle <= 25  # both ends of 12–24 h before, the last hour included


def test_only_crash_prone_pools_are_forced() -> None:
    assert generate("a", 720, "safe", True, 3).equals(generate("a", 720, "safe", False, 3))


def test_the_same_seed_and_pool_give_the_same_table_and_others_do_not() -> None:
    assert generate("a", seed=1).equals(generate("a", seed=1))
    assert not generate("a", seed=1)["tvl_usd"].equals(generate("a", seed=2)["tvl_usd"])
    assert not generate("a", seed=1)["tvl_usd"].equals(generate("b", seed=1)["tvl_usd"])


@pytest.mark.parametrize(("profile", "share"), [("safe", 0.30), ("mixed", 0.66), ("risky", 0.89), ("crash_prone", 0.997)])
def test_a_month_brings_a_crash_cycle_to_the_share_that_the_hourly_probability_says(profile: str, share: float) -> None:
    happened = np.mean([(generate(f"pool_{i}", 720, profile)["state"] != "normal").any() for i in range(400)])
    assert abs(happened - share) < 4 * np.sqrt(share * (1 - share) / 400)


def test_an_unknown_profile_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="reckless"):
        generate("a", risk_profile="reckless")
