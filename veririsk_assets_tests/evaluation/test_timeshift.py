"""The time-shift null and the intervals of event metrics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veririsk_assets.evaluation.episodes import Alerts
from veririsk_assets.evaluation.event_intervals import event_draws
from veririsk_assets.evaluation.events import EventRule, Events, event_metrics, lead_hours, time_shift_null
from veririsk_assets.evaluation.intervals import differences, intervals


def market(seed, hours=1500, pools=6, gaps=False):
    """Events at random hours and alerts that know nothing of them."""
    rng = np.random.default_rng(seed)
    covered = rng.random((hours, pools)) > 0.3 if gaps else np.ones((hours, pools), dtype=bool)
    on = covered & (rng.random((hours // 10, pools)) < 0.1).repeat(10, axis=0)
    pool, hour = np.repeat(np.arange(pools), 4), rng.integers(30, hours, size=pools * 4)
    return Alerts(on, covered), Events(hour, pool)


def test_an_alert_that_is_always_on_or_never_on_has_no_skill():
    alerts, events = market(0)
    always = Alerts(alerts.covered, alerts.covered)
    null = time_shift_null(always, events)
    assert null.expected == event_metrics(always, events).recall == dict.fromkeys((1, 3, 6, 12), 1.0)
    assert null.skill_ratio[6] == null.p_value[6] == 1.0
    never = Alerts(~alerts.covered, alerts.covered)
    assert time_shift_null(never, events).expected[1] == 0.0
    assert np.isnan(time_shift_null(never, events).skill_ratio[1])


@given(st.integers(0, 40), st.booleans(), st.booleans())
@settings(max_examples=12, deadline=None)
def test_the_expectation_is_the_mean_over_every_shift(seed, gaps, fresh):
    alerts, events = market(seed, hours=90, pools=1, gaps=gaps)
    rule = EventRule(horizon_hours=12, leads=(1, 5), fresh_only=fresh)
    where = np.flatnonzero(alerts.covered[:, 0])
    claims = rule.claims(alerts)[where, 0]
    scope = np.isfinite(lead_hours(alerts, events, rule))
    recalls = []
    for shift in range(len(where)):
        shifted = np.zeros_like(alerts.on)
        shifted[where, 0] = np.roll(claims, shift)
        lead = lead_hours(Alerts(shifted, alerts.covered), events, EventRule(12, (1, 5)))[scope]
        recalls.append([np.mean(lead >= 1), np.mean(lead >= 5)])
    null = time_shift_null(alerts, events, rule)
    assert list(null.expected.values()) == pytest.approx(np.mean(recalls, axis=0).tolist())


def test_alerts_that_know_which_pool_but_not_when_have_a_ratio_of_1():
    rng = np.random.default_rng(3)
    risky = np.arange(40) < 10
    on = rng.random((300, 40)).repeat(10, axis=0) < np.where(risky, 0.3, 0.01)
    alerts = Alerts(on, np.ones_like(on))
    pool = rng.integers(0, 10, 300)
    events = Events(rng.integers(30, 3000, 300), pool)
    null = time_shift_null(alerts, events)
    assert event_metrics(alerts, events).recall[6] > 0.3
    assert null.skill_ratio[6] == pytest.approx(1.0, abs=0.15)
    assert null.p_value[6] > 0.025
    assert null.lo[6] <= event_metrics(alerts, events).recall[6] <= null.hi[6]


def test_alerts_that_know_when_beat_their_null():
    alerts, events = market(4)
    on = np.zeros_like(alerts.on)
    for before in range(6, 12):
        on[events.hour_index - before, events.key_index] = True
    null = time_shift_null(Alerts(on, alerts.covered), events)
    assert null.skill_ratio[6] > 5
    assert null.p_value[6] < 0.01


def test_a_lead_of_exactly_six_hours_counts_at_six_everywhere():
    alerts, events = market(9, pools=3)
    on = np.zeros_like(alerts.on)
    on[events.hour_index - 6, events.key_index] = True
    exact = Alerts(on, alerts.covered)
    null, got = time_shift_null(exact, events), intervals(event_draws(exact, events))
    assert event_metrics(exact, events).recall[6] == got["recall_lead_6"].value == 1.0
    assert null.skill_ratio[6] == pytest.approx(1.0 / null.expected[6])
    assert got["recall_skill_lead_6"].value == pytest.approx(null.skill_ratio[6])


def test_the_null_is_the_same_in_every_run():
    alerts, events = market(5, gaps=True)
    first, second = time_shift_null(alerts, events), time_shift_null(alerts, events)
    assert (first.expected, first.lo, first.hi, first.p_value) == (second.expected, second.lo, second.hi, second.p_value)


@pytest.mark.parametrize("by", ["week", "key"])
def test_event_intervals_hold_the_metrics_of_the_sample(by):
    alerts, events = market(6, gaps=True)
    got, metrics, null = intervals(event_draws(alerts, events, by=by)), event_metrics(alerts, events), time_shift_null(alerts, events)
    for at in (1, 3, 6, 12):
        assert got[f"recall_lead_{at}"].value == pytest.approx(metrics.recall[at])
        assert got[f"recall_null_lead_{at}"].value == pytest.approx(null.expected[at])
        assert got[f"recall_skill_lead_{at}"].value == pytest.approx(null.skill_ratio[at])
    for name in ("alert_precision", "false_alarms_per_pool_month", "alert_hours_per_pool_month"):
        assert got[name].value == pytest.approx(getattr(metrics, name))
    assert all(interval.lo <= interval.value <= interval.hi for interval in got.values())
    assert got == intervals(event_draws(alerts, events, by=by))


def test_ids_of_one_pool_are_drawn_together():
    alerts, events = market(6)
    pools, unit = alerts.on.shape[1], np.tile(np.arange(alerts.on.shape[1]), 2)
    twice = Alerts(np.hstack([alerts.on] * 2), np.hstack([alerts.covered] * 2))
    both = Events(np.tile(events.hour_index, 2), np.concatenate([events.key_index, events.key_index + pools]))
    once, together, apart = (
        intervals(drawn)["recall_lead_1"]
        for drawn in (
            event_draws(alerts, events, by="key"),
            event_draws(twice, both, by="key", unit=unit),
            event_draws(twice, both, by="key"),
        )
    )
    assert (together.value, together.lo, together.hi) == pytest.approx((once.value, once.lo, once.hi))
    assert apart.hi - apart.lo < together.hi - together.lo


def test_a_model_gains_no_recall_on_itself():
    alerts, events = market(7)
    gain = differences(event_draws(alerts, events), event_draws(alerts, events))
    assert {(g.value, g.lo, g.hi) for g in gain.values()} == {(0.0, 0.0, 0.0)}


def test_no_event_in_scope_is_unknown():
    alerts, _ = market(8)
    nothing = Events(np.array([], dtype=int), np.array([], dtype=int))
    assert np.isnan(time_shift_null(alerts, nothing).expected[1])
    assert np.isnan(intervals(event_draws(alerts, nothing))["recall_lead_1"].value)
    assert intervals(event_draws(alerts, nothing))["alert_precision"].value == 0.0
