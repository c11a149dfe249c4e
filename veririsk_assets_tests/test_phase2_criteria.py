"""The checklist of the VeriRisk Phase-2 report, line by line, on the report's own generator, judged honestly.

Time-ordered throughout: 60 days to learn from, 30 later days to judge by; the F1 threshold comes from validation.
Over seeds 100–109, mean (lowest – highest):

| what | the report claims | `gradient_boosting`, min label | the same, endpoint label | `phase2_recipe`, endpoint label |
|---|---|---|---|---|
| ROC-AUC | 0.90 | 0.903 (0.890 – 0.916) | 0.891 (0.875 – 0.906) | 0.821 (0.816 – 0.831) |
| F1 | 0.78 | 0.747 (0.736 – 0.757) | 0.697 (0.685 – 0.713) | 0.696 (0.685 – 0.711) |
| ROC-AUC, normal state only | – | 0.713 | 0.711 | 0.504 |

57 % of the positive rows are already in pre_crash, which this generator's ranges give away, and 8 % in the crash itself:
the numbers are good because the market is easy, and because a pool's size tells its profile there (without the two size
columns, seed 100: ROC-AUC 0.885 instead of 0.900, F1 0.741 instead of 0.745, normal state 0.667 instead of 0.712). They say nothing about real pools.
"""

from functools import cache

import numpy as np
import pytest

from veririsk_assets.contracts.vocabulary import CRASH_HEAD, HIGH_SCORE, MEDIUM_SCORE
from veririsk_assets.evaluation.metrics import roc_auc
from veririsk_assets.labels.pools import build_labels
from veririsk_assets.models.catalogue import pools as catalogue
from veririsk_assets.scoring.explain import TOP, Words, explain
from veririsk_assets.scoring.phrases.pools import PHRASES
from veririsk_assets.scoring.score import levels
from veririsk_assets.training.fit import Trained, train
from veririsk_assets_tests.experiment import FORCED_POOLS, HORIZON, NORMAL_NAME, Learned, Phase2Market, generated, learn, state

SEED = 100
MORE_SEEDS = range(100, 110)
TEST_HOURS = 30 * 24
CLAIMED_AUC, CLAIMED_F1 = 0.90, 0.78
AUC_BAR, F1_BAR = 0.85, 0.70
MIN, ENDPOINT = "crash", "crash_endpoint"
HOUR_US = np.timedelta64(1, "h")


@cache
def market(seed: int = SEED) -> Phase2Market:
    return generated(seed, 60 * 24 + TEST_HOURS)


@cache
def learned(seed: int = SEED, label: str = MIN) -> Learned:
    return learn(market(seed).panel, market(seed).ether, TEST_HOURS, label)


@cache
def outcome(seed: int, label: str) -> np.ndarray:
    """0 or 1 for all test hours but the last 24, which have not matured, hours × pools."""
    return build_labels(market(seed).for_labels, HORIZON, TEST_HOURS - HORIZON)[label]


@cache
def recipe(seed: int) -> tuple[Trained, np.ndarray]:
    """The report's own model: ten features, 300 deep trees, re-weighted classes, endpoint label."""
    found = learned(seed, ENDPOINT)
    made = train(found.dataset, catalogue.spec("phase2_recipe", HORIZON))
    x = made.served.matrix({name: column.ravel() for name, column in found.features.values.items()})
    return made, made.served.probability(made.served.margin(x)).reshape(found.features.shape)


def judged(seed: int, label: str, trained: Trained, probability: np.ndarray) -> dict[str, float]:
    y, p = outcome(seed, label), probability[:-HORIZON]
    normal = market(seed).state[-TEST_HOURS:-HORIZON] == NORMAL_NAME
    alarmed = p >= best_threshold(trained.label, trained.probability)
    return {
        "auc": roc_auc(y.ravel(), p.ravel()),
        "f1": float(2 * y[alarmed].sum() / (alarmed.sum() + y.sum())),
        "auc_normal": roc_auc(y[normal], p[normal]),
    }


def best_threshold(label: np.ndarray, probability: np.ndarray) -> float:
    """Where F1 was highest on validation."""
    order = np.argsort(-probability, kind="stable")
    f1 = 2 * np.cumsum(label[order]) / (np.arange(1, len(order) + 1) + label.sum())
    return float(probability[order][f1.argmax()])


@cache
def served(seed: int = SEED, label: str = MIN) -> dict[str, float]:
    found = learned(seed, label)
    return judged(seed, label, found.choice.winner, found.probability)


def test_labels_look_forward_and_only_forward() -> None:
    tvl = market().tvl_usd[-TEST_HOURS:]
    for hour, pool in np.random.default_rng(1).integers(0, (TEST_HOURS - HORIZON, tvl.shape[1]), (500, 2)):
        later = tvl[hour + 1 : hour + 1 + HORIZON, pool] / tvl[hour, pool]
        assert outcome(SEED, MIN)[hour, pool] == (later.min() <= 0.8)
        assert outcome(SEED, ENDPOINT)[hour, pool] == (later[-1] <= 0.8)
    assert (outcome(SEED, MIN) >= outcome(SEED, ENDPOINT)).all()
    assert outcome(SEED, MIN).sum() > outcome(SEED, ENDPOINT).sum() > 1_000


def test_the_split_is_one_point_in_time_for_all_pools_with_the_horizon_purged() -> None:
    data, tested = learned().dataset, learned().features.as_ofs
    fitted, held = data.as_of[data.train], data.as_of[data.validation]
    assert fitted.max() + HORIZON * HOUR_US <= held.min()
    assert held.max() + HORIZON * HOUR_US < tested[0]
    for part in (data.train, data.validation):
        assert len(np.unique(data.key[part])) == market().tvl_usd.shape[1]


def test_pools_get_different_scores() -> None:
    now = learned().risk_score[-1]
    assert len(np.unique(now.round(3))) >= len(now) // 2
    assert set(levels(now)) >= {"LOW", "HIGH"}
    assert now.std() > 10


def test_every_prediction_has_reasons_that_add_up() -> None:
    found = learned()
    last_day = {name: column[-24:].ravel() for name, column in found.features.values.items()}
    margin = found.served.margin(found.served.matrix(last_day))
    reasons = explain(last_day, found.served, margin, HORIZON, Words(PHRASES, CRASH_HEAD))
    assert np.array_equal(reasons["row"], np.repeat(np.arange(len(margin)), TOP))
    assert all(len(sentence) > 10 for sentence in reasons["sentence"])
    total = reasons["contribution"].reshape(-1, TOP).sum(axis=1) + (reasons["base_value"] + reasons["other_contribution"])[::TOP]
    np.testing.assert_allclose(total, margin, atol=1e-4)


def test_forced_crash_prone_pools_are_told_from_the_calm_ones() -> None:
    """Ten of 120 at once are more than the budget of HIGH: it goes to the worst, and the others are MEDIUM, all likelier than not to fall."""
    now, probability = learned().risk_score[-1], learned().probability[-1]
    in_trouble = np.isin(market().state[-1], ("pre_crash", "crash"))
    assert in_trouble[FORCED_POOLS].all()
    assert (now[FORCED_POOLS] >= MEDIUM_SCORE).all(), now[FORCED_POOLS].round(0)
    assert (probability[FORCED_POOLS] >= 0.5).all(), probability[FORCED_POOLS].round(2)
    assert (now >= HIGH_SCORE).sum() >= 5 and in_trouble[now >= HIGH_SCORE].all()
    calm = market().state[-1] == NORMAL_NAME
    assert (now[calm] < MEDIUM_SCORE).mean() > 0.8


def test_roc_auc_is_above_085() -> None:
    assert served()["auc"] > AUC_BAR, f"measured {served()['auc']:.3f}, claimed {CLAIMED_AUC}"


def test_roc_auc_is_above_085_on_the_reports_endpoint_label_too() -> None:
    assert served(SEED, ENDPOINT)["auc"] > AUC_BAR, f"measured {served(SEED, ENDPOINT)['auc']:.3f}, claimed {CLAIMED_AUC}"


def test_f1_is_above_070() -> None:
    assert served()["f1"] > F1_BAR, f"measured {served()['f1']:.3f}, claimed {CLAIMED_F1}"


@pytest.mark.xfail(reason="split by time, the report's own recipe has ROC-AUC 0.82, not 0.90: highest of ten seeds 0.831", strict=True)
def test_roc_auc_of_the_reports_own_recipe_is_above_085() -> None:
    assert judged(SEED, ENDPOINT, *recipe(SEED))["auc"] > AUC_BAR


@pytest.mark.xfail(reason="while nothing has begun the next crash is chance and profile: ROC-AUC 0.71 (the recipe: 0.50)", strict=True)
def test_roc_auc_is_above_085_before_anything_has_begun() -> None:
    assert served()["auc_normal"] > AUC_BAR


def mean_over_seeds(label: str, is_recipe: bool = False) -> dict[str, float]:
    found = [judged(seed, label, *recipe(seed)) if is_recipe else served(seed, label) for seed in MORE_SEEDS]
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


@pytest.mark.stress
def test_both_bars_hold_over_ten_seeds_on_the_min_label(capsys: pytest.CaptureFixture[str]) -> None:
    found = mean_over_seeds(MIN)
    state(capsys, f"min label: ROC-AUC {found['auc']:.3f} (claimed {CLAIMED_AUC}), F1 {found['f1']:.3f} (claimed {CLAIMED_F1})")
    assert found["auc"] > AUC_BAR
    assert found["f1"] > F1_BAR


@pytest.mark.stress
@pytest.mark.parametrize("is_recipe", [False, True], ids=["served model", "phase2_recipe"])
@pytest.mark.xfail(reason="on the report's endpoint label F1 is 0.697 over ten seeds, 0.685 to 0.713 by seed; not above 0.70", strict=True)
def test_f1_is_above_070_over_ten_seeds_on_the_reports_endpoint_label(is_recipe: bool, capsys: pytest.CaptureFixture[str]) -> None:
    found = mean_over_seeds(ENDPOINT, is_recipe)
    state(capsys, f"endpoint label, recipe {is_recipe}: ROC-AUC {found['auc']:.3f}, F1 {found['f1']:.3f} (claimed {CLAIMED_F1})")
    assert found["f1"] > F1_BAR
