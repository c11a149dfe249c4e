"""A recorded file answered as of an hour, through the same client as the network."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.windows import HOUR, PULL_DELAY
from veririsk_assets.settings import Settings
from veririsk_assets.sources import coingecko, defillama, geckoterminal, thegraph
from veririsk_assets.sources.recorded import RecordedMarket
from veririsk_assets.wire.errors import NotRecordedError
from veririsk_assets_tests.sources.answers import wire

T0 = datetime(2021, 5, 1, 2, 4, 48)
STEP = timedelta(hours=3.72)


def row(pool: str, ts: datetime, reserve0: float = 1.5, **other: object) -> dict[str, object]:
    token0, token1 = pool.split("&")
    known = {"dex": "uniswapv2", "pool": pool, "token0": token0, "token1": token1, "ts": ts, "reserve0": reserve0, "reserve1": 2.0}
    return {**known, "tvl_usd": 4e6, "lp_supply": 3.0, "volume_usd_cum": 10.0, "tx_count_cum": 7, **other}


def write(folder: Path, rows: list[dict[str, object]]) -> Path:
    pd.DataFrame(rows).to_parquet(folder / "pool_reserves_4h.parquet", index=False)
    return folder


def asked(market: RecordedMarket, as_of: datetime) -> pd.DataFrame:
    return thegraph.pairs(wire(market.transport(as_of), as_of + PULL_DELAY), Settings(source="recorded")).frame


@pytest.fixture
def market(tmp_path: Path) -> RecordedMarket:
    rows = [row("aave&weth", T0 + i * STEP, reserve0=100.0 + i) for i in range(10)]
    return RecordedMarket(write(tmp_path, [*rows, row("bat&weth", T0 + timedelta(hours=30)), row("bat&weth", T0 + timedelta(hours=26))]))


def test_an_hour_gets_the_last_row_that_was_true_when_it_was_pulled(market: RecordedMarket) -> None:
    frame = asked(market, datetime(2021, 5, 1, 6, tzinfo=UTC))
    assert list(frame.columns) == raw.THEGRAPH_PAIRS.names
    assert frame[["pair", "dex", "token0", "token1", "reserve0", "reserve_usd"]].values.tolist() == [
        ["aave&weth", "uniswapv2", "aave", "weth", 101.0, 4e6]
    ]
    # The second row is of 05:48:00, the third of 09:31.
    assert frame["observed_at"].iloc[0] == pd.Timestamp(T0 + STEP)
    assert frame["pulled_at"].iloc[0] == pd.Timestamp("2021-05-01 06:27")


def test_no_hour_ever_sees_a_row_of_its_future_or_one_older_than_six_hours(market: RecordedMarket) -> None:
    for hours in range(3, 40):
        as_of = datetime(2021, 5, 1, tzinfo=UTC) + hours * HOUR
        frame = asked(market, as_of)
        pulled = pd.Timestamp((as_of + PULL_DELAY).replace(tzinfo=None))
        assert (frame["observed_at"] <= pulled).all()
        assert (frame["observed_at"] >= pulled - PULL_DELAY - timedelta(hours=6)).all()
        assert frame["pair"].is_unique


def test_rows_need_not_be_sorted_and_a_pair_that_is_silent_is_missing(market: RecordedMarket) -> None:
    assert asked(market, datetime(2021, 5, 2, 6, tzinfo=UTC))["pair"].tolist() == ["aave&weth", "bat&weth"]
    assert asked(market, datetime(2021, 5, 1, 20, tzinfo=UTC))["pair"].tolist() == ["aave&weth"]


def test_a_row_between_two_seconds_is_not_seen_before_its_time(tmp_path: Path) -> None:
    first = datetime(2021, 5, 1, 6, 27, 0, 500_000)
    market = RecordedMarket(write(tmp_path, [row("a&b", first), row("c&b", T0 + STEP)]))
    assert asked(market, datetime(2021, 5, 1, 6, tzinfo=UTC))["pair"].tolist() == ["c&b"]


def test_a_row_of_the_very_moment_of_the_pull_is_seen(tmp_path: Path) -> None:
    market = RecordedMarket(write(tmp_path, [row("a&b", datetime(2021, 5, 1, 6, 27))]))
    assert asked(market, datetime(2021, 5, 1, 6, tzinfo=UTC))["pair"].tolist() == ["a&b"]


def test_the_first_hour_is_the_first_full_one(market: RecordedMarket, tmp_path: Path) -> None:
    assert market.first_hour == datetime(2021, 5, 1, 3, tzinfo=UTC)
    (tmp_path / "sharp").mkdir()
    assert RecordedMarket(write(tmp_path / "sharp", [row("a&b", datetime(2021, 5, 1, 3))])).first_hour == datetime(
        2021, 5, 1, 3, tzinfo=UTC
    )


def test_outside_the_recording_and_at_other_sources_nothing_is_recorded(market: RecordedMarket) -> None:
    settings, as_of = Settings(source="recorded"), datetime(2021, 5, 1, 6, tzinfo=UTC)
    for ask in (defillama.pools, defillama.protocols, coingecko.markets, geckoterminal.pools):
        with pytest.raises(NotRecordedError):
            ask(wire(market.transport(as_of), as_of + PULL_DELAY), settings)
    for outside in (datetime(2021, 4, 30, tzinfo=UTC), datetime(2021, 6, 1, tzinfo=UTC)):
        with pytest.raises(NotRecordedError):
            asked(market, outside)


def test_values_that_a_row_does_not_have_are_missing_and_not_zero(tmp_path: Path) -> None:
    market = RecordedMarket(write(tmp_path, [row("a&b", T0, reserve0=float("nan"), tvl_usd=float("inf"), lp_supply=None)]))
    frame = asked(market, datetime(2021, 5, 1, 3, tzinfo=UTC))
    assert frame[["reserve0", "reserve_usd", "lp_supply"]].isna().all(axis=None)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_stamps_mean_the_same_in_every_unit_and_zone(tmp_path: Path, unit: str) -> None:
    rows = pd.DataFrame([row("a&b", T0)])
    rows["ts"] = rows["ts"].astype(f"datetime64[{unit}]").dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
    rows.to_parquet(tmp_path / "x.parquet")
    assert asked(RecordedMarket(tmp_path / "x.parquet"), datetime(2021, 5, 1, 3, tzinfo=UTC))["observed_at"].tolist() == [pd.Timestamp(T0)]


def test_pools_of_one_name_on_two_dexs_stay_two(tmp_path: Path) -> None:
    market = RecordedMarket(write(tmp_path, [row("a&b", T0), row("a&b", T0, dex="sushi"), row("c&b", T0)]))
    assert asked(market, datetime(2021, 5, 1, 3, tzinfo=UTC))["pair"].tolist() == ["c&b", "sushi:a&b", "uniswapv2:a&b"]


def test_a_file_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no recorded file"):
        RecordedMarket(tmp_path)
    (tmp_path / "text.parquet").write_text("not parquet")
    with pytest.raises(ValueError, match="cannot be read"):
        RecordedMarket(tmp_path / "text.parquet")
    pd.DataFrame([row("a&b", T0)]).drop(columns=["lp_supply", "ts"]).to_parquet(tmp_path / "short.parquet")
    with pytest.raises(ValueError, match="ts, lp_supply"):
        RecordedMarket(tmp_path / "short.parquet")
    pd.DataFrame([row("a&b", T0)]).iloc[:0].to_parquet(tmp_path / "empty.parquet")
    with pytest.raises(ValueError, match="no rows"):
        RecordedMarket(tmp_path / "empty.parquet")


def test_the_real_recording_is_answered() -> None:
    folder = Path(os.environ.get("VERIRISK_TEST_RECORDED_DIR", Path(__file__).resolve().parents[3] / "shared" / "data"))
    if not (folder / "pool_reserves_4h.parquet").is_file():
        pytest.skip(f"NO RECORDED DATA: no pool_reserves_4h.parquet in {folder}")
    market = RecordedMarket(folder)
    frame = asked(market, market.first_hour + 24 * HOUR)
    assert len(frame) > 0
    assert frame[["pair", "reserve0", "reserve1", "reserve_usd"]].notna().all(axis=None)
