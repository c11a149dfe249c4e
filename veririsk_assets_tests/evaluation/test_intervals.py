"""The vectorised bootstrap: equal to a plain loop over draws, the same in every run, and of honest width."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from veririsk_assets.evaluation import resampling
from veririsk_assets.evaluation.intervals import (
    Draws,
    as_draws,
    bootstrap,
    bootstrap_calibration,
    calibration_draws,
    paired_bootstrap,
    ranking_draws,
    tail,
)
from veririsk_assets.evaluation.metrics import average_precision, brier, brier_skill, ece, roc_auc, within_folds
from veririsk_assets.evaluation.resampling import block_counts, resampled_ratio
from veririsk_assets.models.logistic_line import sigmoid


def sample(seed=0, blocks=12, size=40, levels=9):
    rng = np.random.default_rng(seed)
    block = np.repeat(np.arange(blocks) * 7 + 3, size)
    label = rng.random(len(block)) < 0.15
    score = np.round(levels * (rng.random(len(block)) + 0.4 * label)) / levels
    return label, score, block


@pytest.mark.parametrize("chunk", [2_000_000, 60])
def test_every_draw_equals_metrics_on_the_repeated_rows(monkeypatch, chunk):
    monkeypatch.setattr(resampling, "_CHUNK_CELLS", chunk)
    label, score, block = sample()
    drawn = ranking_draws(label, score, block, draws=15, seed=4)
    calibrated = calibration_draws(label, score / 2, block, draws=15, seed=4)
    for i, counts in enumerate(block_counts(12, 15, 4)[1:]):
        weight = counts[(block - 3) // 7]
        assert drawn["ap"].samples[i] == pytest.approx(average_precision(label, score, weight))
        assert drawn["auc"].samples[i] == pytest.approx(roc_auc(label, score, weight))
        assert calibrated["brier_skill"].samples[i] == pytest.approx(brier_skill(label, score / 2, weight))
    assert drawn["ap"].value == pytest.approx(average_precision(label, score))
    assert calibrated["brier_skill"].value == pytest.approx(brier_skill(label, score / 2))
    assert calibrated["ece"].value == pytest.approx(ece(label, score / 2))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 3), st.integers(0, 4)), min_size=6, max_size=50))
@settings(max_examples=60, deadline=None)
def test_weighted_and_tied_rows_resample_exactly(drawn):
    label, score, weight, block = (np.array(column, dtype=float) for column in zip(*drawn, strict=True))
    names = np.unique(block)
    assume(len(names) > 1 and weight.any())
    got = ranking_draws(label, score, block, draws=5, seed=1, weight=weight)
    for i, counts in enumerate(block_counts(len(names), 5, 1)[1:]):
        drawn_weight = weight * counts[np.searchsorted(names, block)]
        if drawn_weight.any():
            assert got["ap"].samples[i] == pytest.approx(average_precision(label, score, drawn_weight), nan_ok=True)
            assert got["auc"].samples[i] == pytest.approx(roc_auc(label, score, drawn_weight), nan_ok=True)


def test_folds_are_ranked_by_themselves_and_combined_by_their_positives():
    rng = np.random.default_rng(11)
    fold, block = np.repeat(np.arange(3), 400), np.arange(1200) // 60
    label = rng.random(1200) < np.repeat([0.05, 0.2, 0.1], 400)
    score = rng.integers(0, 30, 1200) + 5.0 * label
    got = ranking_draws(label, score, block, draws=4, seed=2, fold=fold)
    for i, counts in enumerate(block_counts(20, 4, 2)):
        weight, value = counts[block], (lambda name, i=i: np.append(got[name].value, got[name].samples)[i])
        hits = [weight[fold == f] @ label[fold == f] for f in range(3)]
        for name, metric in (("ap", average_precision), ("auc", roc_auc)):
            parts = [metric(label[fold == f], score[fold == f], weight[fold == f]) for f in range(3)]
            assert value(name) == pytest.approx(np.average(parts, weights=hits))
        chance = np.average([hits[f] / weight[fold == f].sum() for f in range(3)], weights=hits)
        assert value("chance_ap") == pytest.approx(chance) and value("lift") == pytest.approx(value("ap") / chance)
    assert got["ap"].value == pytest.approx(within_folds(average_precision, label, score, fold))


def test_what_a_fold_s_calibration_adds_to_all_its_scores_changes_no_ranking():
    label, score, block = sample(4)
    fold = block // 3
    moved = score + np.array([0.0, 4.0, -7.0, 2.0, 9.0])[(fold % 5).astype(int)]
    kept, pooled = (ranking_draws(label, moved, block, draws=20, fold=of) for of in (fold, None))
    for name in ("ap", "auc", "lift"):
        np.testing.assert_array_equal(kept[name].samples, ranking_draws(label, score, block, draws=20, fold=fold)[name].samples)
    assert pooled["auc"].value != pytest.approx(ranking_draws(label, score, block, draws=20)["auc"].value)


def test_a_fold_without_positives_or_without_negatives_spoils_nothing():
    label, score, block = sample(5)
    fold = np.where(block == block.max(), 1, 0)
    for only in (0.0, 1.0):
        said = np.where(fold == 1, only, label)
        got = ranking_draws(said, score, block, draws=5, fold=fold)
        assert got["auc"].value == pytest.approx(roc_auc(label[fold == 0], score[fold == 0]))
        assert np.isfinite(got["ap"].samples).all()


def test_slope_and_intercept_say_how_forecasts_are_wrong():
    rng = np.random.default_rng(14)
    odds = rng.normal(-3, 1.2, 60_000)
    label, block = rng.random(60_000) < sigmoid(odds), np.arange(60_000) // 1000
    right, loud, low = (calibration_draws(label, sigmoid(said), block, draws=200) for said in (odds, 2 * odds + 3, odds - 1))
    assert right["slope"].interval().lo < 1 < right["slope"].interval().hi and abs(right["intercept"].value) < 0.05
    assert loud["slope"].value == pytest.approx(0.5, abs=0.03) and low["intercept"].value == pytest.approx(1.0, abs=0.05)
    assert low["slope"].value == pytest.approx(right["slope"].value, abs=0.01)
    ece = calibration_draws(label, sigmoid(odds - 1), block, draws=20)
    assert ece["ece_to_base"].value == pytest.approx(ece["ece"].value / label.mean())


def test_every_draw_has_the_line_that_fits_its_own_rows():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(13)
    odds, block = rng.normal(-1, 1, 4000), np.arange(4000) // 200
    label = rng.random(4000) < sigmoid(0.6 * odds)
    got = calibration_draws(label, sigmoid(odds), block, draws=3, seed=4)
    for i, counts in enumerate(block_counts(20, 3, 4)[1:]):
        line = LogisticRegression(C=1e9, tol=1e-8).fit(odds[:, None], label, sample_weight=counts[block])
        assert got["slope"].samples[i] == pytest.approx(line.coef_[0, 0], abs=2e-3)


def test_skill_over_the_rate_that_was_known_then_is_of_its_own_rows():
    label, score, block = sample(7)
    known = np.where(block < 5, 0.1, 0.4)
    got = calibration_draws(label, score / 3, block, draws=5, known_rate=known)["brier_skill_known"]
    assert got.value == pytest.approx(1 - brier(label, score / 3) / np.mean((known - label) ** 2))


def test_two_runs_agree_to_the_last_digit_and_row_order_does_not_matter():
    label, score, block = sample(2)
    turned = np.random.default_rng(9).permutation(len(label))
    assert bootstrap(label, score, block) == bootstrap(label, score, block)
    assert bootstrap(label, score, block) == bootstrap(label[turned], score[turned], block[turned])
    assert bootstrap(label, score, block, seed=1) != bootstrap(label, score, block, seed=2)


def test_a_model_gains_nothing_on_itself_or_on_a_monotone_copy():
    label, score, block = sample(3)
    gain = paired_bootstrap(label, score, np.exp(score), block)
    assert all((interval.value, interval.lo, interval.hi) == (0.0, 0.0, 0.0) for interval in gain.values())


def test_pairing_finds_a_gain_that_separate_intervals_do_not():
    rng = np.random.default_rng(5)
    block = np.repeat(np.arange(40), 100)
    week = np.repeat(rng.normal(size=40), 100)
    label = rng.random(4000) < 0.05 * np.exp(week)
    signal = label + rng.normal(0, 1.5, 4000)
    a, b = signal, signal + rng.normal(0, 0.8, 4000)
    alone_a, alone_b = bootstrap(label, a, block)["auc"], bootstrap(label, b, block)["auc"]
    assert alone_a.lo < alone_b.hi
    assert paired_bootstrap(label, a, b, block)["auc"].lo > 0


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    covered = []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        block = np.repeat(np.arange(50), 30)
        label = rng.random(1500) < np.repeat(rng.choice([0.02, 0.2], 50), 30)
        score = rng.normal(size=1500) + np.repeat(rng.normal(size=50), 30)
        covered.append(not bootstrap(label, score, block, draws=200, seed=seed)["auc"].excludes(0.5))
    assert 0.87 <= np.mean(covered) <= 0.995


def test_few_blocks_do_not_make_a_narrow_interval():
    """The mean of a block's own number, known to be 0: six blocks, and the percentiles that ignore how few they are."""
    missed, missed_by_percentiles = [], []
    for seed in range(600):
        values = np.random.default_rng(seed).normal(size=6)
        drawn = as_draws({"mean": resampled_ratio(values, np.ones(6), np.arange(6), draws=400, seed=seed)}, blocks=6)["mean"]
        missed.append(drawn.interval().excludes(0.0))
        missed_by_percentiles.append(Draws(drawn.value, drawn.samples).interval().excludes(0.0))
    assert np.mean(missed_by_percentiles) > 0.11
    assert np.mean(missed) == pytest.approx(0.05, abs=0.03)


def test_many_blocks_leave_the_percentiles_as_they_are():
    assert tail(6) < tail(40) < tail(400) < tail(None) == pytest.approx(0.025)
    assert tail(40) == pytest.approx(0.0203, abs=0.0005) and tail(4000) == pytest.approx(0.025, abs=0.0002)


def test_rows_that_move_together_widen_the_interval():
    rng = np.random.default_rng(6)
    block = np.repeat(np.arange(30), 100)
    label = np.repeat(rng.random(30) < 0.2, 100)
    score = np.repeat(rng.normal(size=30), 100) + 0.01 * rng.normal(size=3000)
    by_week, by_row = bootstrap(label, score, block)["auc"], bootstrap(label, score, np.arange(3000))["auc"]
    assert by_week.hi - by_week.lo > 4 * (by_row.hi - by_row.lo)


def test_one_block_is_refused():
    with pytest.raises(ValueError, match="at least 2"):
        bootstrap(np.array([0, 1]), np.array([0.1, 0.2]), np.zeros(2))


def test_calibration_intervals_hold_their_value():
    label, score, block = sample(7)
    for interval in bootstrap_calibration(label, score / 3, block).values():
        assert interval.lo <= interval.value <= interval.hi
    assert brier(label, score / 3) > 0


def test_a_ratio_is_a_sum_over_a_sum():
    drawn = resampled_ratio(np.array([1.0, 0, 3]), np.array([2.0, 2, 4]), np.array([0, 0, 1]), draws=50)
    assert drawn[0] == 0.5
    assert set(np.round(drawn[1:], 6)) <= {0.25, 0.5, 0.75}
