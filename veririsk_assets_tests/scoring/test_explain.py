import re

import numpy as np
import pytest

from veririsk_assets.contracts.pool_features import FEATURE_NAMES
from veririsk_assets.contracts.pools import POOL_EXPLANATIONS
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.vocabulary import CAUSES, CRASH_HEAD
from veririsk_assets.models.logistic_line import logit
from veririsk_assets.scoring.explain import Words, explain, explain_cause, explain_rule
from veririsk_assets.scoring.phrases.phrase import phrase_of
from veririsk_assets.scoring.phrases.pools import PHRASES, UNDER_WAY
from veririsk_assets.scoring.score import score
from veririsk_assets.scoring.wording import sentences
from veririsk_assets_tests.scoring.test_score import columns, facts, served, with_heads

WORDS = Words(PHRASES, CRASH_HEAD, CAUSES)


UNKNOWN = (np.nan, np.nan)


def said(feature: str, value: float, usual: tuple[float, float] = UNKNOWN, own: tuple[float, float] = UNKNOWN) -> str:
    ends, mine = ((np.array([low]), np.array([high])) for low, high in (usual, own))
    return str(sentences((feature,), np.array([0]), np.array([value]), ends, mine, PHRASES)[0])


def test_base_the_five_and_other_are_the_margin() -> None:
    rows = columns(2_000)
    scored = score(rows, served(), facts(2_000), 24)
    reasons = explain(rows, served(), scored["margin"], 24, WORDS)
    assert set(reasons) == {"row"} | (set(POOL_EXPLANATIONS.names) - {"as_of", "pool_key"})
    total = reasons["contribution"].reshape(-1, 5).sum(axis=1) + reasons["base_value"][::5] + reasons["other_contribution"][::5]
    np.testing.assert_allclose(total, scored["margin"], atol=1e-4)
    np.testing.assert_array_equal(reasons["row"].reshape(-1, 5)[:, 0], np.arange(2_000))


def test_the_five_are_the_largest_in_order_and_point_the_right_way() -> None:
    rows = columns(300)
    scored = score(rows, served(), facts(300), 24)
    reasons = explain(rows, served(), scored["margin"], 24, WORDS)
    sizes = np.abs(reasons["contribution"].reshape(-1, 5))
    shares = np.sort(np.abs(served().contributions(served().matrix(rows))[:, :-1]), axis=1)[:, ::-1][:, :5]
    np.testing.assert_allclose(sizes, shares)
    np.testing.assert_array_equal(reasons["direction"] == "increases_risk", reasons["contribution"] > 0)
    assert reasons["rank"][:5].tolist() == [1, 2, 3, 4, 5]
    for i in range(0, 1_500, 97):
        value, feature, row = reasons["value"][i], reasons["feature"][i], reasons["row"][i]
        np.testing.assert_equal(value, np.float64(rows[feature][row]))


def test_a_contribution_of_0_is_no_reason() -> None:
    terms = {
        "volatility_24h": np.array([12.0, 0.0, 0.0]),
        "drawdown_7d": np.array([0.0, 0.0, 3.0]),
        "tvl_change_24h": np.array([1.0, 0.0, 9.0]),
    }
    rows = {name: np.full(3, 0.1) for name in terms}
    reasons = explain_rule(terms, rows, np.array([13.0, 0.0, 12.0]), 24, WORDS)
    said = list(zip(reasons["row"].tolist(), reasons["rank"].tolist(), reasons["feature"].tolist(), strict=True))
    assert said == [(0, 1, "volatility_24h"), (0, 2, "tvl_change_24h"), (2, 1, "tvl_change_24h"), (2, 2, "drawdown_7d")]
    assert reasons["other_contribution"].tolist() == [0.0] * 4 and set(reasons["direction"]) == {"increases_risk"}


def test_a_row_without_a_score_has_no_reasons() -> None:
    rows = columns(3)
    tvl = np.array([1e6, np.nan, 1e6])
    scored = score(rows, served(), facts(3, value=tvl), 24)
    reasons = explain(rows, served(), scored["margin"], 24, WORDS)
    assert sorted(set(reasons["row"])) == [0, 2]
    nothing = explain(rows, served(), np.full(3, np.nan), 24, WORDS)
    assert all(len(column) == 0 for column in nothing.values())


def test_each_cause_has_three_reasons_that_add_up_to_its_log_odds() -> None:
    model, rows = with_heads(), columns(600)
    scored = score(rows, model, facts(600, value=np.where(np.arange(600) < 2, np.nan, 1e6)), 24, causes=POOLS.causes)
    assert model.heads is not None
    for cause in CAUSES:
        probability = scored[f"{cause}_probability"]
        reasons = explain_cause(rows, model.heads, cause, probability, 24, WORDS)
        said = np.flatnonzero(np.isfinite(probability))
        np.testing.assert_array_equal(reasons["row"], np.repeat(said, 3))
        total = reasons["contribution"].reshape(-1, 3).sum(axis=1) + reasons["base_value"][::3] + reasons["other_contribution"][::3]
        np.testing.assert_allclose(total, logit(probability[said]), atol=1e-4)
        assert (set(reasons["head"]), set(reasons["rank"])) == ({cause}, {1, 2, 3})
        assert set(reasons) == {"row"} | (set(POOL_EXPLANATIONS.names) - {"as_of", "pool_key"})
    assert len(said) < 598  # the liquidity head is silent where LP supply is not known


def test_the_rules_points_add_up_to_its_score() -> None:
    names = FEATURE_NAMES[:7]
    rng = np.random.default_rng(0)
    terms = {name: rng.uniform(0, 15, 40) for name in names}
    points = np.sum(list(terms.values()), axis=0)
    points[3] = np.nan
    reasons = explain_rule(terms, columns(40), points, 6, WORDS, {"tvl_change_24h": (-0.03, 0.04)})
    assert 3 not in set(reasons["row"])
    total = reasons["contribution"].reshape(-1, 5).sum(axis=1) + reasons["other_contribution"][::5]
    np.testing.assert_allclose(total, np.delete(points, 3))
    assert (reasons["base_value"] == 0).all()
    assert set(reasons["method"]) == {"rule"}


def test_a_fall_is_said_with_what_is_usual_and_why_it_counts() -> None:
    assert said("tvl_change_24h", -0.124, (-0.03, 0.04)) == f"TVL fell 12.4 % over 24 hours; usual anywhere: −3 to +4 %. {UNDER_WAY}."
    own = said("tvl_change_24h", 0.0, (-0.03, 0.04), (-0.2, 0.01))
    assert own == f"TVL did not move over 24 hours; usual here: −20 to +1 %, anywhere: −3 to +4 %. {UNDER_WAY}."
    assert said("drawdown_7d", -0.125, own=(-0.051, -0.001)).startswith("TVL is 12.5 % below its 7-day high; usual here: 0.1 to 5.1 %.")
    assert said("volume_spike_ratio", 3.21, (0.5, 1.5)).startswith(
        "Hourly volume against its 24-hour mean is 3.21 ×; usual anywhere: 0.5 to 1.5 ×."
    )
    assert said("log_tvl", np.log(1.5e6), (np.log(2e5), np.log(4e9))).startswith("TVL is $1.5M; usual anywhere: $200K to $4B.")
    assert said("hours_since_burn_5pct", 240.0, (3.0, 700.0)).startswith(
        "The last burn of 5 % or more was 10 days ago; usual anywhere: 3 hours to 29 days."
    )
    assert said("rank_ewma_volatility_7d", 0.93).startswith("7-day volatility is higher than in 93 % of pools. It says")
    assert said("apy", np.nan, (0.1, 0.2), (0.1, 0.2)).startswith("The yield per year is not known. A high yield")


def test_a_reason_knows_what_is_usual_for_its_own_entity() -> None:
    rows, n = columns(40), 40
    own = {"volatility_24h": (np.arange(n) / 100.0, np.arange(n) / 10.0)}
    terms = {"volatility_24h": np.linspace(1, 5, n), "drawdown_7d": np.linspace(1, 3, n)}
    points = np.where(np.arange(n) == 3, np.nan, terms["volatility_24h"] + terms["drawdown_7d"])
    reasons = explain_rule(terms, rows, points, 24, WORDS, own=own)
    of = reasons["feature"] == "volatility_24h"
    np.testing.assert_array_equal(reasons["own_low"][of], reasons["row"][of] / 100.0)
    np.testing.assert_array_equal(reasons["own_high"][of], reasons["row"][of] / 10.0)
    assert np.isnan(reasons["own_low"][~of]).all()
    assert all("usual here:" in sentence for sentence in reasons["sentence"][of & np.isfinite(reasons["value"])])


@pytest.mark.parametrize("value", [-1e9, -1.0, -0.3, -1e-12, 0.0, 1e-12, 0.5, 20.0, 1e12, np.nan, np.inf])
def test_every_feature_has_a_sentence_for_every_value(value: float) -> None:
    assert set(PHRASES) == set(FEATURE_NAMES)
    for name in FEATURE_NAMES:
        if name.startswith(("age", "input_age", "unchanged")) and value < 0:
            continue
        sentence = said(name, value, (-0.1, 0.2), (-0.2, 0.1))
        assert re.fullmatch(r"[A-Z0-9].*[^.;{}]\. [A-Z].*[^.;{}]\.", sentence), sentence
        assert "nan" not in sentence


def test_a_feature_that_nobody_listed_is_called_by_its_name() -> None:
    assert phrase_of(PHRASES, "funding_rate").up == "Funding rate is {}"
    assert said("funding_rate", 0.5) == "Funding rate is 0.5."
