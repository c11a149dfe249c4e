import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from veririsk_assets.contracts.windows import Window
from veririsk_assets.panels.as_of import as_of_fill

DAY = Window.of("2025-01-01", "2025-01-02")
KEYS = np.array([10, 20])


def fill(rows: list[tuple[str, str, int]], max_age_hours: float = 6) -> tuple[np.ndarray, np.ndarray]:
    """`rows`: observed_at, available_at (times of 1 January 2025), pool."""
    stamps = [np.array([np.datetime64(f"2025-01-01T{row[i]}", "us") for row in rows]) for i in (0, 1)]
    return as_of_fill(stamps[0], stamps[1], np.array([row[2] for row in rows]), DAY, KEYS, max_age_hours)


def test_an_observation_serves_from_the_first_cut_off_at_which_it_is_available() -> None:
    index, age = fill([("03:10", "03:29", 10), ("03:10", "03:31", 20)])
    # Row 2 is as_of 03:00, decided at 03:30.
    assert index[:4].tolist() == [[-1, -1], [-1, -1], [0, -1], [0, 1]]
    np.testing.assert_allclose(age[2:4], [[1 / 3, np.nan], [4 / 3, 4 / 3]], rtol=1e-5)


def test_it_serves_no_longer_than_its_age_allows() -> None:
    index, _ = fill([("03:30", "03:30", 10)])
    assert np.flatnonzero(index[:, 0] >= 0).tolist() == [2, 3, 4, 5, 6, 7, 8]


def test_a_late_row_about_an_earlier_time_does_not_replace_a_newer_one() -> None:
    index, _ = fill([("05:00", "05:00", 10), ("04:00", "06:00", 10)])
    assert index[5:8, 0].tolist() == [0, 0, 0]


def test_of_two_words_about_one_time_the_later_one_counts() -> None:
    index, _ = fill([("05:00", "07:00", 10), ("05:00", "06:00", 10)])
    assert index[5:8, 0].tolist() == [1, 0, 0]


def test_a_source_whose_clock_runs_ahead_is_not_lost() -> None:
    index, age = fill([("09:00", "05:00", 10)])
    assert index[4, 0] == 0
    assert age[4, 0] == 0.5


def test_pools_that_nobody_asked_for_are_ignored_and_nothing_serves_nothing() -> None:
    assert (fill([("05:00", "05:00", 15)])[0] == -1).all()
    empty = np.array([], dtype="datetime64[us]")
    assert (as_of_fill(empty, empty, np.array([], dtype=np.int64), DAY, KEYS, 6)[0] == -1).all()


MINUTES = st.integers(0, 26 * 60)


@given(st.lists(st.tuples(MINUTES, st.integers(0, 400), st.sampled_from([10, 20])), max_size=30))
@settings(max_examples=60, deadline=None)
def test_it_equals_a_look_through_all_rows(rows: list[tuple[int, int, int]]) -> None:
    base = pd.Timestamp("2024-12-31T23:00")
    table = pd.DataFrame(rows, columns=["minute", "delay", "key"])
    observed = (base + pd.to_timedelta(table["minute"], unit="min")).astype("datetime64[us]")
    available = (observed + pd.to_timedelta(table["delay"], unit="min")).astype("datetime64[us]")
    index, age = as_of_fill(observed.to_numpy(), available.to_numpy(), table["key"].to_numpy(dtype=np.int64), DAY, KEYS, 6)
    for i, as_of in enumerate(DAY.as_ofs):
        cutoff = pd.Timestamp(as_of) + pd.Timedelta(minutes=30)
        for j, key in enumerate(KEYS):
            known = [k for k in range(len(rows)) if table["key"][k] == key and available[k] <= cutoff]
            best = max(known, key=lambda k: (observed[k], available[k], k), default=-1)
            if best >= 0 and cutoff - observed[best] > pd.Timedelta(hours=6):
                best = -1
            served = index[i, j]
            assert (served < 0) == (best < 0)
            if best >= 0:
                assert (observed[served], available[served]) == (observed[best], available[best])
                assert abs(age[i, j] - (cutoff - observed[best]) / pd.Timedelta(hours=1)) < 1e-4
