"""From a pull to a published score with its reasons, on a small market, hour by hour and at once."""

from datetime import datetime

import duckdb
import pandas as pd
import pytest

from veririsk_assets.contracts import monitoring, pools, raw
from veririsk_assets.contracts.surroundings import SURROUNDINGS
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.windows import HOUR, Window, naive, utc
from veririsk_assets.lake.publish import publish
from veririsk_assets.pipeline import replay
from veririsk_assets.pipeline.known.endpoints import Endpoint, every_endpoint
from veririsk_assets.pipeline.known.features import store_features
from veririsk_assets.pipeline.known.outside import Live
from veririsk_assets.pipeline.known.pulls import pull
from veririsk_assets.pipeline.known.snapshots import store_snapshots
from veririsk_assets.pipeline.path import knowing, saying
from veririsk_assets.settings import Settings
from veririsk_assets.simulation.faults import Fault
from veririsk_assets.sources.pull import Pull
from veririsk_assets_tests.pipeline.world import LIVED, START, Clock, home, hours, lived, outside

DEFILLAMA = next(endpoint for endpoint in every_endpoint() if endpoint.table is raw.DEFILLAMA_POOLS)


def test_hour_by_hour_equals_one_backfill_through_the_lake(settings: Settings, tmp_path) -> None:  # type: ignore[no-untyped-def]
    at_once, by_hour = lived(settings), home(Settings(home=tmp_path / "other"))
    world = outside(by_hour)
    replay.load(by_hour, world, hours(0, 22))  # a day that changes within 24 hours look back on
    for hour in hours(22, 5).each():
        replay.load(by_hour, world, hour)
    for table in (pools.POOL_SNAPSHOTS, SURROUNDINGS, pools.POOL_FEATURES):
        pd.testing.assert_frame_equal(at_once.lake.read(table, hours(0, 27)), by_hour.lake.read(table), rtol=1e-4, atol=1e-6)


def test_running_an_hour_again_changes_nothing_but_when_it_was_scored(settings: Settings) -> None:
    clock = Clock()
    house = lived(settings, clock, scored=True)
    world = outside(house)
    before = {table: house.lake.read(table) for table in (pools.POOL_FEATURES, pools.POOL_SCORES, pools.POOL_EXPLANATIONS)}
    clock.time += HOUR
    replay.score_window(house, world, hours(20, 10))
    for table, rows in before.items():
        volatile = [name for name in ("scored_at", "lake_snapshot_id") if name in rows]
        pd.testing.assert_frame_equal(rows.drop(columns=volatile), house.lake.read(table).drop(columns=volatile))


def test_a_second_pull_in_the_hour_adds_nothing_unless_asked_to(settings: Settings) -> None:
    house = home(settings)
    world = outside(house)
    assert pull(house, DEFILLAMA, hours(0), world).metadata["pulled"]
    again = pull(house, DEFILLAMA, hours(0), world)
    assert (again.metadata["pulled"], again.metadata["rows_kept"]) == (False, 8)
    assert pull(house, DEFILLAMA, hours(0), world, repull=True).rows == 8
    assert len(house.lake.read(raw.DEFILLAMA_POOLS)) == 16


def test_a_live_source_leaves_every_hour_but_the_current_one_alone(settings: Settings) -> None:
    house = home(settings.model_copy(update={"source": "live"}))
    done = pull(house, DEFILLAMA, hours(0, 3), Live(house))
    assert (done.metadata["pulled"], done.rows, done.metadata["outcomes"]) == (False, 0, {"kept": 3})
    assert house.lake.read(raw.DEFILLAMA_POOLS).empty
    assert house.lake.read(raw.SOURCE_STATUS)["reason"].eq("this source only knows the current hour").all()


@pytest.mark.parametrize("kind", ["server_error", "timeout", "truncated", "unauthorized"])
def test_a_failing_source_degrades_the_scores_that_it_feeds_and_says_so(settings: Settings, kind: str) -> None:
    house = lived(settings, scored=True)
    broken = outside(house, lambda as_of: {"thegraph_pairs": Fault(kind)})
    replay.score_window(house, broken, hours(30))
    status = house.lake.read(raw.SOURCE_STATUS, hours(30))
    assert status.set_index("endpoint").loc["thegraph_pairs", "outcome"] == "failed"
    scores = house.lake.read(pools.POOL_SCORES, hours(30), where="horizon_hours = 24")
    assert set(scores["status"]) == {"degraded"}
    assert scores["status_reason"].str.contains("thegraph_pairs failed").all()
    assert house.lake.read(pools.POOL_SCORES, hours(29))["status"].eq("ok").all()


def test_a_pool_that_vanishes_ages_then_becomes_a_tombstone_and_never_looks_calm(settings: Settings) -> None:
    house = lived(settings, scored=True)
    gone = outside(house).transport(START + HOUR).market.pools[0]
    missing = {"defillama_pools": Fault("missing", ids=frozenset({gone.uuid}))}
    world = outside(house, lambda as_of: missing if as_of > START + 40 * HOUR else {})
    replay.score_window(house, world, hours(30, 30))
    key = house.lake.read(pools.POOLS, where="pool_id = ?", parameters=[gone.pool_id])["pool_key"].iloc[0]
    seen = house.lake.read(pools.POOL_SNAPSHOTS, hours(38, 22), where=f"pool_key = {key}").set_index("as_of")
    # Last said at 40:27; at the cut-off of 46 that is six hours and three minutes ago.
    assert not seen["is_tombstone"].iloc[:7].any()
    assert seen["is_tombstone"].iloc[7:].all()
    assert seen["tvl_usd"].iloc[7:].isna().all()
    late = house.lake.read(pools.POOL_SCORES, hours(50, 10), where=f"pool_key = {key}")
    assert set(late["risk_level"]) == {"UNKNOWN"}
    assert late[["risk_score", "probability"]].isna().all(axis=None)
    replay.label_until(house, POOLS, hours(59).end)
    # Nothing fell before it, and its protocol holds what it held: it was taken out, which is neither a crash nor calm.
    assert house.lake.read(pools.POOL_LABELS, hours(36, 10), where=f"pool_key = {key} AND horizon_hours = 24").empty
    assert house.lake.read(pools.POOL_LABELS, where=f"pool_key = {key}")["crash"].eq(0).all()


def test_reserves_of_an_earlier_hour_are_not_valued_at_prices_of_now(settings: Settings) -> None:
    house = lived(settings)
    replay.load(house, outside(house, lambda _: {"thegraph_pairs": Fault("server_error")}), hours(30, 2))
    columns = ["pool_key", "tvl_usd", "price0_usd", "reserve0_usd", "reserve1_usd"]
    fresh, stale = (house.lake.read(pools.POOL_SNAPSHOTS, hours(hour), columns, "lp_supply IS NOT NULL") for hour in (29, 31))
    assert len(fresh) == len(stale) > 0 and fresh.notna().all(axis=None)
    assert stale[["tvl_usd", "price0_usd"]].notna().all(axis=None) and stale[["reserve0_usd", "reserve1_usd"]].isna().all(axis=None)


def test_a_row_that_arrives_late_has_the_hours_that_it_touches_computed_again(settings: Settings) -> None:
    house = lived(settings)
    world = outside(house, lambda as_of: {"defillama_pools": Fault("server_error")} if as_of == START + 31 * HOUR else {})
    replay.load(house, world, hours(30, 4))
    column = f"pool_key IN (SELECT pool_key FROM lake.{pools.POOLS.sql_name} WHERE source = 'defillama')"
    aged = house.lake.read(pools.POOL_SNAPSHOTS, hours(30), where=column)
    assert aged["input_age_hours"].gt(1).all()
    pull(house, DEFILLAMA, hours(30), outside(house))
    pull(house, DEFILLAMA, hours(34), outside(house))
    done = store_snapshots(house, POOLS, hours(34))
    assert done.metadata["late_hours"] == 4
    assert store_features(house, POOLS, hours(34)).metadata["late_hours"] >= 4
    assert house.lake.read(pools.POOL_SNAPSHOTS, hours(30), where=column)["input_age_hours"].lt(1).all()


def test_rows_of_nonsense_go_to_quarantine_and_the_hour_goes_on(settings: Settings) -> None:
    house = home(settings)
    world = outside(house)

    def spoilt(wire, settings, outside):  # type: ignore[no-untyped-def]
        said = DEFILLAMA.begin(house, hours(0))(wire, settings, outside)
        part = said.parts[0]
        wrong = {"tvl_usd": [-1.0, float("nan"), *part["tvl_usd"][2:]], "pool": [*part["pool"][:2], None, *part["pool"][3:]]}
        return Pull(said.table, ({**part, **wrong},))

    endpoint = Endpoint(DEFILLAMA.table, lambda *_: spoilt)
    done = pull(house, endpoint, hours(0), world)
    assert (done.rows, done.quarantined) == (7, 3)  # a TVL that is refused is null; a row without an id is none
    assert done.quarantined_ratio > 0.2
    assert len(house.lake.read(monitoring.QUARANTINE)) == 3


def test_reasons_add_up_to_the_rule_s_score(settings: Settings) -> None:
    house = lived(settings, scored=True)
    reasons = house.lake.read(pools.POOL_EXPLANATIONS)
    scores = house.lake.read(pools.POOL_SCORES, where="risk_score IS NOT NULL").set_index(["as_of", "pool_key", "horizon_hours"])
    parts = reasons.groupby(["as_of", "pool_key", "horizon_hours"])
    total = parts["contribution"].sum() + parts["base_value"].first() + parts["other_contribution"].first()
    # A score of 0 points has no reason.
    assert set(total.index) == set(scores.index[scores["margin"] > 0]) and len(total) > len(scores) / 2
    assert (total - scores["margin"]).abs().max() < 1e-4
    assert reasons["method"].eq("rule").all()


def test_publishing_is_incremental_and_equals_a_whole_build(settings: Settings) -> None:
    house = lived(settings, scored=True)
    world = outside(house)
    assert not publish(house.lake, settings.published_file, 90, 30).is_incremental
    replay.score_window(house, world, hours(28, 6))
    again = publish(house.lake, settings.published_file, 90, 30)
    assert again.is_incremental
    assert 4 <= again.hours_count <= 6
    whole = settings.published_file.with_name("whole.duckdb")
    publish(house.lake, whole, 90, 30)
    for table in (
        "pool_risk_latest",
        "pool_risk_history",
        "pool_risk_reasons",
        "pool_snapshots",
        "pool_features_history",
        "source_freshness",
    ):
        assert rows_of(settings.published_file, table) == rows_of(whole, table)
    assert not publish(house.lake, settings.published_file, 90, 30).is_written


def test_a_published_file_drops_what_is_out_of_range_and_has_comments(settings: Settings) -> None:
    house = lived(settings, scored=True)
    replay.score_window(house, outside(house), hours(30, 20))
    publish(house.lake, settings.published_file, history_days=2, detail_days=1)
    with duckdb.connect(str(settings.published_file), read_only=True) as connection:
        spans = {
            t: connection.execute(f"SELECT count(DISTINCT as_of) FROM {t}").fetchall()[0][0]
            for t in ("pool_risk_history", "pool_snapshots")
        }
        bare = connection.execute("SELECT table_name, column_name FROM duckdb_columns() WHERE comment IS NULL AND NOT internal").fetchall()
    assert spans == {"pool_risk_history": 48, "pool_snapshots": 24}
    assert bare == []


def test_an_older_lake_never_replaces_a_newer_file(settings: Settings, tmp_path) -> None:  # type: ignore[no-untyped-def]
    newer, older = lived(settings, scored=True), home(Settings(home=tmp_path / "older"))
    publish(newer.lake, settings.published_file, 90, 30)
    before = rows_of(settings.published_file, "_about")
    done = publish(older.lake, settings.published_file, 90, 30)
    assert not done.is_written
    assert "newer" in done.reason
    assert rows_of(settings.published_file, "_about") == before


def test_a_torn_published_file_is_built_anew(settings: Settings) -> None:
    house = lived(settings, scored=True)
    settings.published_file.parent.mkdir(parents=True)
    settings.published_file.write_bytes(b"half a file")
    assert publish(house.lake, settings.published_file, 90, 30).is_written
    assert rows_of(settings.published_file, "pool_risk_latest")


def rows_of(path, table: str) -> list[tuple[object, ...]]:  # type: ignore[no-untyped-def]
    with duckdb.connect(str(path), read_only=True) as connection:
        return sorted(connection.execute(f"FROM {table}").fetchall(), key=repr)


def test_replay_resumes_at_the_first_hour_without_a_score(settings: Settings) -> None:
    house = home(settings)
    seen: list[tuple[str, Window]] = []

    def run(end: datetime) -> None:
        seen.clear()
        replay.run(house, outside(house), START, START + 24 * HOUR, end, lambda kind, window: seen.append((kind, window)))

    run(START + 30 * HOUR)
    run(START + 36 * HOUR)
    scored = [window for kind, window in seen if kind == "score"]
    assert scored == [Window(START + 30 * HOUR, START + 36 * HOUR)]
    run(START + 36 * HOUR)
    assert seen == []
    stored = house.lake.read(pools.POOL_SCORES)["as_of"]
    assert (stored.min(), stored.max()) == (naive(START + 25 * HOUR), naive(START + 36 * HOUR))


def test_explanations_and_scores_of_an_empty_hour_are_empty(settings: Settings) -> None:
    house = home(settings)
    window = Window.ending(utc("2025-06-01"))
    for step in [*knowing(POOLS), *saying(POOLS)]:
        assert step.make(house, window).rows == 0


def test_labels_wait_for_the_snapshots_of_their_horizon(settings: Settings) -> None:
    house = lived(settings)
    replay.label_until(house, POOLS, hours(0, 400).end)
    labels = house.lake.read(pools.POOL_LABELS)
    newest = naive(hours(0, LIVED).end)
    assert (labels["matured_at"] <= newest).all()
    assert labels.groupby("horizon_hours")["as_of"].max().to_dict() == {6: newest - 6 * HOUR, 24: newest - 24 * HOUR}
