"""Champion, challenger and who of them serves which pool."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veririsk_assets.contracts import monitoring, pools
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.windows import HOUR, Window
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.saying.scores import store_scores
from veririsk_assets.pipeline.saying.shadow import shadow_scores
from veririsk_assets.pipeline.step import House
from veririsk_assets_tests.pipeline.small_house import FIRST, HORIZON, KEYS, SECOND, reign, two_versions

HOURS = Window(SECOND, SECOND + 6 * HOUR)
DAY = f"horizon_hours = {HORIZON}"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    opened = two_versions(tmp_path_factory.mktemp("home"))
    yield opened
    opened.close()


def score(house: House, window: Window = HOURS) -> None:
    store_scores(house, POOLS, window)
    shadow_scores(house, POOLS, window)


def with_share(house: House, share: float) -> House:
    return House(house.settings.model_copy(update={"challenger_share": share}), house.lake, house.state, house.now)


def test_the_challenger_is_the_newest_later_version_that_never_served(house: House) -> None:
    line_up = champions.line_up(house, POOLS, HORIZON)
    assert line_up.at(FIRST - HOUR) == champions.Pair("rule", None)
    assert line_up.at(FIRST) == champions.Pair("1", None)
    assert line_up.at(SECOND) == champions.Pair("1", "2")
    reign(house, "2", HOURS.end + 2 * HOUR)
    assert champions.line_up(house, POOLS, HORIZON).newest == champions.Pair("2", None)
    reign(house, "1", HOURS.end + 4 * HOUR, "rollback")
    assert champions.line_up(house, POOLS, HORIZON).newest == champions.Pair("1", None)
    assert champions.line_up(house, POOLS, HORIZON, SECOND).newest == champions.Pair("1", "2")


def test_the_shadow_scores_the_same_hours_and_serves_nobody(house: House) -> None:
    score(house)
    served = house.lake.read(pools.POOL_SCORES, HOURS, where=DAY)
    shadow = house.lake.read(monitoring.SHADOW_SCORES, HOURS)
    assert set(served["model_version"]) == {"1"}
    assert set(shadow["model_version"]) == {"2"}
    assert set(shadow["role"]) == {"challenger"}
    assert served[["as_of", "pool_key"]].equals(shadow.rename(columns={"entity_key": "pool_key"})[["as_of", "pool_key"]])


def test_without_a_challenger_there_is_no_shadow(house: House) -> None:
    early = Window(FIRST, FIRST + 6 * HOUR)
    score(house, early)
    assert house.lake.read(monitoring.SHADOW_SCORES, early).empty


def test_a_split_serves_the_challenger_to_its_pools_and_keeps_the_champion_in_the_shadow(house: House) -> None:
    score(with_share(house, 0.5))
    served = house.lake.read(pools.POOL_SCORES, HOURS, where=DAY)
    by_challenger = champions.is_split(served["pool_key"].to_numpy(), 0.5)
    assert 0 < by_challenger.sum() < len(served)
    assert (served["model_version"] == np.where(by_challenger, "2", "1")).all()
    shadow = house.lake.read(monitoring.SHADOW_SCORES, HOURS)
    assert (shadow["model_version"] == np.where(by_challenger, "1", "2")).all()
    assert set(shadow.loc[by_challenger, "role"]) == {"champion"}


def test_scores_of_a_split_are_those_of_each_version_alone(house: House) -> None:
    score(house)
    alone = house.lake.read(monitoring.SHADOW_SCORES, HOURS).set_index(["as_of", "entity_key"])["risk_score"]
    score(with_share(house, 1.0))
    everyone = house.lake.read(pools.POOL_SCORES, HOURS, where=DAY).set_index(["as_of", "pool_key"])["risk_score"]
    assert everyone.equals(alone)


def test_a_challenger_whose_files_are_gone_serves_nobody(house: House) -> None:
    folder = champions.folder(house.settings, POOLS, HORIZON, "2")
    folder.rename(folder.with_name("away"))
    score(with_share(house, 1.0))
    folder.with_name("away").rename(folder)
    assert set(house.lake.read(pools.POOL_SCORES, HOURS, where=DAY)["model_version"]) == {"1"}
    assert house.lake.read(monitoring.SHADOW_SCORES, HOURS).empty


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_keeps_the_pools_of_a_smaller_one(a: float, b: float) -> None:
    small, large = (champions.is_split(KEYS, share) for share in sorted((a, b)))
    assert not (small & ~large).any()


def test_a_share_is_the_share_of_pools() -> None:
    keys = np.random.default_rng(0).integers(0, champions.KEY_SPACE, 20_000)
    assert abs(champions.is_split(keys, 0.3).mean() - 0.3) < 0.01
    assert not champions.is_split(keys, 0.0).any()
    assert champions.is_split(keys, 1.0).all()
