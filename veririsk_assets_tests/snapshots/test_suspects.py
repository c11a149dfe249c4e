"""Jumps that nothing supports: told at once, taken back or believed after six hours."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.windows import Window
from veririsk_assets.snapshots.suspects import INPUTS, LOOKBACK_HOURS, STAYS_HOURS, Suspects, suspects

NAN = np.nan
END = "2026-03-01"


def panel(tvl: list[float], **others: list[float]) -> Panel:
    """One pool: 100 through the look-back, then `tvl`; other inputs stand still unless they are given for the same hours."""
    hours = LOOKBACK_HOURS + len(tvl)
    values = {name: np.full((hours, 1), 1000.0, dtype=np.float32) for name in INPUTS} | {
        "is_suspect": np.zeros((hours, 1), dtype=np.float32),
        "input_age_hours": np.full((hours, 1), 0.5, dtype=np.float32),
    }
    values["tvl_usd"][:] = 100.0
    for name, column in {"tvl_usd": tvl, **others}.items():
        values[name][LOOKBACK_HOURS:, 0] = column
    return Panel(Window.ending(END, hours), np.array([1]), values)


def found(tvl: list[float], eth: list[float] | None = None, **others: list[float]) -> Suspects:
    seen = panel(tvl, **others)
    price = np.full((seen.window.hours, 1), 3000.0)
    price[LOOKBACK_HOURS:, 0] = eth or 3000.0
    return suspects(seen, price, len(tvl))


def flags(tvl: list[float], **others: Any) -> list[bool]:
    return found(tvl, **others).is_suspect[:, 0].tolist()


@pytest.mark.parametrize(("tvl", "suspect"), [(80.5, False), (79.9, True), (0.0, True), (124.0, False), (125.5, True), (3e10, True)])
def test_a_jump_is_a_fall_of_20_or_a_rise_of_25_per_cent(tvl: float, suspect: bool) -> None:
    assert flags([tvl]) == [suspect]


@pytest.mark.parametrize(
    "support",
    [
        {"lp_supply": [700.0]}, {"price_ratio": [1450.0]}, {"price_ratio": [700.0]}, {"price0_usd": [700.0]}, {"price1_usd": [700.0]},
        {"second_tvl_usd": [500.0]}, {"protocol_held_usd": [970.0]}, {"eth": [2100.0]},
    ],
)  # fmt: skip
def test_a_fall_that_something_else_shows_too_is_none(support: dict[str, list[float]]) -> None:
    assert flags([50.0], **support) == [False]


@pytest.mark.parametrize(
    "other",
    [{"lp_supply": [990.0]}, {"lp_supply": [1500.0]}, {"second_tvl_usd": [1400.0]}, {"protocol_held_usd": [980.0]}, {"price0_usd": [NAN]}],
)
def test_what_hardly_moves_or_moves_the_other_way_or_is_not_known_supports_nothing(other: dict[str, list[float]]) -> None:
    assert flags([50.0], **other) == [True]


@pytest.mark.parametrize(("ages", "suspect"), [([0.5, 1.5, 2.5, 0.5], False), ([0.5, 0.5, 0.5, 0.5], True)])
def test_what_moved_since_the_tvl_was_observed_supports_its_jump(ages: list[float], suspect: bool) -> None:
    """The source is silent for two hours; the price of ETH falls in the first of them, and the TVL is heard of in the hour after."""
    heard = found([100.0, 100.0, 100.0, 50.0], eth=[3000.0, 1500.0, 1500.0, 1500.0], input_age_hours=ages)
    assert heard.is_suspect[:, 0].tolist() == [False, False, False, suspect]


def test_support_may_come_later() -> None:
    assert flags([50.0, 50.0, 50.0], lp_supply=[1000.0, 1000.0, 500.0]) == [True, True, False]


def test_a_jump_is_taken_back_where_the_tvl_is_where_it_was() -> None:
    seen = found([100.0, 10.0, 11.0, 95.0, 95.0])
    assert seen.is_suspect[:, 0].tolist() == [False, True, True, False, False]
    assert seen.taken_back_hours[:, 0].tolist() == [0, 0, 0, 2, 0]
    assert seen.before_usd[1:3, 0].tolist() == [100.0, 100.0]


def test_unknown_hours_within_a_jump_go_with_it() -> None:
    seen = found([10.0, NAN, 0.0, 100.0])
    assert seen.is_suspect[:, 0].tolist() == [True, False, True, False]
    assert seen.taken_back_hours[:, 0].tolist() == [0, 0, 0, 3]


def test_a_jump_that_stays_for_six_hours_is_believed_and_the_way_back_is_a_jump_of_its_own() -> None:
    seen = found([10.0] * STAYS_HOURS + [10.0, 100.0])
    assert seen.is_suspect[:, 0].tolist() == [True] * STAYS_HOURS + [False, True]
    assert not seen.taken_back_hours.any()


def test_what_was_known_longer_than_a_day_ago_is_nothing_to_jump_from() -> None:
    assert flags([NAN] * 23 + [50.0]) == [False] * 23 + [True]
    assert flags([NAN] * 24 + [50.0]) == [False] * 25


def test_a_slide_of_small_steps_is_no_jump() -> None:
    assert not any(flags([100.0 * 0.85**i for i in range(1, 20)]))


@given(
    st.lists(st.sampled_from([100.0, 99.0, 75.0, 40.0, 0.0, 3000.0, NAN]), min_size=2, max_size=30),
    st.lists(st.sampled_from([1000.0, 400.0, 3000.0]), min_size=30, max_size=30),
)
@settings(max_examples=80, deadline=None)
def test_hour_by_hour_equals_one_backfill(tvl: list[float], supply: list[float]) -> None:
    """Each hour by the flags that the hours before it have stored."""
    whole = found(tvl, lp_supply=supply[: len(tvl)])
    stored = panel(tvl, lp_supply=supply[: len(tvl)])
    for hour in range(len(tvl)):
        stop = LOOKBACK_HOURS + hour + 1
        then = Panel(
            Window.ending(END, LOOKBACK_HOURS + 1), stored.keys, {n: v[stop - LOOKBACK_HOURS - 1 : stop] for n, v in stored.values.items()}
        )
        one = suspects(then, np.full((LOOKBACK_HOURS + 1, 1), 3000.0), 1)
        assert one.is_suspect[0, 0] == whole.is_suspect[hour, 0]
        assert one.taken_back_hours[0, 0] == whole.taken_back_hours[hour, 0]
        stored["is_suspect"][stop - 1] = one.is_suspect[0]
