"""The market around the simulated pools: repeatable, shaped by the weather, and blind to every pool."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import requests

from veririsk_assets.evaluation.metrics import roc_auc
from veririsk_assets.simulation.catalogue import FORCED
from veririsk_assets.simulation.climate import Climate
from veririsk_assets.simulation.holders import shares
from veririsk_assets.simulation.market import CLIMATE, EPOCH, Market
from veririsk_assets.simulation.scenarios import PROFILES
from veririsk_assets.simulation.transport import SimulatedTransport

AS_OF = datetime(2025, 2, 10, 14, tzinfo=UTC)
ROW = (AS_OF - EPOCH) // timedelta(hours=1)


@pytest.fixture(scope="module")
def market() -> Market:
    return Market(seed=7, pools=40)


def rows_of(market: Market, hours: range) -> dict[str, np.ndarray]:
    seen = [market.climate(row) for row in hours]
    return {name: np.array([one[name] for one in seen]) for name in CLIMATE}


def test_an_hour_s_climate_does_not_depend_on_the_pools_or_on_how_far_the_market_went(market: Market) -> None:
    other = Market(seed=7, pools=8, forced_end=AS_OF)
    other.observe(ROW + 2000, ROW + 2001)
    for name, values in rows_of(market, range(ROW - 30, ROW)).items():
        np.testing.assert_array_equal(values, rows_of(other, range(ROW - 30, ROW))[name])


def test_other_seeds_have_another_climate(market: Market) -> None:
    other = rows_of(Market(seed=8, pools=8), range(ROW - 5, ROW))
    assert all(not np.array_equal(values, other[name]) for name, values in rows_of(market, range(ROW - 5, ROW)).items())


def test_a_storm_turns_every_gauge() -> None:
    calm, stormy = Climate(3), Climate(3)
    falling = -0.004 * np.arange(1, 25)
    for day in range(2):
        still = calm.next_day(np.zeros(24, dtype=bool), np.zeros(24))
        wild = stormy.next_day(np.ones(24, dtype=bool), falling + day * falling[-1])
    tomorrow = [one.next_day(np.zeros(24, dtype=bool), np.full(24, one.gap))["index"][0, 0] for one in (calm, stormy)]
    assert tomorrow[1] < tomorrow[0] - 15
    assert (wild["funding"][-1] < still["funding"][-1]).all() and (wild["premium"][-1] < still["premium"][-1]).all()
    assert wild["open_interest"][-1] < still["open_interest"][-1] and wild["gas_gwei"][-1] > 2 * still["gas_gwei"][-1]
    assert (wild["supply"][-1] < still["supply"][-1]).all() and (wild["utilisation"][-1] > still["utilisation"][-1]).all()
    assert (np.diff(wild["liquidated"], axis=0) > 0).all()
    assert (wild["liquidated"][-1] - wild["liquidated"][0]).sum() > 5 * (still["liquidated"][-1] - still["liquidated"][0]).sum()


def test_a_year_of_climate_stays_in_its_ranges() -> None:
    seen = rows_of(Market(seed=5, pools=8), range(0, 8760, 24))
    assert (np.abs(seen["funding"]) < 5e-4).all() and (np.abs(seen["premium"]) < 0.01).all()
    assert ((seen["gas_gwei"] > 1) & (seen["gas_gwei"] < 1000)).all()
    assert ((seen["index"] >= 0) & (seen["index"] <= 100)).all() and seen["index"].std() > 4
    assert ((seen["utilisation"] > 0.3) & (seen["utilisation"] < 0.99)).all()
    assert (np.abs(seen["supply"]) < 0.7).all() and (np.abs(seen["open_interest"]) < 1.5).all()


def test_yesterday_s_index_is_what_it_was_yesterday(market: Market) -> None:
    today, yesterday = (market.climate(row)["index"] for row in (ROW, ROW - 24))
    assert today[1] == yesterday[0]


def test_holders_say_nothing_about_a_pool_s_hour_and_hardly_move(market: Market) -> None:
    for pool in [pool for pool in market.pools if pool.onchain == "thegraph"][:10]:
        days = [shares(market.seed, pool, day) for day in range(5)]
        assert all(day.sum() == pytest.approx(1.0) and (day > 0).all() for day in days)
        assert max(np.abs(np.diff(days, axis=0)).max(axis=0)) < 0.05
        if pool.index not in FORCED:
            forced = shares(Market(7, pools=40, forced_end=AS_OF).seed, pool, 3)
            np.testing.assert_array_equal(forced, days[3])


def test_holders_foretell_nothing() -> None:
    pairs = [pool for pool in Market(pools=120).pools if pool.onchain == "thegraph"]
    for pool in pairs:
        held = shares(7, pool, 3)
        assert all(np.array_equal(shares(7, replace(pool, profile=profile), 3), held) for profile in PROFILES)
    crash_prone = np.tile([pool.profile == "crash_prone" for pool in pairs], 40)
    held = [np.sort(shares(seed, pool, 0))[::-1] for seed in range(40) for pool in pairs]
    for largest in (1, 5):
        assert abs(roc_auc(crash_prone, np.array([of[:largest].sum() for of in held])) - 0.5) < 0.04


def test_unknown_questions_are_answered_as_the_sources_do(market: Market) -> None:
    found = requests.Session()
    found.mount("https://", SimulatedTransport(market, AS_OF))
    assert found.post("https://api.hyperliquid.xyz/info", json={"type": "spotMeta"}).json() is None
    assert found.post("https://ethereum.replayed.invalid/rpc", json={"id": 9, "method": "eth_mine"}).json()["error"]["code"] == -32601
    assert "errors" in found.post("https://aave.replayed.invalid/subgraph", json={"query": "{ x }"}).json()
    assert len(found.get("https://api.alternative.me/fng/?limit=2").json()["data"]) == 2
    assert len(found.get("https://api.alternative.me/fng/").json()["data"]) == 1
    free, pro = "https://stablecoins.llama.fi/stablecoins", "https://pro-api.llama.fi/key/stablecoins/stablecoins"
    assert found.get(free).json() == found.get(pro).json()
