"""Onsets, lead times, cost and budgets on panels made by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veririsk_assets.evaluation.episodes import Alerts, episodes, hold
from veririsk_assets.evaluation.events import (
    EventRule,
    Events,
    disappearances,
    event_metrics,
    event_onsets,
    followed,
    lead_hours,
    threshold_for_budget,
)


def grid(hours, *on):
    """One pool with the alert on in the given half-open ranges, every hour covered."""
    alert = np.zeros((hours, 1), dtype=bool)
    for first, end in on:
        alert[first:end] = True
    return Alerts(alert, np.ones_like(alert))


def event_at(*hours):
    return Events(np.array(hours, dtype=int), np.zeros(len(hours), dtype=int))


def onset_hours(tvl, **options):
    return event_onsets(np.array(tvl, dtype=np.float32)[:, None], **options).hour_index.tolist()


def test_the_onset_is_the_first_hour_down_a_fifth_and_not_the_trough():
    assert onset_hours([100.0] * 30 + [90, 81, 80, 60, 40, 30] + [30] * 30) == [32]


def test_a_slow_fall_is_an_event_only_inside_the_horizon():
    fall = [100.0] * 10 + [100 - k for k in range(1, 41)] + [60.0] * 30
    assert onset_hours(fall, horizon_hours=6) == []
    assert onset_hours(fall, horizon_hours=24) == [10 + 20 - 1]


def test_a_second_fall_within_seven_days_is_the_same_event():
    shape = [100.0] * 30 + [70.0] * 60 + [40.0] * 200
    assert onset_hours(shape) == [30]
    assert onset_hours(shape, min_gap_hours=24) == [30, 90]
    assert onset_hours([100.0] * 30 + [70.0] * 168 + [40.0] * 20) == [30, 198]


def test_a_gap_is_no_event_and_hides_none():
    assert onset_hours([100.0] * 5 + [np.nan] * 3 + [95.0] * 5) == []
    assert onset_hours([100.0] * 5 + [np.nan] * 3 + [75.0] * 5) == [8]


@given(st.lists(st.lists(st.integers(1, 12) | st.none(), min_size=3, max_size=3), min_size=2, max_size=60), st.integers(1, 8))
@settings(max_examples=80, deadline=None)
def test_onsets_follow_their_definition(rows, horizon):
    tvl = np.array([[np.nan if v is None else v for v in row] for row in rows], dtype=float)
    found = event_onsets(tvl, 0.25, horizon, min_gap_hours=10)
    expected = []
    for pool in range(3):
        column, last, before = tvl[:, pool], -(10**6), False
        for u in range(len(column)):
            hit = any(column[u] <= 0.75 * column[t] for t in range(max(0, u - horizon), u))
            if hit and not before and u - last >= 10:
                expected.append((u, pool))
                last = u
            before = hit
    assert list(zip(found.hour_index, found.key_index, strict=True)) == expected


def test_a_pool_that_disappears_with_money_in_it_is_an_event():
    tvl = np.full((300, 4), 50.0)
    tvl[200:, 0] = np.nan
    tvl[199:, 1] = 0.0
    tvl[250:, 1] = np.nan
    tvl[290:, 2] = np.nan
    gone = disappearances(tvl, missing_hours=48)
    assert (gone.hour_index.tolist(), gone.key_index.tolist()) == ([200], [0])
    merged = event_onsets(tvl, extra=gone)
    assert list(zip(merged.hour_index.tolist(), merged.key_index.tolist(), strict=True)) == [(200, 0), (199, 1)]


def test_a_pool_that_was_never_seen_does_not_disappear():
    assert len(disappearances(np.full((100, 2), np.nan), missing_hours=1)) == 0


def test_an_alert_holds_until_the_next_scored_row_and_no_longer_than_a_step():
    scored, alert = np.zeros((14, 1), dtype=bool), np.zeros((14, 1), dtype=bool)
    scored[[0, 4, 7]] = True
    alert[[0, 7]] = True
    held = hold(alert, scored, step_hours=4)
    assert np.flatnonzero(held.on).tolist() == [0, 1, 2, 3, 7, 8, 9, 10]
    assert np.flatnonzero(held.covered).tolist() == list(range(11))


def test_episodes_are_runs_of_a_pool():
    on = np.array([[1, 0], [1, 1], [0, 1], [1, 0]], dtype=bool)
    run = episodes(Alerts(on, np.ones_like(on)))
    assert list(zip(run.key_index, run.first_hour, run.last_hour, strict=True)) == [(0, 0, 1), (0, 3, 3), (1, 1, 2)]


@pytest.mark.parametrize(
    ("on", "lead", "fresh"),
    [
        ((90, 95), 10, 10),
        ((99, 120), 1, 1),
        ((100, 120), 0, 0),
        ((76, 77), 24, 24),
        ((70, 76), 0, 0),
        ((70, 77), 24, 0),
        ((0, 120), 24, 0),
    ],
)
def test_lead_time_runs_from_the_alert_to_the_onset(on, lead, fresh):
    alerts = grid(120, on)
    assert lead_hours(alerts, event_at(100)).tolist() == [lead]
    assert lead_hours(alerts, event_at(100), EventRule(fresh_only=True)).tolist() == [fresh]


def test_an_event_that_no_scored_row_could_warn_of_is_out_of_scope():
    alerts = grid(120)
    alerts.covered[10:] = False
    lead = lead_hours(alerts, event_at(20, 34, 100))
    assert lead[0] == 0
    assert np.isnan(lead[1:]).all()
    assert event_metrics(alerts, event_at(20, 34, 100)).event_count == 1


def test_an_episode_is_right_if_an_onset_follows_within_the_horizon_of_some_hour():
    run = episodes(grid(400, (10, 12), (100, 150), (200, 210), (300, 301)))
    assert followed(run, event_at(36, 174, 200, 302)).tolist() == [False, False, False, True]
    assert followed(run, event_at(35, 173, 201, 324)).tolist() == [True, True, True, True]


def test_an_onset_of_another_pool_does_not_make_an_episode_right():
    run = episodes(grid(50, (10, 12)))
    assert followed(run, Events(np.array([15]), np.array([1]))).tolist() == [False]


def test_metrics_count_what_a_hand_would_count():
    alerts = grid(1460, (80, 92), (500, 510), (990, 995), (1399, 1400))
    got = event_metrics(alerts, event_at(100, 700, 1000, 1400))
    assert got.recall == {1: 0.75, 3: 0.5, 6: 0.5, 12: 0.25}
    assert got.lead_quartiles == (5.5, 10.0, 15.0)
    assert got.alert_precision == 0.75
    assert (got.pool_months, got.false_alarms_per_pool_month, got.alert_hours_per_pool_month) == (2.0, 0.5, 14.0)
    assert (got.event_count, got.episode_count) == (4, 4)


def test_no_alert_and_no_event_are_unknown_and_not_zero():
    got = event_metrics(grid(100), event_at())
    assert np.isnan(got.alert_precision)
    assert np.isnan(got.recall[1])
    assert got.alert_hours_per_pool_month == 0.0


scores = st.lists(st.integers(0, 8) | st.just(np.nan), min_size=1, max_size=80)


@given(scores, st.floats(0, 800), st.sampled_from([1, 4]))
@settings(max_examples=120, deadline=None)
def test_the_threshold_is_the_lowest_that_keeps_the_budget(drawn, budget, step):
    score = np.array(drawn, dtype=float)
    known = score[np.isfinite(score)]
    if not len(known):
        with pytest.raises(ValueError, match="scored validation row"):
            threshold_for_budget(score, budget, step)
        return
    threshold = threshold_for_budget(score, budget, step)

    def hours_a_month(at):
        return 730.0 * np.mean(known >= at)

    assert hours_a_month(threshold) <= budget + 1e-9
    lower = known[known < threshold]
    if len(lower):
        assert hours_a_month(lower.max()) > budget - 1e-6
