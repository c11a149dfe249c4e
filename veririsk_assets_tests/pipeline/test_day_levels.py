"""Where a version's levels begin: decided each day by scores before it, stored, and what scores of that day are read by."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from veririsk_assets.contracts import pools
from veririsk_assets.contracts.models import CALIBRATION_SHIFTS
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.vocabulary import HIGH_SCORE, MEDIUM_SCORE
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.models import levels
from veririsk_assets.models.logistic_line import logit, sigmoid
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.learning.levels import day_thresholds
from veririsk_assets.pipeline.learning.recalibration import daily_shifts
from veririsk_assets.pipeline.saying.scores import store_scores
from veririsk_assets.pipeline.step import House
from veririsk_assets_tests.pipeline.small_house import FIRST, HORIZON, KEYS, MARKET, SECOND, two_versions

DAY = 24 * HOUR
TODAY = SECOND + 5 * DAY
WEEK = Window(SECOND - HOUR, TODAY + 2 * DAY)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    opened = two_versions(tmp_path_factory.mktemp("home"))
    yield opened
    opened.close()


@pytest.fixture
def house(lived: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Twelve pools have 216 rows in three days: here they are enough."""
    monkeypatch.setattr(levels, "FEWEST_ROWS", 100)
    features = lived.lake.read(pools.POOL_FEATURES, MARKET)
    yield lived
    lived.lake.replace(pools.POOL_FEATURES, features, MARKET)
    lived.lake.commit(lambda cursor: cursor.execute(f"DELETE FROM lake.{CALIBRATION_SHIFTS.sql_name}"))


def thresholds(house: House, version: str = "2") -> np.ndarray:
    served = champions.load(house.settings, POOLS, HORIZON, version)
    return day_thresholds(house, POOLS, served, np.array([naive(TODAY)], dtype="datetime64[us]"))[0]


def test_a_days_thresholds_are_where_the_three_days_before_would_have_spent_the_budgets(house: House) -> None:
    rows = house.lake.read(pools.POOL_FEATURES, Window(TODAY - 3 * DAY - HOUR, TODAY - HOUR))
    hour = rows["as_of"].to_numpy(dtype="datetime64[h]").astype(np.int64)
    rows = rows[(hour + rows["pool_key"].to_numpy()) % 4 == 0]
    served = champions.load(house.settings, POOLS, HORIZON, "2")
    said = served.probability(served.margin(served.matrix(rows)))
    medium, high, top = thresholds(house)
    assert len(said) == 12 * 18 and 0 < medium < high < top < 1
    assert (said >= high).sum() == int(24 / 730 * len(said))
    assert (said >= medium).sum() == int(72 / 730 * len(said))


def test_a_day_looks_at_nothing_of_itself_or_later_and_at_no_pool_that_gets_no_score(house: House) -> None:
    before = thresholds(house)
    features = house.lake.read(pools.POOL_FEATURES, MARKET)
    later = features["as_of"] >= naive(TODAY)
    house.lake.replace(pools.POOL_FEATURES, features.assign(volatility_24h=features["volatility_24h"] + 5.0 * later), MARKET)
    np.testing.assert_array_equal(thresholds(house), before)
    young = features["pool_key"] == KEYS[0]
    wild = features.assign(volatility_24h=features["volatility_24h"] + 5.0 * young)
    found = []
    for of in (wild, *(one.assign(age_hours=np.where(young, 5.0, 500.0)) for one in (features, wild))):
        house.lake.replace(pools.POOL_FEATURES, of, MARKET)
        found.append(thresholds(house))
    assert found[0][1] > before[1]
    np.testing.assert_array_equal(found[1], found[2])


def test_scores_are_read_by_the_thresholds_of_their_day_and_those_before_it_by_their_own(house: House) -> None:
    daily_shifts(house, POOLS, WEEK)
    stored = house.lake.read(CALIBRATION_SHIFTS, where="version = '1'").set_index("valid_from")
    assert stored[["medium_threshold", "high_threshold", "top_threshold"]].notna().all().all()
    hours = Window(TODAY - 12 * HOUR, TODAY + 12 * HOUR)
    store_scores(house, POOLS, hours)
    scores = house.lake.read(pools.POOL_SCORES, hours, where=f"model_version = '1' AND horizon_hours = {HORIZON}")
    own = stored.loc[scores["as_of"].dt.floor("D")]
    plain = sigmoid(logit(scores["probability"].to_numpy()) - scores["calibration_shift"].to_numpy())
    for score, name in ((MEDIUM_SCORE, "medium_threshold"), (HIGH_SCORE, "high_threshold")):
        reached = scores["risk_score"].to_numpy() >= score
        # Rounding apart: probabilities are taken back from their shifted log-odds.
        assert (plain[reached] >= own[name].to_numpy()[reached] - 1e-12).all() and reached.any()
        missed = plain >= own[name].to_numpy() + 1e-12
        capped = pd.Series(missed & ~reached).groupby(scores["as_of"].to_numpy()).any()
        assert (scores.groupby("as_of")["risk_score"].apply(lambda of, least=score: (of >= least).sum())[capped] == 3).all()


def test_a_home_without_recent_scores_is_read_by_what_training_chose(house: House) -> None:
    served = champions.load(house.settings, POOLS, HORIZON, "1")
    long_ago = np.array([naive(MARKET.start)], dtype="datetime64[us]")
    assert np.isnan(day_thresholds(house, POOLS, served, long_ago)).all()
    hour = Window(FIRST, FIRST + HOUR)
    store_scores(house, POOLS, hour)
    scores = house.lake.read(pools.POOL_SCORES, hour, where=f"model_version = '1' AND horizon_hours = {HORIZON}")
    plain = served.probability(scores["margin"].to_numpy())
    few = np.argsort(-plain)[3:]
    np.testing.assert_array_equal(scores["risk_score"].to_numpy()[few] >= HIGH_SCORE, np.zeros(len(few), dtype=bool))
    calm = plain < float(served.score_map.medium)
    np.testing.assert_allclose(scores["risk_score"].to_numpy()[calm], served.score_map(plain)[calm])


def test_a_day_says_the_same_alone_and_among_others_where_few_pools_are_scored(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "FEWEST_ROWS", 300)
    features = house.lake.read(pools.POOL_FEATURES, MARKET)
    is_young = features["pool_key"].isin(KEYS[:6])
    house.lake.replace(pools.POOL_FEATURES, features.assign(age_hours=np.where(is_young, 5.0, 500.0)), MARKET)
    served = champions.load(house.settings, POOLS, HORIZON, "2")
    days = np.array([naive(MARKET.start + day * DAY) for day in (4, 6, 9, 12, 20)], dtype="datetime64[us]")
    together = day_thresholds(house, POOLS, served, days)
    alone = np.concatenate([day_thresholds(house, POOLS, served, days[i : i + 1]) for i in range(len(days))])
    np.testing.assert_array_equal(together, alone)
    # Six pools have 36 rows a day: 300 of them are there from the ninth day on.
    assert np.isnan(together[:, 1]).tolist() == [True, True, False, False, False]
