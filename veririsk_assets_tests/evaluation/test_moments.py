"""When and which, told apart."""

import numpy as np
import pytest

from veririsk_assets.evaluation.intervals import ratio_draws
from veririsk_assets.evaluation.moments import hourly, moment_level, within_moment


def market(seed=0, hours=400, pools=50):
    """Risk of a row = bad moment × risky pool."""
    rng = np.random.default_rng(seed)
    moment, risk = np.exp(rng.normal(size=(hours, 1))), np.exp(rng.normal(size=(1, pools)))
    label = rng.random((hours, pools)) < (0.02 * moment * risk).clip(0, 1)
    hour = np.repeat(np.arange(hours), pools)
    return label.ravel(), np.broadcast_to(moment, label.shape).ravel(), np.broadcast_to(risk, label.shape).ravel(), hour


def test_a_score_of_the_moment_tells_when_and_not_which():
    label, moment, _, hour = market()
    assert moment_level(label, moment, hour).spearman > 0.5
    assert moment_level(label, moment, hour).auc > 0.65
    assert within_moment(label, moment, hour).auc == 0.5


def test_a_score_of_the_pool_tells_which_and_not_when():
    label, _, risk, hour = market()
    assert within_moment(label, risk, hour).auc > 0.65
    assert within_moment(label, risk, hour).ap_lift > 1.3
    when = moment_level(label, risk, hour)
    assert np.isnan(when.spearman)
    assert when.auc == pytest.approx(0.5)


def test_random_scores_tell_neither():
    label, _, _, hour = market(hours=2000)
    score = np.random.default_rng(1).random(len(label))
    which, when = within_moment(label, score, hour), moment_level(label, score, hour)
    assert (which.auc, which.ap_lift) == (pytest.approx(0.5, abs=0.02), pytest.approx(1.0, abs=0.06))
    assert (when.spearman, when.auc) == (pytest.approx(0.0, abs=0.06), pytest.approx(0.5, abs=0.03))


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
    assert table.pool_count.sum() == 400


def test_the_ap_of_random_orders_is_what_random_orders_give():
    rng = np.random.default_rng(3)
    label = np.tile(np.arange(20) < 3, 4000)
    table = hourly(label, rng.random(80_000), np.repeat(np.arange(4000), 20))
    assert table.ap.mean() == pytest.approx(table.ap_chance[0], rel=0.02)
    assert table.ap_chance[0] > 1.3 * 3 / 20


def test_the_rank_correlation_shares_tied_ranks_as_scipy_does():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(4)
    hour, label, score = np.repeat(np.arange(60), 5), rng.random(300) < 0.3, rng.integers(0, 3, 300).astype(float)
    means = [(score[hour == at].mean(), label[hour == at].mean()) for at in range(60)]
    assert moment_level(label, score, hour).spearman == pytest.approx(spearmanr(means).statistic)


def test_hours_of_one_class_count_for_nothing_and_may_be_all_there_is():
    assert within_moment(np.zeros(10), np.arange(10), np.arange(10) // 5).hour_count == 0
    assert moment_level(np.zeros(4), np.arange(4), np.arange(4)).hour_count == 0


def test_within_moment_has_intervals_by_week():
    label, _, risk, hour = market()
    table = hourly(label, risk, hour)
    mixed = np.isfinite(table.auc)
    interval = ratio_draws(table.auc[mixed], np.ones(mixed.sum()), table.hour[mixed] // 20).interval()
    assert interval.value == pytest.approx(within_moment(label, risk, hour).auc)
    assert interval.lo > 0.5
