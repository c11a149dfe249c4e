"""When and which, told apart."""

from types import SimpleNamespace

import numpy as np
import pytest

from veririsk_assets.evaluation.intervals import intervals
from veririsk_assets.evaluation.metrics import lift, roc_auc
from veririsk_assets.evaluation.moment_intervals import when_draws, which_draws
from veririsk_assets.evaluation.moments import MIN_KEYS, hourly
from veririsk_assets.evaluation.resampling import block_counts


def market(seed=0, hours=400, pools=50):
    """Risk of a row = bad moment × risky pool."""
    rng = np.random.default_rng(seed)
    moment, risk = np.exp(rng.normal(size=(hours, 1))), np.exp(rng.normal(size=(1, pools)))
    label = rng.random((hours, pools)) < (0.02 * moment * risk).clip(0, 1)
    hour = np.repeat(np.arange(hours), pools)
    return label.ravel(), np.broadcast_to(moment, label.shape).ravel(), np.broadcast_to(risk, label.shape).ravel(), hour


def when(label, score, hour):
    return SimpleNamespace(**{name: drawn.value for name, drawn in when_draws(hourly(label, score, hour), 5).items()})


def which(label, score, hour):
    return SimpleNamespace(**{name: drawn.value for name, drawn in which_draws(hourly(label, score, hour), 5).items()})


def test_a_score_of_the_moment_tells_when_and_not_which():
    label, moment, _, hour = market()
    assert when(label, moment, hour).spearman > 0.5
    assert when(label, moment, hour).auc > 0.65
    assert which(label, moment, hour).auc == 0.5


def test_a_score_of_the_pool_tells_which_and_not_when():
    label, _, risk, hour = market()
    assert which(label, risk, hour).auc > 0.65
    assert which(label, risk, hour).ap_lift > 1.3
    timing = when(label, risk, hour)
    assert np.isnan(timing.spearman)
    assert timing.auc == pytest.approx(0.5)


def test_random_scores_tell_neither():
    label, _, _, hour = market(hours=2000)
    score = np.random.default_rng(1).random(len(label))
    order, timing = which(label, score, hour), when(label, score, hour)
    assert (order.auc, order.ap_lift) == (pytest.approx(0.5, abs=0.02), pytest.approx(1.0, abs=0.06))
    assert (timing.spearman, timing.auc) == (pytest.approx(0.0, abs=0.06), pytest.approx(0.5, abs=0.03))


def test_each_hour_is_ranked_as_sklearn_ranks_it():
    from sklearn.metrics import average_precision_score, roc_auc_score

    rng = np.random.default_rng(2)
    hour, label = rng.integers(0, 30, 400), rng.random(400) < 0.2
    score = rng.integers(0, 5, 400).astype(float)
    table = hourly(label, score, hour)
    for place, name in enumerate(table.hour):
        rows = hour == name
        if 0 < label[rows].sum() < rows.sum():
            assert table.auc[place] == pytest.approx(roc_auc_score(label[rows], score[rows]))
            assert table.ap[place] == pytest.approx(average_precision_score(label[rows], score[rows]))
        else:
            assert np.isnan(table.auc[place])
    assert table.key_count.sum() == 400


def test_scores_of_two_fits_are_two_rankings_of_one_hour():
    label, _, risk, hour = market()
    fit = np.random.default_rng(9).integers(0, 2, len(hour))
    apart, alone = hourly(label, risk + 100 * fit, hour, fit), [hourly(label[fit == f], risk[fit == f], hour[fit == f]) for f in (0, 1)]
    for f in (0, 1):
        np.testing.assert_array_equal(apart.auc[f::2], alone[f].auc)
        np.testing.assert_array_equal(apart.hour[f::2], alone[f].hour)


def test_the_ap_of_random_orders_is_what_random_orders_give():
    rng = np.random.default_rng(3)
    label = np.tile(np.arange(20) < 3, 4000)
    table = hourly(label, rng.random(80_000), np.repeat(np.arange(4000), 20))
    assert table.ap.mean() == pytest.approx(table.ap_chance[0], rel=0.02)
    assert table.ap_chance[0] > 1.3 * 3 / 20


def test_the_rank_correlation_shares_tied_ranks_as_scipy_does():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(4)
    hour, label, score = np.repeat(np.arange(60) * 4, 5), rng.random(300) < 0.3, rng.integers(0, 3, 300).astype(float)
    means = [(score[hour == at].mean(), label[hour == at].mean()) for at in np.unique(hour)]
    assert when(label, score, hour).spearman == pytest.approx(spearmanr(means).statistic)


def test_moments_of_an_hour_are_those_of_rows_that_carry_its_mean_score():
    label, moment, _, hour = market()
    score = moment * np.random.default_rng(6).random(len(hour))
    label, score, hour = label[25:], score[25:], hour[25:]
    mean = np.bincount(hour, score) / np.bincount(hour)
    wide = np.bincount(hour)[hour] >= MIN_KEYS
    got = when(label, score, hour)
    assert got.auc == pytest.approx(roc_auc(label[wide], mean[hour][wide]))
    assert got.lift == pytest.approx(lift(label[wide], mean[hour][wide]))


def test_an_interval_by_week_holds_its_value_and_tells_skill_from_none():
    label, moment, risk, hour = market(hours=1200)
    noise = np.random.default_rng(6).normal(0, 0.2, len(hour))
    for score, knows_when in ((moment, True), (risk, False)):
        table = hourly(label, score + noise, hour)
        timing, order = intervals(when_draws(table)), intervals(which_draws(table))
        assert all(one.lo <= one.value <= one.hi for one in (*timing.values(), *order.values()))
        assert (timing["auc"].lo > 0.5, timing["lift"].lo > 1, order["auc"].lo > 0.5) == (knows_when, knows_when, not knows_when)


def test_a_draw_of_the_rank_correlation_ranks_its_own_hours_anew():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(7)
    label, score, hour = rng.random(2400) < 0.3, rng.integers(0, 4, 2400).astype(float), np.repeat(np.arange(480) * 4, 5)
    table, seed = hourly(label, score, hour), 11
    drawn = when_draws(table, draws=3, seed=seed)["spearman"].samples
    weeks = table.hour // 168
    for got, counts in zip(drawn, block_counts(weeks.max() + 1, 3, seed)[1:], strict=True):
        often = counts[weeks].astype(int)
        again = spearmanr(np.repeat(table.mean_score, often), np.repeat(table.event_share, often)).statistic
        assert got == pytest.approx(again)


def test_hours_of_one_class_have_no_interval():
    table = hourly(np.zeros(2000), np.random.default_rng(8).random(2000), np.repeat(np.arange(400), 5))
    assert np.isnan(which_draws(table, 5)["auc"].interval().value) and np.isnan(when_draws(table, 5)["auc"].interval().hi)
    few = hourly(np.arange(8) % 2, np.arange(8.0), np.repeat(np.arange(4), 2))
    assert np.isnan(when_draws(few, 5)["spearman"].value)
