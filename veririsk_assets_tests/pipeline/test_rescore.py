"""A past score once more, from the raw rows of then."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from veririsk_assets.contracts import pools, raw
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.pipeline import replay
from veririsk_assets.pipeline.saying.rescore import Replay, replay_score
from veririsk_assets.pipeline.saying.scores import store_scores
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets_tests.pipeline.world import START, home, hours, outside

PAST, AS_OF = hours(0, 48), START + 52 * HOUR


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Two days loaded at once, then four hours one by one, as they come in life."""
    opened = home(Settings(home=tmp_path_factory.mktemp("home")))
    market = outside(opened, pools=8)
    replay.load(opened, market, PAST)
    for hour in Window(PAST.end, AS_OF).each():
        replay.score_window(opened, market, hour)
    yield opened
    opened.close()


def pool_ids(house: House) -> list[str]:
    return list(house.lake.read(pools.POOLS, columns=["pool_id"])["pool_id"])


def replayed(house: House, pool: str) -> Replay:
    return replay_score(house, POOLS, pool, AS_OF, (24,))[0]


def test_a_score_equals_what_was_published_whatever_its_source(house: House) -> None:
    for pool in house.lake.read(pools.POOLS).groupby("source")["pool_id"].first():
        found = replayed(house, pool)
        assert found.is_same, (pool, found.differences)
    assert np.isfinite(found.replayed["risk_score"])


def test_a_short_raw_history_is_said(house: House) -> None:
    assert "raw history begins 2025-03-01 01:27" in replayed(house, pool_ids(house)[0]).remarks[0]


def test_what_arrived_after_the_cut_off_changes_nothing(house: House) -> None:
    pool = pool_ids(house)[0]
    before = replayed(house, pool).replayed
    replay.load(house, outside(house, pools=8), Window(AS_OF, AS_OF + HOUR))
    assert pd.Series(replayed(house, pool).replayed).equals(pd.Series(before))


def test_a_score_that_was_rewritten_is_compared_with_what_was_first_said(house: House) -> None:
    hour = Window.ending(AS_OF)
    stored = house.lake.read(pools.POOL_SCORES, hour)
    house.lake.replace(pools.POOL_SCORES, stored.assign(risk_score=77.0, risk_level="HIGH"), hour)
    found = replayed(house, pool_ids(house)[0])
    assert found.is_same
    assert any("scored again since" in remark and "risk_score" in remark for remark in found.remarks)
    store_scores(house, POOLS, hour)


def test_a_difference_is_named_with_the_features_that_moved(house: House) -> None:
    """A raw row that claims to have been available then, though it came later."""
    key = house.lake.read(pools.POOLS, where="source = 'defillama'").iloc[0]
    late = house.lake.read(
        raw.DEFILLAMA_POOLS, where="'defillama:' || pool = ? AND pulled_at < ?", parameters=[key["pool_id"], naive(AS_OF + HOUR)]
    )
    forged = late.tail(1).assign(tvl_usd=late["tvl_usd"].iloc[-1] * 1.1, pulled_at=late["pulled_at"].iloc[-1] + np.timedelta64(1, "m"))
    house.lake.append(raw.DEFILLAMA_POOLS, forged.assign(available_at=forged["pulled_at"]))
    found = replayed(house, key["pool_id"])
    assert not found.is_same
    published, now = found.differences["tvl_usd"]
    assert now == pytest.approx(1.1 * published)
    assert "features differ from the stored ones" in found.remarks[-1]
    assert any(said.startswith("raw has since received 1 rows for these hours (1 of defillama_pools)") for said in found.remarks)


@pytest.mark.parametrize(
    ("pool", "hour", "words"),
    [("nobody", 52, "no pool has the id or name 'nobody'"), ("", -500, "say nothing of"), ("", 10**6, "it cannot be replayed before")],
)
def test_what_cannot_be_replayed_is_a_sentence(house: House, pool: str, hour: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replay_score(house, POOLS, pool or pool_ids(house)[0], START + hour * HOUR, (24,))
