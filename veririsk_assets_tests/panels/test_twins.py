"""Two columns that are one thing are found, whatever is missing of them; two that only look alike are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veririsk_assets.panels.twins import MIN_HOURS, TOLERANCE, Twins, groups, suspected_twins

WEEK, NAN = 168, float("nan")


def walks(columns: int, seed: int = 0, size: float = 0.003) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.exp(rng.normal(13, 2, columns) + np.cumsum(rng.normal(0, size, (WEEK, columns)), axis=0))


def pairs(twins: Twins) -> list[tuple[int, int]]:
    return list(zip(twins.left.tolist(), twins.right.tolist(), strict=True))


def with_twin(x: np.ndarray, of: int, noise: float = 2e-5, seed: int = 1) -> np.ndarray:
    return np.column_stack([x, x[:, of] * (1 + noise * np.random.default_rng(seed).uniform(-1, 1, len(x)))])


def test_a_twin_is_found_with_its_evidence() -> None:
    found = suspected_twins(with_twin(walks(30), of=4))
    assert pairs(found) == [(4, 30)]
    assert (found.hours.tolist(), found.agreeing_hours.tolist()) == ([WEEK], [WEEK])
    assert 1e-5 < found.largest_difference[0] < 3e-5


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 0.25), st.integers(2, 40))
def test_gaps_hide_no_twin_and_make_none(seed: int, share: float, columns: int) -> None:
    x = with_twin(walks(columns, seed), of=columns // 2)
    x[np.random.default_rng(seed).random(x.shape) < share] = NAN
    # Gaps of a quarter in both leave some 95 hours that both know: rarely, fewer than are asked for.
    both = np.isfinite(x[:, [columns // 2, columns]]).all(axis=1).sum()
    assert pairs(suspected_twins(x)) == ([(columns // 2, columns)] if both >= MIN_HOURS else [])


def test_a_few_late_hours_are_no_difference_but_are_told() -> None:
    x = with_twin(walks(9), of=2, noise=0)
    x[[3, 60, 167], 9] *= 1.2
    found = suspected_twins(x)
    assert pairs(found) == [(2, 9)]
    assert found.agreeing_hours.tolist() == [WEEK - 3] and found.largest_difference[0] == pytest.approx(0.2)


@pytest.mark.parametrize(
    "pair",
    [
        np.full((WEEK, 2), 1e6),
        np.zeros((WEEK, 2)),
        np.full((WEEK, 2), NAN),
        1e6 * (1 + 1e-5 * np.random.default_rng(0).standard_normal((WEEK, 2))),
        walks(1, size=0.01) * np.array([1.0, 1 + 3 * TOLERANCE]),
        np.where(np.arange(WEEK)[:, None] < WEEK / 2 - 5, walks(1) * [1, 1], walks(2)),
        np.where(np.arange(WEEK)[:, None] % 2 == [0, 1], walks(1) * [1, 1], NAN),
        np.where(np.arange(WEEK)[:, None] > WEEK - 80, walks(1) * [1, 1], NAN),
        -walks(1) * [1, 1],
    ],
    ids=["constant", "zero", "unknown", "hardly moving", "apart", "parted", "never at once", "too young", "negative"],
)
def test_what_only_looks_alike_is_no_twin(pair: np.ndarray) -> None:
    assert pairs(suspected_twins(np.column_stack([walks(5, seed=9), pair]))) == []


def test_columns_of_two_kinds_are_no_twins_and_an_unknown_kind_may_be_any() -> None:
    x = with_twin(walks(3), of=1)
    assert pairs(suspected_twins(x, np.array([0, 0, 0, 1]))) == []
    assert pairs(suspected_twins(x, np.array([0, 1, 0, 1]))) == pairs(suspected_twins(x, np.array([0, 0, 0, -1]))) == [(1, 3)]


def test_many_names_of_one_thing_are_one_group() -> None:
    x = np.column_stack([walks(3), *[walks(1, seed=7)[:, 0]] * 40])
    assert groups(suspected_twins(x), x.shape[1]).tolist() == [0, 1, 2, *[3] * 40]


def test_twins_of_twins_are_one_group() -> None:
    x = with_twin(with_twin(walks(4), of=3, noise=0) * 1.0, of=3, noise=0)
    x[:, 4] *= 1 + 0.9 * TOLERANCE
    x[:, 5] *= 1 - 0.9 * TOLERANCE
    found = suspected_twins(x)
    assert (4, 5) not in pairs(found)
    assert groups(found, 6).tolist() == [0, 1, 2, 3, 3, 3]


@pytest.mark.parametrize("shape", [(WEEK, 0), (WEEK, 1), (0, 3), (5, 3)])
def test_too_little_is_no_error(shape: tuple[int, int]) -> None:
    assert groups(suspected_twins(np.ones(shape)), shape[1]).tolist() == list(range(shape[1]))


def test_twenty_thousand_columns_take_a_second_or_two() -> None:
    """Not a stopwatch: comparing each with each would need 30 GB and minutes."""
    x = walks(20_000)
    x[:, 10_000:10_050] = x[:, :50]
    x[:, 15_000:] = 1e6
    assert pairs(suspected_twins(x)) == [(i, 10_000 + i) for i in range(50)]
