import numpy as np
import pytest

from veririsk_assets.models.catalogue.pools import NAIVE
from veririsk_assets.training.paired import metric_intervals, naive_scores, recall_at_budget, weeks, with_gains
from veririsk_assets.training.promotion import Results, verdict

RNG = np.random.default_rng(0)
ROWS = 6_000
AS_OF = np.datetime64("2025-01-01T00:00", "us") + (np.arange(ROWS) // 2) * np.timedelta64(1, "h")
TRUTH = RNG.normal(-3.0, 1.5, ROWS)
LABEL = (RNG.random(ROWS) < 1 / (1 + np.exp(-TRUTH))).astype(float)
CANDIDATE = Results("new", 0.3, 0.8, 0.005, 0.4)


def test_a_real_gain_is_proven_and_a_copy_is_not() -> None:
    noisy = TRUTH + RNG.normal(0, 3, ROWS)
    found = with_gains(CANDIDATE, LABEL, TRUTH, {"noisy": noisy, "same": TRUTH}, weeks(AS_OF))
    assert found.gains["noisy"].lo > 0
    assert found.gains["same"].value == 0
    assert verdict(found, None, [Results("noisy", 0.2, 0.7, 0.005)]).promote
    assert not verdict(found, None, [Results("same", 0.2, 0.7, 0.005)]).promote


def test_weeks_are_blocks_of_168_hours_from_the_first_row() -> None:
    assert np.bincount(weeks(AS_OF))[:-1].tolist() == [336] * 17


def test_every_logged_interval_holds_its_value() -> None:
    found = metric_intervals(LABEL, 1 / (1 + np.exp(-TRUTH)), AS_OF)
    assert set(found) == {"ap", "auc", "brier_skill", "ece"}
    assert all(found[name].lo <= found[name].value <= found[name].hi for name in ("ap", "auc", "brier_skill"))


def test_recall_at_the_budget_counts_the_highest_scores() -> None:
    label, score = np.zeros(730), np.arange(730.0)
    label[[729, 710, 5]] = 1.0
    assert recall_at_budget(label, score, 24.0) == pytest.approx(2 / 3)
    assert recall_at_budget(label, -score, 24.0) == pytest.approx(1 / 3)


def test_a_naive_column_says_least_where_it_says_nothing() -> None:
    found = naive_scores(NAIVE, {"tvl_change_24h": np.array([-0.3, np.nan, 0.1]), "log_tvl": np.ones(3)})
    assert list(found) == ["tvl_change_24h"]
    np.testing.assert_allclose(found["tvl_change_24h"], [0.3, -0.1, -0.1])
    assert naive_scores(NAIVE, {"ewma_volatility_7d": np.array([2.0, np.nan])})["ewma_volatility_7d"].tolist() == [2.0, 2.0]
