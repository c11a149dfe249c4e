import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from veririsk_assets.panels.rolling import Over, ago, cross_rank, future_minimum, log_returns, returns

SERIES = hnp.arrays(np.float32, (60, 3), elements=st.floats(1, 1000, width=32))


def frame(x: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(x.astype(np.float64))


@given(SERIES, st.integers(2, 20))
@settings(max_examples=40, deadline=None)
def test_rolling_windows_agree_with_pandas_where_nothing_is_missing(x: np.ndarray, hours: int) -> None:
    over, rolling = Over(60), frame(x).rolling(hours, min_periods=hours)
    np.testing.assert_allclose(over.mean(x, hours), rolling.mean(), rtol=1e-4)
    np.testing.assert_allclose(over.std(x, hours), rolling.std(), rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(over.maximum(x, hours), rolling.max(), rtol=1e-6)
    np.testing.assert_allclose(over.minimum(x, hours), rolling.min(), rtol=1e-6)
    np.testing.assert_allclose(over.change(x, hours), frame(x).pct_change(hours, fill_method=None), rtol=1e-3, atol=1e-4)


@given(SERIES, st.integers(1, 59))
@settings(max_examples=20, deadline=None)
def test_the_last_rows_alone_equal_the_last_rows_of_all(x: np.ndarray, rows: int) -> None:
    some, every = Over(rows), Over(60)
    np.testing.assert_array_equal(some.mean(x, 12), every.mean(x, 12)[-rows:])
    np.testing.assert_array_equal(some.ewma(x, 6, 12), every.ewma(x, 6, 12)[-rows:])
    np.testing.assert_array_equal(some.change(x, 12), every.change(x, 12)[-rows:])


def test_a_window_needs_ninety_percent_of_its_hours_and_its_ends() -> None:
    x = np.arange(20, dtype=np.float32)[:, None] + 1
    one_gap, two_gaps, no_end, no_start = (x.copy() for _ in range(4))
    one_gap[12], two_gaps[[12, 13]], no_end[19], no_start[10] = (np.nan,) * 4
    means = [Over(1).mean(series, 10)[0, 0] for series in (one_gap, two_gaps, no_end, no_start)]
    assert means[0] == pytest.approx((sum(range(11, 21)) - 13) / 9)
    assert np.isnan(means[1:]).all()


def test_a_deviation_survives_an_outlier() -> None:
    x = np.full((100, 1), 1.0, dtype=np.float32)
    x[::2] += 1e-4
    x[10] = 1e9
    assert Over(1).std(x, 24)[0, 0] == pytest.approx(np.std(x[-24:].astype(np.float64), ddof=1), rel=0.02)


def test_an_outage_of_seven_hours_does_not_blank_thirty_days() -> None:
    x = np.random.default_rng(0).random((1000, 1)).astype(np.float32)
    x[500:507] = np.nan
    assert np.isfinite(Over(280).mean(x, 720)).all()
    assert np.isnan(Over(1000).mean(x, 24)[506:530]).any()


def test_changes_from_nothing_are_unknown() -> None:
    x = np.array([[0.0], [-1.0], [2.0], [3.0]], dtype=np.float32)
    np.testing.assert_array_equal(returns(x)[:, 0], np.array([np.nan, np.nan, np.nan, 0.5], dtype=np.float32))
    np.testing.assert_array_equal(np.isnan(log_returns(x)[:, 0]), [True, True, True, False])


def test_before_the_first_row_nothing_is_known() -> None:
    x = np.ones((3, 2), dtype=np.float32)
    assert np.isnan(Over(3).change(x, 5)).all()
    assert np.isnan(Over(3).mean(x, 5)).all()
    assert len(ago(x, 2)) == 1


def test_hours_since_counts_up_to_its_cap() -> None:
    flag = np.zeros((12, 1), dtype=bool)
    flag[5] = True
    assert Over(4).hours_since(flag, 5)[:, 0].tolist() == [3, 4, 5, 5]


def test_ranks_average_ties_and_skip_gaps() -> None:
    ranked = cross_rank(np.array([[3.0, 1.0, np.nan, 1.0], [np.nan, 7.0, np.nan, np.nan]]))
    np.testing.assert_allclose(ranked, [[1.0, 0.25, np.nan, 0.25], [np.nan, 0.5, np.nan, np.nan]])


def test_the_future_minimum_does_not_hold_the_present() -> None:
    x = np.array([[1.0], [5.0], [np.nan], [3.0]], dtype=np.float32)
    low, known = future_minimum(x, 2)
    np.testing.assert_array_equal(low[:, 0], np.array([5.0, 3.0, 3.0, np.nan], dtype=np.float32))
    assert known[:, 0].tolist() == [1, 1, 1, 0]
