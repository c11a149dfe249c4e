"""The chance check holds for scores on shuffled labels, and would notice machinery that finds skill in noise."""

import numpy as np
import pytest

from veririsk_assets.evaluation import chance
from veririsk_assets.evaluation.chance import CHANCE, MAX_EXCLUDED, chance_check
from veririsk_assets.evaluation.intervals import ranking_draws
from veririsk_assets.evaluation.metrics import lift
from veririsk_assets.models.logistic_line import sigmoid


def market(seed, weeks=30, pools=40, step_hours=4):
    """Falls that last a day, come in bad weeks and hit risky pools; the score knows the weeks and the pools."""
    rng = np.random.default_rng(seed)
    hours = weeks * 168 // step_hours
    week, risk = np.repeat(np.exp(rng.normal(size=weeks)), 168 // step_hours), np.exp(0.8 * rng.normal(size=pools))
    onset = rng.random((hours, pools)) < 0.0015 * week[:, None] * risk
    label = np.zeros_like(onset)
    for before in range(6):
        label[: hours - before] |= onset[before:]
    score = np.log(risk) + 0.5 * np.log(week)[:, None] + rng.normal(size=(hours, pools))
    hour, pool = np.indices(label.shape)
    return label.ravel(), score.ravel(), hour.ravel() * step_hours, pool.ravel()


def test_a_skilled_score_has_no_skill_on_labels_of_other_weeks_and_pools():
    label, score, hour, pool = market(0)
    assert lift(label, score) > 1.5
    got = chance_check(label, score, hour, pool, draws=200)
    assert got.shuffles == 40
    assert got.holds, got
    assert got.mean_lift == pytest.approx(1.0, abs=0.1)
    assert got.mean_auc == pytest.approx(0.5, abs=0.02)


def test_the_ranking_within_hours_its_gain_and_the_slope_are_checked_too():
    label, score, hour, pool = market(4)
    rival = score + 2 * np.random.default_rng(1).normal(size=len(score))
    got = chance_check(label, sigmoid(score - 6), hour, pool, draws=200, fold=hour // (168 * 10), rival=rival, is_probability=True)
    assert set(got.excluded) == {"ap", "auc", "within_hour_auc", "within_hour_ap", "within_hour_auc_gain", "slope"}
    assert got.mean_within_hour_auc == pytest.approx(0.5, abs=0.02)
    assert max(got.excluded.values()) <= 0.2, got


@pytest.mark.stress
def test_on_16_markets_no_metric_finds_skill_in_noise_more_often_than_it_may():
    checks = []
    for seed in range(16):
        label, score, hour, pool = market(seed)
        rival = score + 2 * np.random.default_rng(seed).normal(size=len(score))
        rows = (label, sigmoid(score - 6), hour, pool)
        checks.append(chance_check(*rows, draws=200, fold=hour // (168 * 10), rival=rival, is_probability=True))
    for metric in CHANCE:
        assert np.mean([check.excluded[metric] for check in checks]) <= MAX_EXCLUDED
    assert np.mean([check.mean_lift for check in checks]) == pytest.approx(1.0, abs=0.1)
    assert np.mean([check.mean_within_hour_auc for check in checks]) == pytest.approx(0.5, abs=0.005)


def test_the_check_is_the_same_in_every_run_and_does_not_need_a_full_grid():
    label, score, hour, pool = market(1, weeks=12, pools=20)
    some = np.random.default_rng(0).random(len(label)) < 0.8
    rows = (label[some], score[some], hour[some], pool[some])
    assert chance_check(*rows, shuffles=6, draws=50) == chance_check(*rows, shuffles=6, draws=50)


def test_intervals_that_ignore_the_weeks_fail_the_check(monkeypatch):
    def by_row(label, score, week, draws, seed, fold):
        return ranking_draws(label, score, np.arange(len(label)), draws, seed, fold=fold)

    monkeypatch.setattr(chance, "ranking_draws", by_row)
    label, _, hour, pool = market(2, weeks=16, pools=12)
    score = np.random.default_rng(5).normal(size=16)[hour // 168]
    assert not chance_check(label, score, hour, pool, draws=60).holds


def test_labels_of_one_class_leave_nothing_to_check():
    label, score, hour, pool = market(3, weeks=4, pools=5)
    got = chance_check(np.zeros_like(label), score, hour, pool, shuffles=3, draws=20)
    assert got.shuffles == 0
    assert not got.holds
