"""How near the served model comes to an oracle that knows each pool's state, its age and its profile.

On the harder market, from 200 days of history. Share of the oracle's AP / AUC, five seeds pooled, 60 later days each: 0.935 / 0.984
(single seeds: AP 0.936 to 0.948, AUC 0.971 to 0.994). The bar is for the pool of seeds.
The oracle's table was counted on other seeds; forced pools are left out.
"""

from functools import cache

import numpy as np
import pytest

from veririsk_assets.evaluation.metrics import average_precision, ece, roc_auc
from veririsk_assets.simulation.oracle import oracle_probability
from veririsk_assets_tests.experiment import state, trial, unforced

SEEDS = range(100, 105)
TRAIN_DAYS, TEST_DAYS = 200, 60
AP_SHARE, AUC_SHARE, ECE_LIMIT = 0.93, 0.97, 0.01

pytestmark = pytest.mark.stress


@cache
def rows(seed: int) -> np.ndarray:
    """Label, the model's probability and the oracle's, 3 × test rows."""
    found = trial(seed, "harder", TRAIN_DAYS, TEST_DAYS)
    columns = (found.fell, found.learned.probability, oracle_probability(found.market, found.truth))
    return np.stack([unforced(column).ravel() for column in columns])


@cache
def pooled() -> np.ndarray:
    return np.concatenate([rows(seed) for seed in SEEDS], axis=1)


def shares(of: np.ndarray) -> tuple[float, float]:
    """The model's AP and AUC as shares of the oracle's."""
    label, model, oracle = of
    return average_precision(label, model) / average_precision(label, oracle), roc_auc(label, model) / roc_auc(label, oracle)


def test_the_model_ranks_nearly_as_well_as_the_oracle(capsys: pytest.CaptureFixture[str]) -> None:
    label, model, _ = pooled()
    ap, auc = shares(pooled())
    by_seed = ", ".join(f"{seed}: {shares(rows(seed))[0]:.4f}" for seed in SEEDS)
    state(
        capsys,
        f"AP {average_precision(label, model):.4f} = {ap:.4f} × oracle, AUC {roc_auc(label, model):.4f} = {auc:.4f} × oracle, "
        f"base rate {label.mean():.4f}; share of the oracle's AP by seed: {by_seed}",
    )
    assert ap >= AP_SHARE
    assert auc >= AUC_SHARE


def test_its_probabilities_mean_what_they_say(capsys: pytest.CaptureFixture[str]) -> None:
    label, model, _ = pooled()
    worst = max(ece(rows(seed)[0], rows(seed)[1]) for seed in SEEDS)
    state(capsys, f"calibration error {ece(label, model):.4f}, worst single seed {worst:.4f}")
    assert ece(label, model) <= ECE_LIMIT


def test_the_oracle_is_honest_itself_and_far_above_the_profile_alone() -> None:
    """An oracle that is beaten by its own base rate or is badly calibrated would make any bar cheap."""
    label, _, oracle = pooled()
    assert ece(label, oracle) <= 0.005
    assert average_precision(label, oracle) > 5 * label.mean()
    assert average_precision(label, np.roll(oracle, len(oracle) // 2)) < 2 * label.mean()
