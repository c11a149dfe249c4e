"""The hourly job on a real instance: one hour, a range, a silent source, the same hour again."""

from functools import partial

import dagster as dg
import duckdb
import pandas as pd
import pytest

from veririsk_assets.contracts.catalogue import PULLS
from veririsk_assets.contracts.pools import POOL_EXPLANATIONS, POOL_FEATURES, POOL_SCORES, POOL_SNAPSHOTS
from veririsk_assets.contracts.raw_protocols import PROTOCOL_PULLS
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.defs import raw
from veririsk_assets.defs.partitions import partition_key
from veririsk_assets.defs.stage import key_of
from veririsk_assets.pipeline.path import knowing, saying
from veririsk_assets.pipeline.step import House
from veririsk_assets.simulation import transport
from veririsk_assets.simulation.faults import Fault
from veririsk_assets_tests.defs.home import FIRST, run_hour, run_range

HOURLY_TABLES = (POOL_SNAPSHOTS, POOL_FEATURES, POOL_SCORES, POOL_EXPLANATIONS)
AN_HOUR = Window(FIRST, FIRST + HOUR)
ONCE_A_DAY = {"fear_greed", "thegraph_lp_positions", "coingecko_coins", *(table.name for table in PROTOCOL_PULLS)}
STAMPS = ["scored_at", "lake_snapshot_id"]


def published(house: House, query: str) -> pd.DataFrame:
    with duckdb.connect(str(house.settings.published_file), read_only=True) as connection:
        return connection.execute(query).df()


def checks_of(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {f"{each.asset_key.to_user_string()}:{each.check_name}": each for each in result.get_asset_check_evaluations()}


def rows_of(house: House, table: Table, hour: Window) -> pd.DataFrame:
    if table not in PULLS:
        return house.lake.read(table, hour)
    bounds = [naive(hour.as_of), naive(hour.as_of + HOUR)]
    return house.lake.read(table, where="pulled_at >= ? AND pulled_at < ?", parameters=bounds)


def raw_rows(house: House) -> dict[str, int]:
    return {table.name: len(house.lake.read(table)) for table in PULLS}


def without_stamps(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns=[name for name in STAMPS if name in frame])


def test_an_hour_goes_from_raw_to_published_in_one_run(house: House, instance: dg.DagsterInstance) -> None:
    result = run_hour(instance, FIRST)
    assert result.success
    materialized = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}
    assert len(materialized) == len(raw.ASSETS) + len(knowing(POOLS)) + len(saying(POOLS)) + 1
    assert "published/veririsk" in materialized
    for table in HOURLY_TABLES:
        assert len(house.lake.read(table, AN_HOUR))
        event = instance.get_latest_materialization_event(key_of(table))
        assert event is not None
        assert event.dagster_event is not None
        assert event.dagster_event.partition == partition_key(FIRST)
    latest = published(house, "SELECT DISTINCT as_of FROM pool_risk_latest")["as_of"]
    assert list(latest) == [pd.Timestamp(naive(AN_HOUR.as_of))]


def test_a_sound_hour_passes_every_contract_and_pull_check(house: House, instance: dg.DagsterInstance) -> None:
    evaluations = checks_of(run_hour(instance, FIRST))
    assert {"snapshots/hourly_pools:universe_kept", "features/hourly_pools:nulls_usual"} < set(evaluations)
    # An hour of last year is not fresh, and the check says so from the data.
    assert [name for name, each in evaluations.items() if not each.passed] == ["scores/hourly_pools:fresh"]
    assert all(each.severity == dg.AssetCheckSeverity.WARN for each in evaluations.values())


def test_a_range_of_hours_is_one_run_that_says_the_rows_of_each_hour(house: House, instance: dg.DagsterInstance) -> None:
    window = Window(FIRST, FIRST + 3 * HOUR)
    assert run_range(instance, window).success
    assert instance.get_runs_count() == 1
    for table in (*HOURLY_TABLES, *PULLS):
        for hour in window.each():
            events = instance.fetch_materializations(
                dg.AssetRecordsFilter(asset_key=key_of(table), asset_partitions=[partition_key(hour.start)]), limit=1
            ).records
            materialization = events[0].asset_materialization
            assert materialization is not None
            count = len(rows_of(house, table, hour))
            assert materialization.metadata["hour_rows"].value == count, (table.sql_name, hour)
            assert count or table.name in ONCE_A_DAY, (table.sql_name, hour)


@pytest.mark.parametrize("kind", ["server_error", "truncated"])
def test_a_failing_source_degrades_the_scores_and_the_run_succeeds(
    kind: str, house: House, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty = partial(transport.SimulatedTransport, faults={"thegraph_pairs": Fault(kind)})  # type: ignore[arg-type]
    monkeypatch.setattr(transport, "SimulatedTransport", faulty)
    result = run_hour(instance, FIRST)
    assert result.success
    evaluations = checks_of(result)
    pulled = evaluations["raw/thegraph_pairs:pulled"]
    assert not pulled.passed
    assert pulled.severity == dg.AssetCheckSeverity.WARN
    assert pulled.metadata["reason"].value
    assert evaluations["raw/defillama_pools:pulled"].passed
    scores = house.lake.read(POOL_SCORES, AN_HOUR)
    assert set(scores["status"]) <= {"degraded", "insufficient"}
    assert "degraded" in set(scores["status"])
    assert scores.loc[scores["status"] == "degraded", "status_reason"].str.contains("thegraph_pairs failed").all()


def test_an_hour_that_is_run_again_changes_nothing_but_its_stamps(house: House, instance: dg.DagsterInstance) -> None:
    assert run_hour(instance, FIRST).success
    before = {table.sql_name: house.lake.read(table, AN_HOUR) for table in HOURLY_TABLES}
    shown, pulled = published(house, "SELECT * FROM pool_risk_history ORDER BY ALL"), raw_rows(house)
    again = run_hour(instance, FIRST)
    assert again.success
    assert all(each.passed for name, each in checks_of(again).items() if name.endswith(":pulled"))
    for table in HOURLY_TABLES:
        pd.testing.assert_frame_equal(without_stamps(house.lake.read(table, AN_HOUR)), without_stamps(before[table.sql_name]))
    pd.testing.assert_frame_equal(
        without_stamps(published(house, "SELECT * FROM pool_risk_history ORDER BY ALL")), without_stamps(shown), check_like=True
    )
    assert raw_rows(house) == pulled
