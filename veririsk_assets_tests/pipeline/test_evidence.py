"""Evidence from the pull to the snapshot: what is asked how often, and what happens when it is silent or late."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import SecretStr

from veririsk_assets.contracts import monitoring, pools, raw
from veririsk_assets.contracts.published import FRESHNESS
from veririsk_assets.contracts.raw_protocols import PROTOCOL_PULLS
from veririsk_assets.contracts.surroundings import SURROUNDINGS
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.windows import HOUR
from veririsk_assets.pipeline import replay
from veririsk_assets.pipeline.known.endpoints import every_endpoint
from veririsk_assets.pipeline.known.known_then import known_then
from veririsk_assets.pipeline.known.outside import Live
from veririsk_assets.pipeline.known.outside import outside as outside_of
from veririsk_assets.pipeline.known.pulls import pull
from veririsk_assets.pipeline.known.snapshots import store_snapshots
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets.simulation.faults import Fault
from veririsk_assets.simulation.market import Market
from veririsk_assets.simulation.recording import recorded_file
from veririsk_assets_tests.pipeline.world import START, home, hours, lived, outside

OF = {endpoint.table: endpoint for endpoint in every_endpoint()}
COLUMNS = [name for name in SURROUNDINGS.names if name not in {"as_of", "eth_price_usd", "market_cap_usd"}]


def outcomes(house: House, table: Any) -> list[str]:
    return house.lake.read(raw.SOURCE_STATUS, where="endpoint = ?", parameters=[table.name])["outcome"].tolist()


def test_every_hour_of_a_simulated_market_knows_what_its_sources_said(settings: Settings) -> None:
    house = lived(settings)
    markets = house.lake.read(SURROUNDINGS)
    assert markets[[name for name in COLUMNS if name != "aave_liquidations_usd"]].notna().all(axis=None)
    assert markets["aave_liquidations_usd"].isna().tolist() == [True] * 24 + [False] * 6
    raw_gas = house.lake.read(raw.ETH_GAS)["gas_price_gwei"]
    assert markets["gas_gwei"].tolist() == raw_gas.tolist()
    held = house.lake.read(pools.POOL_SNAPSHOTS, columns=["pool_key", "lp_supply", "lp_top1_share", "lp_top5_share"])
    with_pair = held[held["lp_supply"].notna()]
    assert len(with_pair) and with_pair["lp_top1_share"].notna().all()
    assert (with_pair["lp_top1_share"] < with_pair["lp_top5_share"]).all()
    assert held.loc[held["lp_supply"].isna(), "lp_top1_share"].isna().all()
    assert house.lake.read(monitoring.QUARANTINE).empty
    freshness = FRESHNESS.select
    shown = house.lake.sql(freshness)
    shown = shown[~shown.iloc[:, 1].isin([table.name for table in PROTOCOL_PULLS])]
    assert set(shown.iloc[:, 1]) == {table.name for table in raw.PULLS}
    assert shown.iloc[:, 2].notna().all() and shown.iloc[:, 6].gt(0).all()


def test_what_moves_slowly_is_asked_about_once_a_day_window_by_window_or_at_once(settings: Settings, tmp_path: Path) -> None:
    at_once, by_hour = home(settings), home(Settings(home=tmp_path / "other"))
    asked_about, world, other = (raw.THEGRAPH_PAIRS, raw.THEGRAPH_LP_POSITIONS, raw.FEAR_GREED), outside(at_once), outside(by_hour)
    for table in asked_about:
        pull(at_once, OF[table], hours(0, 50), world)
    pull(by_hour, OF[raw.THEGRAPH_PAIRS], hours(0, 50), other)
    for hour in hours(0, 50).each():
        for table in asked_about[1:]:
            pull(by_hour, OF[table], hour, other)
    for table in (raw.THEGRAPH_LP_POSITIONS, raw.FEAR_GREED):
        assert outcomes(at_once, table) == outcomes(by_hour, table)
        pd.testing.assert_frame_equal(at_once.lake.read(table), by_hour.lake.read(table))
        asked = [i for i, outcome in enumerate(outcomes(at_once, table)) if outcome == "pulled"]
        assert asked == ([0, 23, 47] if table is raw.FEAR_GREED else [0, 24, 48])
    assert set(outcomes(at_once, raw.FEAR_GREED)) == {"pulled", "not_due"}


def test_holders_that_could_not_be_asked_about_are_asked_about_in_the_next_hour(settings: Settings) -> None:
    house = home(settings)
    world = outside(house, lambda as_of: {"thegraph_lp_positions": Fault("server_error")} if as_of <= START + 2 * HOUR else {})
    for table in (raw.THEGRAPH_PAIRS, raw.THEGRAPH_LP_POSITIONS):
        pull(house, OF[table], hours(0, 4), world)
    assert outcomes(house, raw.THEGRAPH_LP_POSITIONS) == ["failed", "failed", "pulled", "not_due"]


RARER = ("timeout", "truncated", "unauthorized", "plan_only", "huge")


@pytest.mark.parametrize("kind", ["server_error", "graph_error", *(pytest.param(kind, marks=pytest.mark.stress) for kind in RARER)])
def test_silent_evidence_is_a_null_column_and_no_doubt_about_the_scores(settings: Settings, kind: Any) -> None:
    house = home(settings)
    faults = {table.name: Fault(kind) for table in raw.EVIDENCE}
    replay.score_window(house, outside(house, lambda as_of: faults), hours(0, 26))
    status = house.lake.read(raw.SOURCE_STATUS, hours(0)).set_index("endpoint")["outcome"]
    assert {status[table.name] for table in raw.EVIDENCE} == {"plan_only" if kind == "plan_only" else "failed"}
    assert house.lake.read(SURROUNDINGS)[COLUMNS].isna().all(axis=None)
    assert house.lake.read(SURROUNDINGS)["eth_price_usd"].notna().all()
    assert "ok" in set(house.lake.read(pools.POOL_SCORES, hours(25))["status"])
    assert not house.lake.read(pools.POOL_SCORES)["status_reason"].str.contains("failed|paid", na=False).any()


def test_scores_do_not_wait_long_for_evidence(settings: Settings) -> None:
    house = home(settings)
    busy = Fault("rate_limited", times=1, retry_after_seconds=60)
    world = outside(house, lambda as_of: {"defillama_pools": replace(busy), "stablecoins": replace(busy)})
    assert pull(house, OF[raw.DEFILLAMA_POOLS], hours(0), world).metadata["outcomes"] == {"pulled": 1}
    assert pull(house, OF[raw.STABLECOINS], hours(0), world).metadata["outcomes"] == {"failed": 1}


def test_evidence_that_arrives_late_has_the_hours_that_it_touches_computed_again(settings: Settings) -> None:
    house = lived(settings)
    replay.load(house, outside(house, lambda _: {"eth_gas": Fault("timeout")}), hours(30, 10))
    assert house.lake.read(SURROUNDINGS, hours(30, 10))["gas_gwei"].isna().tolist() == [False] * 5 + [True] * 5
    pull(house, OF[raw.ETH_GAS], hours(35), outside(house))
    replay.load(house, outside(house), hours(40))
    assert house.lake.read(SURROUNDINGS, hours(35, 6))["gas_gwei"].notna().all()


def test_what_was_known_then_holds_the_evidence_too(settings: Settings) -> None:
    house = lived(settings)
    then = known_then(house, POOLS, hours(29)).grid.set_index("pool_key")
    stored = house.lake.read(pools.POOL_SNAPSHOTS, hours(29)).set_index("pool_key")
    pd.testing.assert_series_equal(then["tvl_usd"], stored["tvl_usd"])


def test_live_evidence_is_off_until_it_is_configured_and_only_knows_now(settings: Settings) -> None:
    live = settings.model_copy(update={"source": "live"})
    house = home(live)
    for table in (raw.THEGRAPH_LP_POSITIONS, raw.ETH_GAS, raw.AAVE_RESERVES):
        assert pull(house, OF[table], hours(0), Live(house)).metadata["outcomes"] == {"off": 1}
    for table in (raw.HYPERLIQUID_MARKETS, raw.STABLECOINS, raw.FEAR_GREED):
        assert pull(house, OF[table], hours(0), Live(house)).metadata["outcomes"] == {"kept": 1}
    named = {"aave_subgraph_url": SecretStr("https://a.example/x"), "ethereum_rpc_url": SecretStr("https://b.example/x")}
    house = House(live.model_copy(update=named), house.lake, house.state, house.now)
    for table in (raw.ETH_GAS, raw.AAVE_RESERVES):
        assert pull(house, OF[table], hours(1), Live(house)).metadata["outcomes"] == {"kept": 1}


def test_an_hour_before_the_sources_existed_stays_null(settings: Settings) -> None:
    house = home(settings)
    for table in raw.POOL_PULLS:
        pull(house, OF[table], hours(0, 3), outside(house))
    store_snapshots(house, POOLS, hours(0, 3))
    assert house.lake.read(SURROUNDINGS)[COLUMNS].isna().all(axis=None)
    assert house.lake.read(pools.POOL_SNAPSHOTS)[["lp_top1_share", "lp_top5_share"]].isna().all(axis=None)


def test_a_recording_has_no_evidence_and_says_so(settings: Settings, tmp_path: Path) -> None:
    recorded_file(Market(3, "harder", 8), START, START + 12 * HOUR, tmp_path)
    house = home(settings.model_copy(update={"source": "recorded", "recorded_dir": tmp_path}))
    for table in raw.EVIDENCE:
        done = pull(house, OF[table], hours(2, 2), outside_of(house))
        assert done.metadata["outcomes"] == {"off" if table is raw.THEGRAPH_LP_POSITIONS else "not_recorded": 2}


def test_a_home_from_before_the_evidence_goes_on_with_it(settings: Settings) -> None:
    older = home(settings)
    replay.load(older, outside(older), hours(0, 3))
    dropped = [(SURROUNDINGS, name) for name in COLUMNS] + [(pools.POOL_SNAPSHOTS, f"lp_top{n}_share") for n in (1, 5)]
    for table, column in dropped:
        older.lake.commit(
            lambda cursor, table=table, column=column: cursor.execute(f"ALTER TABLE lake.{table.sql_name} DROP COLUMN {column}")
        )
    for table in raw.EVIDENCE:
        older.lake.commit(lambda cursor, table=table: cursor.execute(f"DROP TABLE lake.{table.sql_name}"))
    older.close()
    house = home(settings)
    assert house.lake.read(SURROUNDINGS)[COLUMNS].isna().all(axis=None)
    replay.load(house, outside(house), hours(3, 2))
    markets = house.lake.read(SURROUNDINGS)
    assert len(markets) == 5 and markets["eth_price_usd"].notna().all() and markets["gas_gwei"].iloc[-2:].notna().all()
