"""The as-of join against a plain loop, and its rules one by one."""

from datetime import timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.panels.as_of import as_of_fill

WINDOW = Window.of("2026-01-01T00:00", "2026-01-01T08:00")
KEYS = np.array([3, 8])
START = np.datetime64(naive(WINDOW.start), "us")


def minutes(*values: float) -> np.ndarray:
    return START + np.array([timedelta(minutes=v) for v in values], dtype="timedelta64[us]")


def fill(
    observed: np.ndarray, available: np.ndarray, keys: list[int], max_age_hours: float = 6, window: Window = WINDOW
) -> tuple[np.ndarray, np.ndarray]:
    return as_of_fill(observed, available, np.array(keys, dtype=np.int64), window, KEYS, max_age_hours)


def loop(rows: list[tuple[int, int, int]], max_age_hours: float, step_hours: int) -> tuple[np.ndarray, np.ndarray]:
    """Step by step, row by row."""
    index, ages = np.full((8, 2), -1), np.full((8, 2), np.nan)
    for hour in range(8):
        cutoff = (hour + 1) * 60 * step_hours + (30 if step_hours == 1 else 65)
        for column, key in enumerate(KEYS):
            known = [(min(o, a), a, i) for i, (o, a, k) in enumerate(rows) if k == key and a <= cutoff]
            if known and (age := (cutoff - max(known)[0]) / 60) <= max_age_hours:
                index[hour, column], ages[hour, column] = max(known)[2], age
    return index, ages


MINUTE = st.integers(-600, 700)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(MINUTE, MINUTE, st.sampled_from([3, 8, 5, 99])), max_size=25), st.sampled_from([1, 2.5, 6]), st.sampled_from([1, 24])
)
def test_it_serves_what_the_plain_loop_serves(rows: list[tuple[int, int, int]], max_age_steps: float, step_hours: int) -> None:
    rows = [(observed * step_hours, available * step_hours, key) for observed, available, key in rows]
    observed, available = minutes(*[r[0] for r in rows]), minutes(*[r[1] for r in rows])
    window = Window(WINDOW.start, WINDOW.start + 8 * step_hours * HOUR, step_hours)
    index, age = fill(observed, available, [r[2] for r in rows], max_age_steps * step_hours, window)
    expected_index, expected_age = loop(rows, max_age_steps * step_hours, step_hours)
    assert np.array_equal(index, expected_index)
    np.testing.assert_allclose(age, expected_age, rtol=1e-6)


def test_a_late_row_serves_no_hour_before_it_was_available() -> None:
    index, age = fill(minutes(50, 110), minutes(50, 300), [3, 3])
    # The second row was true at 1:50 and known at 5:00: the cut-off 5:30 is the first that may use it.
    assert index[:, 0].tolist() == [0, 0, 0, 0, 1, 1, 1, -1]
    assert age[4, 0] == np.float32((330 - 110) / 60)


def test_a_row_that_arrives_at_the_cut_off_is_used() -> None:
    assert fill(minutes(60, 60), minutes(90, 90 + 1 / 60), [3, 8])[0][:2].tolist() == [[0, -1], [0, 1]]


def test_of_doubled_rows_the_later_correction_serves() -> None:
    index, _ = fill(minutes(50, 50, 50), minutes(55, 200, 60), [3, 3, 3])
    assert index[:4, 0].tolist() == [2, 2, 1, 1]


def test_an_older_truth_that_arrives_later_does_not_replace_a_newer_one() -> None:
    assert set(fill(minutes(80, 20), minutes(85, 100), [3, 3])[0][:4, 0]) == {0}


def test_a_clock_that_runs_ahead_makes_no_row_younger_than_its_arrival() -> None:
    index, age = fill(minutes(10_000, 400), minutes(60, 400), [3, 3])
    assert index[:, 0].tolist() == [0, 0, 0, 0, 0, 0, 1, 1]
    assert age[0, 0] == np.float32(0.5)


def test_no_rows_and_no_keys_are_no_error() -> None:
    nothing = minutes()
    assert (fill(nothing, nothing, [])[0] == -1).all()
    empty = as_of_fill(minutes(1), minutes(1), np.array([3]), WINDOW, np.array([], dtype=np.int64), 6)
    assert empty[0].shape == empty[1].shape == (8, 0)
