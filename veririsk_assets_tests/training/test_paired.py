import numpy as np

from veririsk_assets.training.paired import metric_intervals, weeks, with_gains
from veririsk_assets.training.promotion import Evidence, verdict

RNG = np.random.default_rng(0)
ROWS = 6_000
AS_OF = np.datetime64("2025-01-01T00:00", "us") + (np.arange(ROWS) // 2) * np.timedelta64(1, "h")
TRUTH = RNG.normal(-3.0, 1.5, ROWS)
LABEL = (RNG.random(ROWS) < 1 / (1 + np.exp(-TRUTH))).astype(float)
CANDIDATE = Evidence("new", 0.3, 0.8, 0.005, 0.4)


def test_a_real_gain_is_proven_and_a_copy_is_not() -> None:
    noisy = TRUTH + RNG.normal(0, 3, ROWS)
    found = with_gains(CANDIDATE, LABEL, TRUTH, {"noisy": noisy, "same": TRUTH}, weeks(AS_OF))
    assert found.gains["noisy"].lo > 0
    assert found.gains["same"].value == 0
    assert verdict(found, None, [Evidence("noisy", 0.2, 0.7, 0.005)]).promote
    assert not verdict(found, None, [Evidence("same", 0.2, 0.7, 0.005)]).promote


def test_weeks_are_blocks_of_168_hours_from_the_first_row() -> None:
    assert np.bincount(weeks(AS_OF))[:-1].tolist() == [336] * 17


def test_every_logged_interval_holds_its_value() -> None:
    found = metric_intervals(LABEL, 1 / (1 + np.exp(-TRUTH)), AS_OF)
    assert set(found) == {"ap", "auc", "brier_skill", "ece"}
    assert all(found[name].lo <= found[name].value <= found[name].hi for name in ("ap", "auc", "brier_skill"))
