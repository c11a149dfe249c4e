"""What a recorded folder knows beside its pools: from when on, for how long, and what is not taken for knowledge."""

from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from veririsk_assets.backtest.setting import Setting
from veririsk_assets.contracts.pool_features import SURROUNDING_INPUTS
from veririsk_assets.contracts.windows import PULL_DELAY, Window
from veririsk_assets.pipeline import backtest
from veririsk_assets.pipeline.backtest_recorded import read_recorded
from veririsk_assets.simulation.market import EPOCH, Market
from veririsk_assets.simulation.recording import recorded_file
from veririsk_assets.snapshots.prices import OutsidePrices
from veririsk_assets.snapshots.surroundings import surrounding_rows
from veririsk_assets.sources.recorded_answers import Evidence
from veririsk_assets.sources.recorded_evidence import FILES

DAYS = Window.of("2021-05-10", "2021-05-16")
# A row's stamp; the day's values are of 11 May.
STAMP = pd.Timestamp("2021-05-11T12:00")
COINS, RESERVES = ("BTC", "ETH"), ("DAI", "USDC", "USDT", "WETH")


def hourly(symbols: tuple[str, ...], key: str, **values: float) -> pd.DataFrame:
    """One row per symbol at STAMP, after one an hour before it that says nothing."""
    stamps = (STAMP - pd.Timedelta(hours=1), STAMP)
    rows = [{"ts": at, key: symbol} | {n: v if at == STAMP else np.nan for n, v in values.items()} for at in stamps for symbol in symbols]
    return pd.DataFrame(rows)


def daily(**values: object) -> pd.DataFrame:
    return pd.DataFrame([{"date": STAMP.date()} | values])


SAID = {
    "hyperliquid_funding_hourly": hourly(COINS, "symbol", funding_rate=1e-5, premium=2e-4),
    "aave_reserves_hourly": hourly(RESERVES, "asset", supplied_usd=50.0, borrowed_usd=20.0, liquidations_usd=3.0),
    "terra_stablecoins_daily": pd.concat([daily(symbol=symbol, supply=5e9) for symbol in ("USDT", "USDC", "DAI", "UST")]),
    "eth_gas_price_daily": daily(gas_wei=30e9),
    "fear_greed_daily": daily(value=4),
    "prices_hourly": hourly(("ETH",), "symbol", close=2_000.0).assign(venue="binance_spot_a"),
}


def write(folder: Path, **frames: pd.DataFrame) -> Path:
    for name, rows in frames.items():
        rows.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


@dataclass(frozen=True)
class Said:
    """SURROUNDING_INPUTS that are ever known, by hour; the outside prices; and what is not used."""

    market: dict[str, np.ndarray]
    prices: OutsidePrices
    left_out: list[str]

    def price(self, token: str) -> np.ndarray:
        return self.prices.of_ticker(token.lower(), self.prices.believed)

    @property
    def columns(self) -> dict[str, np.ndarray]:
        return self.market | {f"price of {coin}": self.price(coin) for coin in self.prices.coins}


def read_evidence(folder: Path) -> Said:
    """The files of a folder as the snapshots of DAYS know them."""
    evidence, instants = Evidence(folder), (DAYS.as_ofs + np.timedelta64(PULL_DELAY)).astype("datetime64[us]")
    told = [one for name in evidence.names if (one := evidence.told(name, instants)) is not None]
    raw = {one.table.name: one.raw(instants) for one in told if len(one)}
    prices = OutsidePrices.of(raw, DAYS)
    rows = surrounding_rows(raw, prices, DAYS)
    market = {name: rows[name].to_numpy(np.float64) for name in SURROUNDING_INPUTS}
    return Said({name: column for name, column in market.items() if np.isfinite(column).any()}, prices, list(evidence.left_out))


def known(column: np.ndarray) -> tuple[str, str]:
    """First and last hour that a column knows."""
    hours = DAYS.as_ofs[np.isfinite(np.asarray(column).ravel())].astype("datetime64[h]")
    return str(hours[0]), str(hours[-1])


# The cut-off is half an hour after the hour: what is published at 01:00 is known to the hour 01:00 and not to 00:00.
@pytest.mark.parametrize(
    ("column", "value", "span"),
    [
        ("funding_rate", 1e-5, ("2021-05-11T13", "2021-05-11T18")),
        ("perp_premium", 2e-4, ("2021-05-11T13", "2021-05-11T18")),
        ("aave_utilisation", 0.4, ("2021-05-11T13", "2021-05-11T18")),
        # Told until the next day's would be, and of no time: as old as the last pull.
        ("stablecoin_supply_usd", 15e9, ("2021-05-12T01", "2021-05-14T23")),
        ("gas_gwei", 30.0, ("2021-05-12T01", "2021-05-13T05")),
        ("fear_greed", 4.0, ("2021-05-11T00", "2021-05-12T23")),
    ],
)
def test_a_value_is_known_from_its_publication_until_it_is_too_old(
    column: str, value: float, span: tuple[str, str], tmp_path: Path
) -> None:
    found = read_evidence(write(tmp_path, **SAID)).market[column]
    assert known(found) == span
    np.testing.assert_allclose(found[np.isfinite(found)], value, rtol=1e-6)


def test_a_bars_close_is_known_when_the_bar_has_ended(tmp_path: Path) -> None:
    found = read_evidence(write(tmp_path, prices_hourly=SAID["prices_hourly"]))
    assert known(found.price("weth")) == ("2021-05-11T13", "2021-05-11T18")
    assert np.nanmax(found.price("eth")) == 2_000.0 and set(found.market) == {"eth_price_usd"}


def test_a_token_has_its_own_price_or_none(tmp_path: Path) -> None:
    bars = hourly(("ETH", "BTC", "USDC", "LINK"), "symbol", close=7.0).assign(venue="binance_perp")
    spot = hourly(("LINK",), "symbol", close=6.0).assign(venue="binance_spot_a")
    later = spot.assign(ts=spot["ts"] - pd.Timedelta(hours=9))
    found = read_evidence(write(tmp_path, prices_hourly=pd.concat([bars, spot, later])))
    hour = int((STAMP - pd.Timestamp(DAYS.as_ofs[0])) / pd.Timedelta(hours=1)) + 1
    assert [np.asarray(found.price(token))[hour] for token in ("weth", "wbtc", "usdc", "link")] == [7.0, 7.0, 7.0, 6.0]
    assert all(np.isnan(found.price(token)).all() for token in ("usdt", "dai", "renbtc", "koko"))


def test_a_mean_or_a_sum_with_an_unknown_part_is_unknown(tmp_path: Path) -> None:
    short = {
        "hyperliquid_funding_hourly": SAID["hyperliquid_funding_hourly"].query("symbol != 'ETH'"),
        "aave_reserves_hourly": SAID["aave_reserves_hourly"].query("asset != 'USDC'"),
        "terra_stablecoins_daily": SAID["terra_stablecoins_daily"].query("symbol != 'DAI'"),
    }
    found = read_evidence(write(tmp_path, **short)).market
    assert found == {}


def test_a_rate_of_eight_hours_is_no_hourly_rate(tmp_path: Path) -> None:
    rows = SAID["hyperliquid_funding_hourly"].assign(funding_rate=1e-5, premium=0.0)
    rows.loc[rows["ts"] < STAMP, "ts"] -= pd.Timedelta(hours=7)
    found = read_evidence(write(tmp_path, hyperliquid_funding_hourly=rows)).market
    assert "funding_rate" not in found


def test_liquidations_are_those_of_the_24_hours_known_last(tmp_path: Path) -> None:
    stamps = pd.date_range("2021-05-11", "2021-05-12T23:00", freq="h")
    rows = pd.concat([pd.DataFrame({"ts": stamps, "asset": asset, "liquidations_usd": np.arange(48.0)}) for asset in RESERVES])
    rows = rows.assign(supplied_usd=1.0, borrowed_usd=0.5)
    found = read_evidence(write(tmp_path, aave_reserves_hourly=rows)).market["aave_liquidations_usd"]
    at = {str(hour): value for hour, value in zip(DAYS.as_ofs.astype("datetime64[h]"), found, strict=True)}
    assert at["2021-05-12T13"] == 4 * sum(range(13, 37))
    assert known(found) == ("2021-05-12T01", "2021-05-13T05")


def test_what_a_file_says_twice_is_counted_once_and_a_contradiction_is_no_news(tmp_path: Path) -> None:
    stamps = pd.date_range("2021-05-10", "2021-05-12T23:00", freq="h")
    rows = pd.concat([pd.DataFrame({"ts": stamps, "asset": asset, "liquidations_usd": 1.0}) for asset in RESERVES], ignore_index=True)
    rows = rows.assign(supplied_usd=50.0, borrowed_usd=20.0)
    twice = read_evidence(write(tmp_path, aave_reserves_hourly=pd.concat([rows, rows])))
    assert np.nanmax(twice.market["aave_liquidations_usd"]) == 24 * len(RESERVES)
    assert twice.left_out == [f"aave_reserves_hourly.parquet: of {2 * len(rows)} rows left out: {len(rows)} said twice"]
    other = rows[rows["ts"] == STAMP].assign(borrowed_usd=49.0)
    torn = read_evidence(write(tmp_path, aave_reserves_hourly=pd.concat([rows, other])))
    assert np.nanmax(torn.market["aave_utilisation"]) == pytest.approx(0.4)
    assert torn.left_out == ["aave_reserves_hourly.parquet: of 292 rows left out: 8 that contradict another row of the same time"]


@pytest.mark.parametrize(("name", "column", "value"), [("fear_greed_daily", "value", 999.0), ("prices_hourly", "close", -1.0)])
def test_what_no_source_may_say_is_unknown_and_said(name: str, column: str, value: float, tmp_path: Path) -> None:
    seen = read_evidence(write(tmp_path, **{name: SAID[name].assign(**{column: value})}))
    assert not any(np.isfinite(found).any() for found in seen.columns.values())
    assert len(seen.left_out) == 1 and f"values taken as unknown: {len(SAID[name])} {column} " in seen.left_out[0]


def test_evidence_may_be_a_folder_of_parts_with_counts_for_times(tmp_path: Path) -> None:
    plain, parts = tmp_path / "plain", tmp_path / "parts"
    for folder in (plain, parts):
        folder.mkdir()
    rows = SAID["hyperliquid_funding_hourly"]
    (parts / "hyperliquid_funding_hourly.parquet").mkdir()
    for coin, some in rows.groupby("symbol"):
        odd = some.assign(ts=some["ts"].astype("datetime64[ms]").astype("int64"), symbol=some["symbol"].astype("category"))
        odd.to_parquet(parts / "hyperliquid_funding_hourly.parquet" / f"{coin}.parquet")
    one, other = read_evidence(write(plain, hyperliquid_funding_hourly=rows)), read_evidence(parts)
    np.testing.assert_array_equal(one.market["funding_rate"], other.market["funding_rate"])
    assert np.isfinite(one.market["funding_rate"]).any()


def test_an_empty_folder_knows_nothing_and_an_unusable_file_says_why(tmp_path: Path) -> None:
    nothing = read_evidence(tmp_path)
    assert nothing.columns == {} and np.isnan(nothing.price("weth")).all()
    for name in FILES:
        file = write(tmp_path, **{name: SAID[name].drop(columns=SAID[name].columns[-1])}) / f"{name}.parquet"
        with pytest.raises(ValueError, match=rf"{name}.parquet lacks the columns {SAID[name].columns[-1]}"):
            read_evidence(tmp_path)
        file.write_bytes(b"PAR1 of another kind")
        with pytest.raises(ValueError, match=rf"{name}.parquet cannot be read as Parquet"):
            read_evidence(tmp_path)
        file.unlink()
    with pytest.raises(ValueError, match=r"fear_greed_daily.parquet holds columns of a wrong type"):
        read_evidence(write(tmp_path, fear_greed_daily=daily(value="greedy")))


def test_rows_without_a_time_a_name_or_a_value_say_nothing(tmp_path: Path) -> None:
    assert not any(np.isfinite(column).any() for column in _said_by(tmp_path, {name: rows.iloc[:0] for name, rows in SAID.items()}))
    whole = {name: pd.concat([rows, rows]).reset_index(drop=True) for name, rows in SAID.items()}
    holes = {name: rows.copy() for name, rows in whole.items()}
    for rows in holes.values():
        half = np.arange(len(rows)) < len(rows) / 2
        for column in rows.columns:
            rows[column] = rows[column].mask(half)
    for one, other in zip(_said_by(tmp_path, whole), _said_by(tmp_path, holes), strict=True):
        np.testing.assert_array_equal(one, other)


def _said_by(folder: Path, frames: dict[str, pd.DataFrame]) -> list[np.ndarray]:
    found = read_evidence(write(folder, **frames))
    return list(found.columns.values())


def test_values_of_later_hours_change_nothing_before_them(tmp_path: Path) -> None:
    """Every file hour by hour or day by day; then all rows that are stamped at or after STAMP say something else."""
    before, after = tmp_path / "before", tmp_path / "after"
    for folder, factor in ((before, 1.0), (after, 3.0)):
        folder.mkdir()
        for name, rows in SAID.items():
            time = rows.columns[0]
            step = pd.Timedelta(days=1) if time == "date" else pd.Timedelta(hours=1)
            last = rows[pd.to_datetime(rows[time]) == pd.to_datetime(rows[time]).max()]
            stamps = [pd.Timestamp(last[time].iloc[0]) + i * step for i in range(-60, 60)]
            numbers = [column for column in last.columns if last[column].dtype.kind in "fi"]
            wavy = [last.assign(**{time: at}, **{n: last[n] * (1 + i % 7) * (factor if at >= STAMP else 1) for n in numbers})
                    for i, at in enumerate(stamps)]  # fmt: skip
            write(folder, **{name: pd.concat(wavy)})
    one, other = read_evidence(before), read_evidence(after)
    early = DAYS.as_ofs <= np.datetime64(STAMP)
    for name in one.columns:
        a, b = (np.asarray(found.columns[name]) for found in (one, other))
        assert np.array_equal(a[early], b[early], equal_nan=True), name
        assert name == "aave_utilisation" or not np.array_equal(a[~early], b[~early], equal_nan=True), name
        assert np.isfinite(a[early]).any(), name


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty days of the simulated pairs, with the price of ETH and the mood beside them."""
    start = EPOCH + timedelta(days=1)
    folder = recorded_file(Market(seed=3, pools=80), start, start + timedelta(days=40), tmp_path_factory.mktemp("recorded")).parent
    stamps = pd.date_range(start.replace(tzinfo=None), periods=40 * 24, freq="h")
    bars = pd.DataFrame({"ts": stamps, "symbol": "ETH", "venue": "binance_spot_a", "close": np.linspace(1e3, 2e3, len(stamps))})
    return write(folder, prices_hourly=bars, fear_greed_daily=pd.DataFrame({"date": stamps[::24].date, "value": np.arange(40)}))


def test_the_panels_hold_what_the_folder_knows_and_null_for_the_rest(recorded: Path) -> None:
    seen = read_recorded(recorded)
    assert tuple(seen.market.values) == SURROUNDING_INPUTS
    known_ones = {name for name in SURROUNDING_INPUTS if np.isfinite(seen.market[name]).any()}
    assert {"fear_greed"} <= known_ones <= {"fear_greed", "eth_price_usd"}
    for column, name in enumerate(seen.names):
        for side, token in enumerate(name.partition(":")[2].split("&")):
            assert np.isfinite(seen.pools[f"price{side}_usd"][:, column]).any() == (token in ("eth", "weth")), name
    assert any("weth" in name for name in seen.names)


def test_evidence_is_named_with_its_hashes_and_moves_the_features_that_it_is_of(recorded: Path) -> None:
    setting = Setting(models=("ewma_volatility_7d",))
    file = recorded / "pool_reserves_4h.parquet"
    material, alone = (backtest.recorded_material(path, setting) for path in (recorded, file))
    assert material.about["evidence"] == {
        name: sha256((recorded / name).read_bytes()).hexdigest() for name in ("prices_hourly.parquet", "fear_greed_daily.parquet")
    }
    assert alone.about["evidence"] == {} and alone.about["sha256"] == material.about["sha256"]
    same = [
        np.array_equal(material.study.rows.x[:, i], alone.study.rows.x[:, i], equal_nan=True)
        for i in range(len(material.study.rows.features))
    ]
    moved = {name for name, is_same in zip(material.study.rows.features, same, strict=True) if not is_same}
    assert moved == {
        "fear_greed", "fear_greed_change_7d", "token_price_change_24h_worst", "token_price_volatility_7d", "token_price_drawdown_7d_worst",
        "eth_return_24h", "eth_volatility_7d", "eth_drawdown_7d",
    }  # fmt: skip


def test_the_page_of_a_report_names_the_evidence(recorded: Path, tmp_path: Path) -> None:
    few = Setting(folds=1, test_days=8, validation_days=6, min_train_days=10, models=("persistence_24h",), event_floor=5)
    setting = replace(few, draws=20, pool_groups=0)
    for source, named in ((recorded, 2), (recorded / "pool_reserves_4h.parquet", 0)):
        done = backtest.backtest_pools(backtest.recorded_material(source, setting), setting, tmp_path)
        page = (tmp_path / "report.md").read_text()
        assert len(done.report["data"]["evidence"]) == named == page.count("_hourly.parquet `") + page.count("_daily.parquet `")
