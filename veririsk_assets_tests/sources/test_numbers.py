"""What is read as a number or an instant, and what is missing instead."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veririsk_assets.sources.numbers import instant, number


@given(value=st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.lists(st.integers(), max_size=2)))
def test_a_number_is_finite_or_missing(value: Any) -> None:
    assert math.isfinite(number(value)) or math.isnan(number(value))


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_decimal_string_is_read_exactly(value: float) -> None:
    assert number(repr(value)) == value


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-inf", "1_000", "", "0x10", "1e400", True, None, [1]])
def test_what_only_looks_like_a_number_is_missing(value: Any) -> None:
    assert math.isnan(number(value))


@pytest.mark.parametrize("value", ["soon", "", None, 1e9, True, 10**20, "2026-13-01T00:00:00Z"])
def test_what_is_no_instant_is_missing(value: Any) -> None:
    assert instant(value) is None
