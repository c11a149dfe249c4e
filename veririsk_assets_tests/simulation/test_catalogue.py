"""Pools, ids and the crosswalk: the same in every market."""

import re
from collections import Counter

import pytest

from veririsk_assets.simulation import crosswalk
from veririsk_assets.simulation.catalogue import NAMED, catalogue, tokens

ADDRESS = re.compile(r"0x[0-9a-f]{40}")


def test_the_demo_has_30_pools_per_profile_and_the_named_ones() -> None:
    pools = {pool.name: pool for pool in catalogue(120)}
    assert set(Counter(pool.profile for pool in pools.values()).values()) == {30}
    assert pools["critical_risk_pool"].profile == pools["high_risk_pool"].profile == "crash_prone"
    assert {pools[name].profile for name in ("uniswap_v2_usdc_eth", "aave_v3_eth", "curve_3pool")} <= {"safe", "mixed"}


def test_a_pool_is_the_same_in_a_market_of_any_size() -> None:
    assert catalogue(300)[:120] == catalogue(120)


def test_every_id_is_unique_and_well_formed() -> None:
    pools = catalogue(1000)
    assert len({p.name for p in pools}) == len({p.uuid for p in pools}) == len({p.address for p in pools}) == 1000
    assert all(ADDRESS.fullmatch(token.address) for token in tokens(1000))
    assert len({t.symbol.lower() for t in tokens(1000)}) == len({t.coin_id for t in tokens(1000)}) == len(tokens(1000))


def test_lending_pools_stand_only_in_defillama_and_the_others_in_one_on_chain_source() -> None:
    pools = catalogue(120)
    sources = Counter(pool.onchain for pool in pools)
    assert all((pool.kind == "lending") == (pool.onchain == "") for pool in pools)
    assert 8 <= sources[""] <= 12 and abs(sources["geckoterminal"] - sources["thegraph"]) <= 10


def test_pairs_hold_their_tokens_in_the_order_of_their_addresses() -> None:
    assert all(list(p.tokens) == sorted(p.tokens, key=lambda t: t.address) for p in catalogue(120))


def test_pair_names_are_unique_in_the_recorded_file() -> None:
    pairs = [pool.symbol for pool in catalogue(120) if pool.onchain == "thegraph"]
    assert len(pairs) == len(set(pairs))


def test_the_committed_crosswalk_is_what_the_catalogue_says() -> None:
    of_the_simulator = [row for row in crosswalk.read() if row["reviewer"] == crosswalk.REVIEWER]
    assert of_the_simulator == crosswalk.rows()
    assert all("simulated" in row["note"] for row in of_the_simulator)


def test_half_of_each_on_chain_source_is_linked_and_every_named_pool_that_can_be() -> None:
    pools = catalogue(120)
    for source in ("geckoterminal", "thegraph"):
        among = [pool.is_linked for pool in pools if pool.onchain == source]
        assert 0.4 < sum(among) / len(among) < 0.6
    linked = {pool.name for pool in pools if pool.is_linked}
    assert set(NAMED.values()) - linked == {"aave_v3_eth"}


def test_a_market_too_small_for_the_named_pools_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 8"):
        catalogue(7)
