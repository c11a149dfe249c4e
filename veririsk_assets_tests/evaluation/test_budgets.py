"""Budgets over any 30 days, what a level is worth, and how often it turns: on grids whose answer is known."""

import numpy as np
import pytest

from veririsk_assets.evaluation.budgets import by_month, event_rates, spent, turns_per_day

HOURS, KEYS = 24 * 70, 20
HOUR, KEY = (index.ravel() for index in np.meshgrid(np.arange(0, HOURS, 4), np.arange(KEYS), indexing="ij"))
ONE_FOLD = np.zeros(len(HOUR), dtype=int)


def test_an_even_level_spends_its_share_in_any_30_days() -> None:
    found = spent(KEY == 3, HOUR, ONE_FOLD, 36.5)
    assert (found.mean, found.least, found.most, found.kept) == pytest.approx((36.5, 36.5, 36.5, 1.0))


def test_a_storm_is_seen_in_the_spans_that_hold_it_and_not_in_the_mean() -> None:
    storm = (HOUR >= 24 * 40) & (HOUR < 24 * 43)
    found = spent(storm, HOUR, ONE_FOLD, 24.0)
    assert found.mean == pytest.approx(730 * 3 / 70)
    assert (found.least, found.most) == pytest.approx((0.0, 730 * 3 / 30))
    assert found.kept < 0.2


def test_no_span_reaches_from_one_fold_into_the_next_and_a_short_one_has_none() -> None:
    halves = (HOUR >= 24 * 35).astype(int)
    on = halves == 1
    found = spent(on, HOUR, halves, 24.0)
    assert {round(found.least), round(found.most)} == {0, 730}
    short = HOUR < 24 * 20
    assert np.isnan(spent(on[short], HOUR[short], ONE_FOLD[short], 24.0).most)


def test_months_are_those_of_the_calendar() -> None:
    as_of = np.datetime64("2021-05-01T00", "us") + HOUR * np.timedelta64(1, "h")
    found = by_month(as_of < np.datetime64("2021-06-01"), as_of)
    assert list(found) == ["2021-05", "2021-06", "2021-07"] and list(found.values()) == pytest.approx([730.0, 0.0, 0.0])


def test_event_rates_are_shares_of_rows_and_their_difference_is_paired() -> None:
    rng = np.random.default_rng(0)
    high, medium = KEY < 2, (KEY >= 2) & (KEY < 6)
    week = np.exp(rng.normal(size=HOUR.max() // 168 + 1))[HOUR // 168]
    label = (rng.random(len(HOUR)) < week * np.where(high, 0.06, np.where(medium, 0.03, 0.005))).astype(float)
    found = event_rates(label, high, medium, HOUR)
    assert found["high"].value == pytest.approx(label[high].mean()) and found["low"].value == pytest.approx(label[KEY >= 6].mean())
    assert found["high"].lo < found["medium"].hi and found["high_minus_medium"].lo > 0
    assert np.isnan(event_rates(label, high, np.zeros_like(high), HOUR)["high_minus_medium"].value)


def test_turns_are_counted_per_key_and_day_and_not_over_a_gap() -> None:
    on = (HOUR // 24) % 2 == 0
    assert turns_per_day(on, HOUR, KEY) == pytest.approx(69 / (69 + 20 / 24))
    kept = (HOUR < 24) | (HOUR >= 24 * 10)
    gap = np.where(HOUR < 24, True, False)
    assert turns_per_day(gap[kept], HOUR[kept], KEY[kept]) == 0.0
