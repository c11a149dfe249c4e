"""Every kernel against a plain loop that follows its sentence word by word."""

import math
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from veririsk_assets.panels import tiles
from veririsk_assets.panels.rolling import Over, ago, cross_rank, future_minimum, log_returns, returns

HOURS = 10
WEIGHTS = (1.0 - 2.0 / 6.0) ** np.arange(HOURS)[::-1]


def weighted(window: np.ndarray, power: int) -> float:
    known = ~np.isnan(window)
    return float((WEIGHTS[known] * window[known] ** power).sum() / WEIGHTS[known].sum())


WINDOWED: dict[str, tuple[Callable[[Over, np.ndarray], np.ndarray], Callable[[np.ndarray], float]]] = {
    "mean": (lambda over, x: over.mean(x, HOURS), np.nanmean),
    "mean of squared falls": (
        lambda over, x: over.mean(x, HOURS, high=0, squared=True),
        lambda w: float(np.nanmean(np.minimum(w, 0) ** 2)),
    ),
    "total of rises": (lambda over, x: over.total(x, HOURS, low=0), lambda w: float(np.nansum(np.maximum(w, 0)))),
    "std": (lambda over, x: over.std(x, HOURS), lambda w: float(np.nanstd(w, ddof=1))),
    "maximum": (lambda over, x: over.maximum(x, HOURS), np.nanmax),
    "minimum": (lambda over, x: over.minimum(x, HOURS), np.nanmin),
    "ewma": (lambda over, x: over.ewma(x, span=5, hours=HOURS), lambda w: weighted(w, 1)),
    "ewma of squares": (lambda over, x: over.ewma(x, span=5, hours=HOURS, squared=True), lambda w: weighted(w, 2)),
}


def loop(x: np.ndarray, formula: Callable[[np.ndarray], float]) -> np.ndarray:
    """The rule: 90 % of the window's hours, and its first and last one."""
    out = np.full(x.shape, np.nan)
    for t in range(HOURS - 1, len(x)):
        for j in range(x.shape[1]):
            window = x[t - HOURS + 1 : t + 1, j].astype(np.float64)
            known = ~np.isnan(window)
            if known.sum() >= 0.9 * HOURS and known[0] and known[-1]:
                out[t, j] = formula(window)
    return out


def gappy(hours: int = 60, pools: int = 7, share: float = 0.06, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(hours, pools)).astype(np.float32)
    x[rng.random(x.shape) < share] = np.nan
    return x


@pytest.mark.parametrize("name", WINDOWED)
def test_a_window_says_what_the_plain_loop_says(name: str) -> None:
    x = gappy()
    compute, formula = WINDOWED[name]
    expected = loop(x, formula)
    assert 0.2 < np.isnan(expected).mean() < 0.8
    np.testing.assert_allclose(compute(Over(len(x)), x), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", WINDOWED)
@pytest.mark.parametrize("rows", [1, 3, 25])
def test_the_last_rows_equal_those_of_the_whole(name: str, rows: int) -> None:
    x = gappy(seed=1)
    compute, _ = WINDOWED[name]
    assert np.array_equal(compute(Over(rows), x), compute(Over(len(x)), x)[-rows:], equal_nan=True)


@pytest.mark.parametrize("name", WINDOWED)
def test_tiles_and_threads_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x = gappy(hours=300, pools=2 * tiles.TILE_COLUMNS + 5)
    compute, _ = WINDOWED[name]
    on_threads = compute(Over(200), x)
    monkeypatch.setattr(tiles, "SMALL", 10**12)
    assert np.array_equal(on_threads, compute(Over(200), x), equal_nan=True)


def test_many_threads_may_compute_at_once() -> None:
    x = gappy(hours=200, pools=900)
    alone = Over(150).std(x, 24)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda _: Over(150).std(x, 24), range(16)))
    assert all(np.array_equal(alone, other, equal_nan=True) for other in together)


@pytest.mark.parametrize("hours", [1, 2, 6, 9])
def test_a_short_window_bears_no_gap_as_90_percent_of_it_is_all_of_it(hours: int) -> None:
    x = np.ones((12, 1), dtype=np.float32)
    x[5] = np.nan
    blank = np.isnan(Over(12).mean(x, hours)[:, 0])
    assert blank.tolist() == [t < hours - 1 or 5 <= t < 5 + hours for t in range(12)]


def test_an_outlier_is_gone_with_its_last_hour() -> None:
    x = gappy(share=0, hours=80, pools=2)
    calm = Over(80).std(x, HOURS)
    x[20, 0] = 1e9
    shaken = Over(80).std(x, HOURS)
    assert np.array_equal(shaken[20 + HOURS :], calm[20 + HOURS :])
    assert np.array_equal(shaken[:, 1], calm[:, 1], equal_nan=True)


def test_a_small_spread_on_a_large_level_keeps_its_deviation() -> None:
    x = (1e6 + np.arange(30) % 2)[:, None].astype(np.float32)
    assert Over(1).std(x, 24)[0, 0] == pytest.approx(np.std(x[-24:], ddof=1, dtype=np.float64), rel=1e-6)


def test_a_change_needs_a_base_above_zero() -> None:
    x = np.array([[1.0], [0.0], [-2.0], [3.0], [np.nan], [6.0], [9.0]], dtype=np.float32)
    assert np.array_equal(returns(x)[:, 0], np.float32([np.nan, -1, np.nan, np.nan, np.nan, np.nan, 0.5]), equal_nan=True)
    assert np.array_equal(Over(2).change(x, hours=3)[:, 0], np.float32([np.nan, 2.0]), equal_nan=True)


def test_a_log_return_needs_both_sides_above_zero() -> None:
    x = np.array([[1.0], [math.e], [0.0], [1.0]], dtype=np.float32)
    assert np.array_equal(np.round(log_returns(x)[:, 0], 6), np.float32([np.nan, 1, np.nan, np.nan]), equal_nan=True)


@pytest.mark.parametrize("level", [1e-12, 1.0, 1e18])
@pytest.mark.parametrize("move", [1e-7, -1e-5, 0.3, -(1 - 1e-9)])
def test_a_change_has_the_digits_of_its_inputs_whatever_their_size(level: float, move: float) -> None:
    x = level * np.array([[1.0], [1.0 + move]])
    assert returns(x)[1, 0] == pytest.approx(move, rel=1e-6)
    assert log_returns(x)[1, 0] == pytest.approx(math.log1p(move), rel=1e-6)
    assert Over(1).change(x, 1)[0, 0] == returns(x)[1, 0] and Over(1).log_change(x, 1)[0, 0] == log_returns(x)[1, 0]


def test_how_far_below_the_high_has_the_digits_of_its_inputs() -> None:
    x = np.float32([[1e11, 1.0], [1e11 * (1 - 1e-6), 1.0]])
    exact = x[1].astype(np.float64) / x[0] - 1
    np.testing.assert_allclose(Over(1).below_maximum(x, 2)[0], exact, rtol=1e-6)


def test_rows_before_the_panel_are_unknown() -> None:
    x = np.ones((3, 1), dtype=np.float32)
    assert np.isnan(Over(3).change(x, hours=2)[:, 0]).tolist() == [True, True, False]
    assert np.isnan(Over(5).mean(x, 1)[:, 0]).tolist() == [True, True, False, False, False]
    assert np.isnan(Over(3).change(x, hours=5)).all()
    assert np.isnan(Over(3).mean(x, 5)).all()
    assert [len(ago(x, hours)) for hours in (0, 2, 3, 5)] == [3, 1, 0, 0]


def test_hours_since_counts_from_the_last_hit_and_stops_at_its_cap() -> None:
    x = np.float32([[0, 1, 0, 0, 0, -1, 0, 0, 0, 0, 0]]).T
    assert Over(8).hours_since(x, cap=3, at_least=1)[:, 0].tolist() == [2, 3, 3, 3, 3, 3, 3, 3]
    assert Over(8).hours_since(x, cap=3, at_least=1, at_most=-1)[:, 0].tolist() == [2, 3, 0, 1, 2, 3, 3, 3]


def since_by_words(window: np.ndarray, at_least: float) -> float:
    hits = np.flatnonzero(window >= at_least)
    after = window[hits[-1] + 1 :] if len(hits) else window
    return float(len(after)) if np.isnan(after).sum() <= 0.1 * len(window) else np.nan


@pytest.mark.parametrize("rows", [1, 9, 60])
@pytest.mark.parametrize("share", [0.0, 0.15, 0.5])
def test_hours_since_is_known_where_few_hours_are_unknown_since(rows: int, share: float) -> None:
    x = gappy(hours=90, share=share, seed=3)
    expected = np.array([[since_by_words(x[t - 29 : t + 1, j], 1.8) for j in range(x.shape[1])] for t in range(90 - rows, 90)])
    assert np.array_equal(Over(rows).hours_since(x, cap=30, at_least=1.8), expected, equal_nan=True)
    assert np.isnan(expected).any() == (share > 0)


def unchanged_by_words(window: np.ndarray) -> float:
    known = np.flatnonzero(~np.isnan(window))
    if len(known) < 2 or np.isnan(window[-1]):
        return np.nan
    others = known[window[known] != window[-1]]
    began = known[known > others[-1]][0] if len(others) else known[0]
    return float(len(window) - 1 - began)


@pytest.mark.parametrize("rows", [1, 9, 60])
def test_hours_unchanged_are_those_for_which_the_value_was_seen(rows: int) -> None:
    x = np.round(gappy(hours=90, share=0.4, seed=5))
    x[:75, 1] = np.nan
    x[:, 2] = np.where(np.isnan(x[:, 2]), np.nan, 1.0)
    expected = np.array([[unchanged_by_words(x[t - 20 : t + 1, j]) for j in range(x.shape[1])] for t in range(90 - rows, 90)])
    assert np.array_equal(Over(rows).hours_unchanged(x, cap=20), expected, equal_nan=True)


def test_a_small_move_of_a_large_value_is_a_move() -> None:
    x = 3e10 + np.cumsum(np.full((40, 1), 50.0), axis=0)
    assert Over(1).hours_unchanged(x, cap=20).tolist() == [[0]]
    assert Over(1).hours_unchanged(np.full_like(x, 3e10), cap=20).tolist() == [[20]]


def test_hours_since_first_is_the_age_within_the_look_back() -> None:
    x = np.float32([[np.nan, np.nan, 1, 1, np.nan, 1, 1, 1]]).T
    expected = [np.nan, np.nan, 0, 1, 2, 3, 3, 2]
    assert np.array_equal(Over(8).hours_since_first(x, cap=3)[:, 0], np.float32(expected), equal_nan=True)


def test_the_future_minimum_leaves_out_the_hour_itself() -> None:
    low, count = future_minimum(np.float32([[1, 5, np.nan, 3, 4]]).T, 2)
    assert np.array_equal(low[:, 0], np.float32([5, 3, 3, 4, np.nan]), equal_nan=True)
    assert count[:, 0].tolist() == [1, 1, 2, 1, 0]


def test_an_outage_of_seven_hours_does_not_blank_thirty_days() -> None:
    x = gappy(hours=1000, pools=1, share=0)
    x[500:507] = np.nan
    assert np.isfinite(Over(280).mean(x, 720)).all()
    assert np.isnan(Over(1000).mean(x, 24)[506:530]).any()


def test_ranks_share_ties_and_keep_gaps() -> None:
    ranks = cross_rank(np.float32([[3, 1, np.nan, 3, 2], [np.nan, 7, np.nan, np.nan, np.nan]]))
    np.testing.assert_allclose(ranks, [[5 / 6, 0, np.nan, 5 / 6, 1 / 3], [np.nan, 0.5, np.nan, np.nan, np.nan]], rtol=1e-6)


def test_a_panel_without_pools_gives_a_panel_without_pools() -> None:
    assert Over(2).std(np.empty((9, 0), dtype=np.float32), 3).shape == (2, 0)


def test_formulas_are_importable_without_numba() -> None:
    code = "import sys, veririsk_assets.features.pools, veririsk_assets.labels.pools; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
