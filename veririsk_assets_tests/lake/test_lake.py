from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from veririsk_assets.contracts.catalogue import TABLES
from veririsk_assets.contracts.columns import AS_OF
from veririsk_assets.contracts.monitoring import QUARANTINE
from veririsk_assets.contracts.pools import POOL_SNAPSHOTS
from veririsk_assets.contracts.raw import COINGECKO_MARKETS
from veririsk_assets.contracts.tables import ContractError, Table, number, text, whole
from veririsk_assets.contracts.windows import Window
from veririsk_assets.lake.catalog import Catalog
from veririsk_assets.lake.lake import EmptyLakeError, Lake
from veririsk_assets.lake.schema import missing
from veririsk_assets_tests.conftest import NOW
from veririsk_assets_tests.lake.rows import snapshot_rows

DAY = Window.of("2025-01-01", "2025-01-02")
HOUR = Window.of("2025-01-01T05:00", "2025-01-01T06:00")


def test_replacing_an_hour_leaves_its_neighbours(lake: Lake) -> None:
    lake.replace(POOL_SNAPSHOTS, snapshot_rows(DAY), DAY)
    lake.replace(POOL_SNAPSHOTS, snapshot_rows(HOUR, tvl_usd=7.0), HOUR)
    stored = lake.read(POOL_SNAPSHOTS, DAY)
    assert len(stored) == 24 * 3
    assert (stored["tvl_usd"] == 7.0).sum() == 3
    assert lake.read(POOL_SNAPSHOTS, HOUR)["tvl_usd"].eq(7.0).all()


def test_replacing_with_identical_rows_makes_no_commit(lake: Lake) -> None:
    first = lake.replace(POOL_SNAPSHOTS, snapshot_rows(DAY), DAY)
    again = lake.replace(POOL_SNAPSHOTS, snapshot_rows(DAY).sample(frac=1, random_state=0), DAY)
    assert first.changed
    assert not again.changed
    assert again.snapshot_id == first.snapshot_id


def test_replacing_with_nothing_empties_the_window(lake: Lake) -> None:
    lake.replace(POOL_SNAPSHOTS, snapshot_rows(DAY), DAY)
    lake.replace(POOL_SNAPSHOTS, snapshot_rows(HOUR).head(0), HOUR)
    assert len(lake.read(POOL_SNAPSHOTS, DAY)) == 23 * 3


def test_a_broken_value_is_null_and_a_row_without_what_it_needs_is_refused(lake: Lake) -> None:
    rows = snapshot_rows(HOUR, pools=4)
    rows.loc[0, "tvl_usd"] = -1.0
    rows.loc[1, "tvl_usd"] = np.inf
    rows.loc[2, "tvl_usd"] = 1e18
    rows.loc[2, "lp_supply"] = -5.0
    rows.loc[3, "apy"] = 1e298
    rows["is_tombstone"] = [False, False, False, None]
    written = lake.replace(POOL_SNAPSHOTS, rows, HOUR)
    refused = lake.read(QUARANTINE)
    assert (written.rows, written.quarantined, written.refused) == (3, 5, 1)  # of a refused row one fault is enough
    assert lake.read(POOL_SNAPSHOTS)[["tvl_usd", "lp_supply"]].isna().all(axis=None)
    assert set(refused["rule"]) == {"below 0", "not finite", "above 1e+13", "missing"}
    assert refused["row_json"].str.contains('"tvl_usd":-1.0').any()
    assert refused["table_name"].eq("snapshots.hourly_pools").all()
    assert refused["run_id"].eq("test").all()
    assert refused["row_json"].str.contains('"pool_key":').all()


def test_the_same_fault_is_quarantined_once(lake: Lake) -> None:
    rows = snapshot_rows(HOUR).assign(tvl_usd=[-1.0, 5.0, 5.0])
    for _ in range(3):
        lake.replace(POOL_SNAPSHOTS, rows, HOUR)
    assert len(lake.read(QUARANTINE)) == 1


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda rows: rows.drop(columns="tvl_usd"), "missing columns"),
        (lambda rows: rows.assign(extra=1), "unknown columns"),
        (lambda rows: rows.assign(tvl_usd="a lot"), "tvl_usd should be float"),
        (lambda rows: rows.assign(as_of=5), "as_of should be time"),
        (lambda rows: pd.concat([rows, rows.head(1)]), "repeat a key"),
        (lambda rows: rows.assign(as_of=rows["as_of"] + timedelta(days=1)), "outside the window"),
    ],
)
def test_a_table_fault_raises_and_writes_nothing(lake: Lake, spoil: Callable[[pd.DataFrame], pd.DataFrame], words: str) -> None:
    before = lake.snapshot_id()
    with pytest.raises(ContractError, match=words):
        lake.replace(POOL_SNAPSHOTS, spoil(snapshot_rows(HOUR)), HOUR)
    assert lake.snapshot_id() == before


def test_a_source_that_repeats_itself_is_a_row_fault(lake: Lake) -> None:
    stamp = pd.Timestamp("2025-01-01T06:27")
    row = {
        "source": "coingecko", "endpoint": "/coins/markets", "pulled_at": stamp, "available_at": stamp, "observed_at": stamp,
        "observed_kind": "intraday", "payload_hash": "x", "coin_id": "ethereum", "symbol": "eth", "price_usd": 2000.0,
        "market_cap_usd": None, "volume_24h_usd": None,
    }  # fmt: skip
    written = lake.append(COINGECKO_MARKETS, pd.DataFrame([row, row, row | {"coin_id": None}]))
    assert (written.rows, written.quarantined) == (1, 2)
    assert set(lake.read(QUARANTINE)["rule"]) == {"doubled key", "missing"}


def test_a_panel_is_dense_and_sorted(lake: Lake) -> None:
    rows = snapshot_rows(DAY).assign(tvl_usd=np.arange(72.0))
    lake.replace(POOL_SNAPSHOTS, rows[rows["pool_key"] != 1], DAY)
    panel = lake.panel(POOL_SNAPSHOTS, ["tvl_usd", "lp_supply"], DAY.lookback(6))
    assert panel.shape == (30, 2)
    assert np.isnan(panel["tvl_usd"][:6]).all()
    np.testing.assert_array_equal(panel["tvl_usd"][6:, 1], np.arange(2.0, 72.0, 3))
    assert np.isnan(panel["lp_supply"]).all()


@pytest.mark.parametrize("level", [1e-12, 1.0, 1e18])
def test_a_small_move_of_the_price_ratio_comes_back_with_its_digits(lake: Lake, level: float) -> None:
    ratio = level * (1 + 1e-7 * np.arange(24))
    lake.replace(POOL_SNAPSHOTS, snapshot_rows(DAY).assign(price_ratio=np.repeat(ratio, 3), reserve0=np.repeat(ratio, 3)), DAY)
    panel = lake.panel(POOL_SNAPSHOTS, ["price_ratio", "reserve0"], DAY)
    assert (panel["price_ratio"].dtype, panel["reserve0"].dtype) == (np.float64, np.float32)
    np.testing.assert_allclose(np.diff(panel["price_ratio"][:, 0]) / level, 1e-7, rtol=1e-6)


def test_a_daily_panel_has_a_row_a_day(catalog: Catalog) -> None:
    key = whole("reef_key", "Integer for the reef", required=True)
    reefs = Table(
        "snapshots", "daily_reefs", "one reef and day", ("as_of", "reef_key"), "as_of", "Reefs.", (AS_OF, key, number("depth", "m")), (), 24
    )
    lake = Lake(catalog, [reefs], lambda: NOW)
    month = Window.of("2025-01-01", "2025-01-31", 24)
    rows = pd.DataFrame({"as_of": np.repeat(month.as_ofs, 2), "reef_key": [4, 9] * 30, "depth": np.arange(60.0)}).drop(index=[3, 40])
    lake.replace(reefs, rows, month)
    week = Window.ending(month.end, 7, 24)
    panel = lake.panel(reefs, ["depth"], week)
    assert (panel.shape, panel.keys.tolist()) == ((7, 2), [4, 9])
    assert np.array_equal(panel["depth"], np.arange(46.0, 60.0).reshape(7, 2))
    assert np.isnan(lake.panel(reefs, ["depth"], month)["depth"][[1, 20], [1, 0]]).all()
    lake.close()


def test_a_cursor_knows_utc_and_no_variables_of_python(lake: Lake) -> None:
    wanted = "('TimeZone', 'python_enable_replacements')"
    found = lake.sql(f"SELECT value FROM duckdb_settings() WHERE name IN {wanted} ORDER BY name")
    assert list(found["value"]) == ["UTC", "false"]


@pytest.mark.parametrize(
    "statement", ["DELETE FROM lake.snapshots.pools", "SELECT 1; DROP TABLE lake.snapshots.pools", "CREATE TABLE lake.x AS SELECT 1 AS a"]
)
def test_a_question_never_writes(lake: Lake, statement: str) -> None:
    snapshot = lake.snapshot_id()
    with pytest.raises(ContractError, match="only queries are asked here"):
        lake.sql(statement)
    assert lake.snapshot_id() == snapshot


def test_reading_a_lake_that_is_not_there_says_so(catalog, open_lake: Callable[..., Lake]) -> None:  # type: ignore[no-untyped-def]
    if catalog.dsn:
        pytest.skip("a Postgres catalog is made on first contact")
    with pytest.raises(EmptyLakeError, match="no lake in"):
        open_lake(read_only=True)


def test_a_second_connection_sees_what_the_first_committed(lake: Lake, open_lake: Callable[..., Lake]) -> None:
    reader = open_lake(read_only=True)
    lake.replace(POOL_SNAPSHOTS, snapshot_rows(HOUR), HOUR)
    assert len(reader.read(POOL_SNAPSHOTS)) == 3


@pytest.mark.parametrize("read_only", [True, False])
def test_an_older_lake_gains_the_columns_that_its_tables_have_now(catalog, open_lake: Callable[..., Lake], read_only: bool) -> None:  # type: ignore[no-untyped-def]
    older = open_lake()
    older.replace(POOL_SNAPSHOTS, snapshot_rows(HOUR), HOUR)
    older.commit(lambda cursor: cursor.execute("ALTER TABLE lake.snapshots.hourly_pools DROP COLUMN lp_supply"))
    older.close()
    gained = replace(
        POOL_SNAPSHOTS, columns=(*POOL_SNAPSHOTS.columns[:2], text("mood", "A new one", before="'calm'"), *POOL_SNAPSHOTS.columns[2:])
    )
    lake = Lake(catalog, [gained], lambda: NOW, read_only=read_only)
    stored = lake.read(gained)
    assert stored["mood"].eq("calm").all()
    assert stored["lp_supply"].isna().all()
    assert stored["tvl_usd"].eq(1000.0).all()
    lake.close()
    lake = Lake(catalog, [gained], lambda: NOW)
    assert not missing(lake.cursor(), [gained])
    lake.replace(gained, snapshot_rows(HOUR).assign(mood="wild", lp_supply=3.0), HOUR)
    stored = lake.read(gained)
    assert (set(stored["mood"]), set(stored["lp_supply"]), set(stored["source"])) == ({"wild"}, {3.0}, {"defillama"})
    lake.close()


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12), st.floats(0, 1e9)), min_size=1, max_size=8))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_replacing_any_windows_in_any_order_is_the_same_as_a_dictionary(tmp_path_factory, replacements) -> None:  # type: ignore[no-untyped-def]

    folder = tmp_path_factory.mktemp("lake")
    lake = Lake(Catalog(folder, "", str(folder / "data")), TABLES, lambda: NOW)
    expected: dict[np.datetime64, float] = {}
    for start, hours, tvl in replacements:
        window = Window(DAY.start + timedelta(hours=start), DAY.start + timedelta(hours=start + hours))
        lake.replace(POOL_SNAPSHOTS, snapshot_rows(window, pools=1, tvl_usd=tvl), window)
        expected |= dict.fromkeys(window.as_ofs, tvl)
    stored = lake.read(POOL_SNAPSHOTS)
    lake.close()
    assert dict(zip(stored["as_of"].to_numpy(), stored["tvl_usd"], strict=True)) == expected


def test_a_home_that_was_moved_opens_where_it_is_now(tmp_path) -> None:  # type: ignore[no-untyped-def]

    before, after = tmp_path / "before", tmp_path / "after"
    lake = Lake(Catalog(before, "", str(before / "data")), TABLES, lambda: NOW)
    lake.replace(POOL_SNAPSHOTS, snapshot_rows(HOUR), HOUR)
    lake.close()
    before.rename(after)
    moved = Lake(Catalog(after, "", str(after / "data")), TABLES, lambda: NOW)
    moved.replace(POOL_SNAPSHOTS, snapshot_rows(DAY), DAY)
    assert len(moved.read(POOL_SNAPSHOTS)) == 72
    moved.close()
