"""Falls that have begun: states, their beginning, and nothing of the future in them."""

import numpy as np
import pytest

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.windows import Window
from veririsk_assets.features.detections import FALLEN, FALLING, LOOKBACK_HOURS, NONE, UNKNOWN, detect
from veririsk_assets_tests.features.walks import changed, cut, market

HOURS = 40


def panel(*tail: float, age: float = 0.5, before: float = 100.0) -> Panel:
    """One pool: `before` through the look-back, then the tail's hours."""
    tvl = np.array([before] * (LOOKBACK_HOURS + HOURS - len(tail)) + list(tail), dtype=np.float32)[:, None]
    inputs = {"tvl_usd": tvl, "input_age_hours": np.full_like(tvl, age), "taken_back_hours": np.zeros_like(tvl)}
    return Panel(Window.ending("2025-06-01", len(tvl)), np.array([1]), inputs)


def last(*tail: float, **options: float) -> dict[str, float]:
    return {name: float(values[-1, 0]) for name, values in detect(panel(*tail, **options), HOURS).values.items()}


@pytest.mark.parametrize(
    ("tail", "state"),
    [
        ((100.0,), NONE), ((91.0,), NONE), ((90.0,), FALLING), ((81.0,), FALLING), ((80.0,), FALLEN), ((0.0,), FALLEN),
        ((np.nan,), UNKNOWN), ((-5.0,), UNKNOWN), ((70.0, *[70.0] * 24), NONE),
    ],
)  # fmt: skip
def test_the_state_is_the_drop_below_the_24_hour_high(tail: tuple[float, ...], state: int) -> None:
    assert last(*tail)["state"] == state


def test_a_stale_or_hardly_known_tvl_is_never_calm_but_a_fall_that_is_seen_is_one() -> None:
    assert last(100.0, age=6.5)["state"] == UNKNOWN
    assert last(*[np.nan] * 20, 100.0)["state"] == UNKNOWN
    assert last(*[np.nan] * 20, 70.0)["state"] == FALLEN
    assert last(50.0, before=np.nan)["state"] == UNKNOWN
    assert last(0.0, before=0.0)["state"] == UNKNOWN


def test_the_drop_the_high_and_the_beginning() -> None:
    found = last(99.0, 88.0, np.nan, 85.0, 79.0)
    assert found == pytest.approx({"state": FALLEN, "drop_ratio": -0.21, "high_tvl_usd": 100.0, "begun_hours": 3.0})
    assert last(88.0, 95.0, 85.0)["begun_hours"] == 0
    assert np.isnan(last(88.0, 95.0)["begun_hours"])


def test_a_slide_that_goes_on_for_days_began_at_most_48_hours_ago() -> None:
    assert last(*(100.0 * 0.99**i for i in range(72)))["begun_hours"] == 48


def test_a_high_that_was_taken_back_is_none_from_then_on() -> None:
    spike = panel(100.0, 3000.0, 3000.0, 100.0, 99.0)
    spike["taken_back_hours"][-2] = 2
    found = detect(spike, HOURS)
    assert found["state"][-5:, 0].tolist() == [NONE] * 5
    assert found["high_tvl_usd"][-5:, 0].tolist() == [100.0, 3000.0, 3000.0, 100.0, 100.0]


def test_no_hour_sees_the_future_and_hour_by_hour_equals_one_backfill() -> None:
    wild, _ = market(LOOKBACK_HOURS + HOURS, pools=9)
    rng = np.random.default_rng(6)
    tvl = 1e6 * np.exp(np.cumsum(rng.normal(0, 0.06, wild.shape), axis=0)).astype(np.float32)
    tvl[rng.random(tvl.shape) < 0.1] = np.nan
    wild = changed(wild, tvl_usd=tvl, taken_back_hours=np.where(rng.random(tvl.shape) < 0.01, 3, 0))
    known = detect(wild, HOURS)
    assert set(np.unique(known["state"])) == {UNKNOWN, NONE, FALLING, FALLEN}
    garbled = changed(wild, tvl_usd=np.vstack([tvl[:-8], np.full_like(tvl[-8:], 1e9)]))
    for later in range(HOURS):
        one = detect(cut(wild, later).tail(LOOKBACK_HOURS + 1) if later else wild.tail(LOOKBACK_HOURS + 1), 1)
        for name, values in known.values.items():
            np.testing.assert_array_equal(one[name][0], values[HOURS - 1 - later], err_msg=name)
            if later >= 8:
                np.testing.assert_array_equal(detect(garbled, HOURS)[name][HOURS - 1 - later], one[name][0])
