import numpy as np
import pytest

from veririsk_assets.models.catalogue.pools import NAIVE
from veririsk_assets.training.paired import JudgedRows, metric_intervals, naive_scores, recall_at_budget, results_of, weeks, with_gains
from veririsk_assets.training.promotion import Results, verdict

RNG = np.random.default_rng(0)
ROWS = 6_000
AS_OF = np.datetime64("2025-01-01T00:00", "us") + (np.arange(ROWS) // 2) * np.timedelta64(1, "h")
TRUTH = RNG.normal(-3.0, 1.5, ROWS)
LABEL = (RNG.random(ROWS) < 1 / (1 + np.exp(-TRUTH))).astype(float)
JUDGED = JudgedRows.of_one_fit(LABEL, AS_OF, 24)
PROBABILITY = 1 / (1 + np.exp(-TRUTH))
CANDIDATE = Results("new", 0.3, 0.8, 0.1, 0.4)


def test_a_real_gain_is_proven_and_a_copy_is_not() -> None:
    noisy = TRUTH + RNG.normal(0, 3, ROWS)
    found = with_gains(CANDIDATE, JUDGED, PROBABILITY, {"noisy": noisy, "same": TRUTH})
    assert found.gains["noisy"].within_hour.lo > 0 and found.gains["noisy"].ap.lo > 0
    assert found.gains["same"].within_hour.value == found.gains["same"].ap.value == 0
    assert verdict(found, None, [Results("noisy", 0.2, 0.7, 0.1)]).promote
    assert not verdict(found, None, [Results("same", 0.2, 0.7, 0.1)]).promote
    slope = found.calibration["slope"]
    assert slope.lo < 1 < slope.hi and found.calibration["brier_skill_known"].lo > 0


def test_what_a_fold_s_calibration_adds_is_no_gain_and_no_loss() -> None:
    fold = (np.arange(ROWS) * 3 // ROWS).astype(np.int64)
    rows = JudgedRows(LABEL, AS_OF, fold, JUDGED.known_rate)
    moved = TRUTH + np.array([0.0, 5.0, -5.0])[fold]
    found = with_gains(CANDIDATE, rows, PROBABILITY, {"moved": moved}).gains["moved"]
    assert (found.within_hour.lo, found.within_hour.hi, found.ap.lo, found.ap.hi) == (0, 0, 0, 0)
    a, b = results_of("a", rows, moved, is_probability=False), results_of("b", rows, TRUTH, is_probability=False)
    assert (a.ap, a.auc, a.recall) == (b.ap, b.auc, b.recall)


def test_weeks_are_blocks_of_168_hours_from_the_first_row() -> None:
    assert np.bincount(weeks(AS_OF))[:-1].tolist() == [336] * 17


def test_every_logged_interval_holds_its_value() -> None:
    found = metric_intervals(JUDGED, PROBABILITY)
    assert set(found) == {"ap", "auc", "brier_skill", "ece", "slope", "intercept", "ece_to_base", "brier_skill_known"}
    assert all(found[name].lo <= found[name].value <= found[name].hi for name in ("ap", "auc", "brier_skill"))


def test_recall_at_the_budget_counts_the_highest_scores() -> None:
    label, score = np.zeros(730), np.arange(730.0)
    label[[729, 710, 5]] = 1.0
    assert recall_at_budget(label, score, 24.0) == pytest.approx(2 / 3)
    assert recall_at_budget(label, -score, 24.0) == pytest.approx(1 / 3)


def test_a_naive_column_calls_a_row_neither_safe_nor_risky_where_it_says_nothing() -> None:
    found = naive_scores(NAIVE, {"tvl_change_24h": np.array([-0.3, np.nan, 0.1]), "log_tvl": np.ones(3)})
    assert list(found) == ["tvl_change_24h"]
    np.testing.assert_allclose(found["tvl_change_24h"], [0.3, 0.1, -0.1])
    assert naive_scores(NAIVE, {"ewma_volatility_7d": np.array([2.0, np.nan])})["ewma_volatility_7d"].tolist() == [2.0, 2.0]
