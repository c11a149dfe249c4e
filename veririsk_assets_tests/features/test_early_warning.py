"""The composite: its arithmetic, and what it says about the states of the report's own generator."""

import numpy as np
import pytest

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pool_features import PHASE2_NAMES
from veririsk_assets.contracts.vocabulary import HIGH_SCORE, MEDIUM_SCORE
from veririsk_assets.contracts.windows import Window
from veririsk_assets.features.early_warning import SIGNALS, early_warning_score, terms
from veririsk_assets.features.pools import phase2_features
from veririsk_assets.panels.rolling import Over, returns
from veririsk_assets.simulation.generator import generate
from veririsk_assets.simulation.scenarios import PROFILE_NAMES
from veririsk_assets_tests.features.walks import END

NAN = np.float32("nan")


def row(**values: float) -> dict[str, np.ndarray]:
    return {s.feature: np.full((1, 1), values.get(s.feature, values.get("others", NAN)), dtype=np.float32) for s in SIGNALS}


def test_it_weighs_the_other_nine_and_they_make_100() -> None:
    assert {s.feature for s in SIGNALS} == set(PHASE2_NAMES) - {"early_warning_score"}
    assert sum(s.weight for s in SIGNALS) == 100


def test_every_signal_at_its_alarming_end_is_100_and_at_its_calm_end_0() -> None:
    assert early_warning_score(row(**{s.feature: 2 * s.alarm - s.calm for s in SIGNALS}))[0, 0] == 100
    assert early_warning_score(row(**{s.feature: s.calm for s in SIGNALS}))[0, 0] == 0


def test_terms_add_up_to_the_score() -> None:
    rng = np.random.default_rng(0)
    features = {s.feature: (s.calm + (s.alarm - s.calm) * rng.uniform(-1, 2, (40, 30))).astype(np.float32) for s in SIGNALS}
    for value in features.values():
        value[rng.random(value.shape) < 0.3] = NAN
    np.testing.assert_allclose(sum(terms(features).values()), early_warning_score(features), atol=1e-4)


def test_an_unknown_signal_gives_no_points_and_takes_its_weight_away() -> None:
    known = {s.feature: s.alarm for s in SIGNALS[1:]} | {"others": NAN}
    assert early_warning_score(row(**known))[0, 0] == pytest.approx(100, abs=1e-4)
    assert terms(row(**known))[SIGNALS[0].feature][0, 0] == 0


def test_a_single_known_signal_does_not_decide_alone() -> None:
    lone = SIGNALS[0]
    assert early_warning_score(row(**{lone.feature: lone.alarm}))[0, 0] == pytest.approx(2 * lone.weight)
    assert 2 * lone.weight < HIGH_SCORE
    flat = {name: value[0] for name, value in row(**{lone.feature: lone.alarm}).items()}
    assert early_warning_score(flat).tolist() == [2 * lone.weight]


def test_without_any_signal_there_is_no_score() -> None:
    assert np.isnan(early_warning_score(row())[0, 0])


@pytest.fixture(scope="module")
def scored() -> tuple[np.ndarray, np.ndarray]:
    """(scores, states) of 80 pools of the report's generator, on a seed that no number was chosen on."""
    frames = [generate(f"{profile}_{i}", 720, profile, seed=2024) for profile in PROFILE_NAMES for i in range(20)]
    tvl, imbalance, volume = (np.column_stack([f[c] for f in frames]) for c in ("tvl_usd", "reserve_imbalance", "volume_usd"))
    inputs = {"tvl_usd": tvl, "reserve0_usd": tvl * (1 + imbalance) / 2, "reserve1_usd": tvl * (1 - imbalance) / 2, "volume_1h_usd": volume}
    panel = Panel(Window.ending(END, 720), np.arange(80), {n: v.astype(np.float32) for n, v in inputs.items()})
    features = phase2_features(panel, panel["tvl_usd"], returns(panel["tvl_usd"]), Over(690))
    return early_warning_score(features), np.column_stack([f["state"] for f in frames])[30:]


def test_a_crash_is_high_and_most_of_what_leads_to_it(scored: tuple[np.ndarray, np.ndarray]) -> None:
    score, state = scored
    high = score >= HIGH_SCORE
    assert high[state == "crash"].mean() > 0.98
    assert high[state == "pre_crash"].mean() > 0.5


def test_a_normal_hour_is_low(scored: tuple[np.ndarray, np.ndarray]) -> None:
    score, state = scored
    assert (score[state == "normal"] < MEDIUM_SCORE).mean() > 0.99
    assert (score[state == "normal"] >= HIGH_SCORE).mean() < 0.001


def test_four_of_five_high_hours_are_in_trouble(scored: tuple[np.ndarray, np.ndarray]) -> None:
    score, state = scored
    assert np.isin(state[score >= HIGH_SCORE], ("pre_crash", "crash")).mean() > 0.8
