"""One folder with a recording, heard hour by hour as a live home hears its sources and read at once as a backtest does: the same rows."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from veririsk_assets.contracts import pools
from veririsk_assets.contracts.pool_features import FEATURE_NAMES, INPUTS, SURROUNDING_INPUTS
from veririsk_assets.contracts.surroundings import SURROUNDINGS
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.vocabulary import entity_key
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.features.pools import build_features
from veririsk_assets.labels.pools import BEYOND_HOURS, build_labels
from veririsk_assets.pipeline.backtest_recorded import Recorded, read_recorded
from veririsk_assets.pipeline.known.features import store_features
from veririsk_assets.pipeline.known.outside import outside
from veririsk_assets.pipeline.known.pulls import pull_all
from veririsk_assets.pipeline.known.snapshots import store_snapshots
from veririsk_assets.pipeline.learning.labels import store_labels
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets.simulation.market import EPOCH, Market
from veririsk_assets.simulation.recording import recorded_file
from veririsk_assets.sources.recorded_evidence import FILES
from veririsk_assets_tests.pipeline.test_backtest_evidence import COINS, RESERVES, write

START, DAYS, HORIZON = EPOCH + timedelta(days=1), 6, 24
SILENT_FROM, GONE_FROM, JUMPS_AT = (START + timedelta(days=day) for day in (1, 2, 4))


def recording(folder: Path) -> tuple[Path, dict[str, str]]:
    """Six days of simulated pairs: one silent for a day, one that ends, one whose TVL doubles for a row alone; and evidence beside them."""
    file = recorded_file(Market(seed=3, pools=30), START, START + timedelta(days=DAYS), folder)
    rows = pd.read_parquet(file).sort_values(["pool", "ts"], ignore_index=True)
    names = sorted(rows["pool"].unique())
    odd = {"silent": names[0], "gone": names[1], "jumps": names[2]}
    is_silent = (rows["pool"] == odd["silent"]) & rows["ts"].between(naive(SILENT_FROM), naive(SILENT_FROM + timedelta(days=1)))
    is_gone = (rows["pool"] == odd["gone"]) & (rows["ts"] > naive(GONE_FROM))
    jump = rows.index[(rows["pool"] == odd["jumps"]) & (rows["ts"] > naive(JUMPS_AT))][0]
    rows.loc[jump, "tvl_usd"] *= 2.0
    rows[~(is_silent | is_gone)].to_parquet(file, index=False)
    hours = pd.date_range(naive(START), periods=DAYS * 24, freq="h", name="ts")
    days = pd.date_range(naive(START - timedelta(days=2)), periods=DAYS + 2, name="date")
    wave = 1.0 + 0.1 * np.sin(np.arange(len(hours)))
    aave = [
        pd.DataFrame({"ts": hours, "asset": one, "supplied_usd": 90 * wave, "borrowed_usd": 40.0, "liquidations_usd": wave})
        for one in RESERVES
    ]
    perps = [pd.DataFrame({"ts": hours, "symbol": one, "funding_rate": 1e-5 * wave, "premium": 1e-4 * wave}) for one in COINS]
    supply = [pd.DataFrame({"date": days, "symbol": one, "supply": np.linspace(5e9, 6e9, len(days))}) for one in ("USDT", "USDC", "DAI")]
    bars = [
        pd.DataFrame({"ts": hours[12:], "symbol": "ETH", "venue": "binance_perp", "close": 2_000 * wave[12:]}),
        pd.DataFrame({"ts": hours[40:], "symbol": "BTC", "venue": "binance_spot_a", "close": 40_000 * wave[40:]}),
    ]
    evidence = {
        "hyperliquid_funding_hourly": pd.concat(perps),
        "aave_reserves_hourly": pd.concat(aave),
        "terra_stablecoins_daily": pd.concat(supply),
        "eth_gas_price_daily": pd.DataFrame({"date": days, "gas_wei": np.linspace(3e10, 6e10, len(days))}),
        "fear_greed_daily": pd.DataFrame({"date": days, "value": np.arange(len(days)) + 20}),
        "prices_hourly": pd.concat(bars),
    }
    assert evidence.keys() == FILES.keys()
    return write(folder, **evidence), odd


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, Recorded, dict[str, str]]:
    folder, odd = recording(tmp_path_factory.mktemp("recorded"))
    seen = read_recorded(folder)
    window = seen.pools.window
    house = House.open(
        Settings(home=tmp_path_factory.mktemp("home"), source="recorded", recorded_dir=folder), lambda: window.cutoff, run_id="t"
    )
    for first in range(0, window.hours, 50):
        some = Window(window.start + first * HOUR, min(window.start + (first + 50) * HOUR, window.end))
        pull_all(house, some, outside(house, some.end))
        store_snapshots(house, POOLS, some)
    store_features(house, POOLS, window)
    store_labels(house, POOLS, window)
    return house, seen, odd


def live(both: tuple[House, Recorded, dict[str, str]], table: object, columns: tuple[str, ...], where: str = "") -> np.ndarray:
    """Hours × pools × columns of the home's table, in the order of the recording's names."""
    house, seen, _ = both
    keys = np.array([entity_key(pools.PAIR_PREFIX + name.partition(":")[2]) for name in seen.names])
    order = np.argsort(keys)
    panel = house.lake.panel(table, columns, seen.pools.window, keys[order], where)  # type: ignore[arg-type]
    return np.dstack([panel[name][:, np.argsort(order)] for name in columns])


def test_snapshots_are_the_same(both: tuple[House, Recorded, dict[str, str]]) -> None:
    _, seen, odd = both
    columns = (*INPUTS, "is_tombstone")
    for name, found in zip(columns, np.moveaxis(live(both, pools.POOL_SNAPSHOTS, columns), 2, 0), strict=True):
        np.testing.assert_array_equal(found, seen.pools[name], err_msg=name)
    # What is odd in the recording is there: nothing is the same for being empty.
    place = {name: seen.names.index(f"uniswapv2:{pool}") for name, pool in odd.items()}
    gone, tvl = seen.pools["is_tombstone"], seen.pools["tvl_usd"]
    assert np.nansum(gone[:, place["gone"]]) == np.nansum(gone) > 0
    assert np.isnan(tvl[:, place["silent"]]).sum() in range(15, 27) and np.isfinite(tvl[-1, place["silent"]])
    assert np.nanmax(seen.pools["taken_back_hours"][:, place["jumps"]]) > 0
    assert np.isfinite(seen.pools["price0_usd"]).any() or np.isfinite(seen.pools["price1_usd"]).any()


def test_surroundings_are_the_same(both: tuple[House, Recorded, dict[str, str]]) -> None:
    house, seen, _ = both
    rows = house.lake.read(SURROUNDINGS, seen.pools.window).sort_values("as_of")
    for name in SURROUNDING_INPUTS:
        np.testing.assert_array_equal(rows[name].to_numpy(seen.market[name].dtype), seen.market[name][:, 0], err_msg=name)
        assert name == "open_interest_usd" or np.isfinite(seen.market[name]).mean() > 0.5, name


def test_features_and_labels_are_the_same(both: tuple[House, Recorded, dict[str, str]]) -> None:
    _, seen, odd = both
    hours = seen.pools.window.hours
    features = build_features(seen.pools, seen.market, hours)
    for name, found in zip(FEATURE_NAMES, np.moveaxis(live(both, pools.POOL_FEATURES, FEATURE_NAMES), 2, 0), strict=True):
        known = np.isfinite(found) | np.isfinite(seen.pools["tvl_usd"])
        np.testing.assert_allclose(found[known], features[name][known], rtol=1e-6, atol=1e-9, err_msg=name)
    labels = build_labels(seen.pools, HORIZON, hours - HORIZON)
    # Of the last hours a label may still wait for what is suspect to be taken back.
    judged = slice(0, hours - HORIZON - BEYOND_HOURS)
    names = ("crash", "outflow", "price_fall", "min_change_ratio", "is_at_risk")
    stored = np.moveaxis(live(both, pools.POOL_LABELS, names, f"horizon_hours = {HORIZON}"), 2, 0)
    for name, found in zip(names, stored, strict=True):
        told = np.isfinite(labels["crash"][judged])
        np.testing.assert_array_equal(found[judged], np.where(told, labels[name][judged], np.nan), err_msg=name)
    assert np.nansum(labels["crash"]) > 0 and np.isnan(labels["crash"][:, seen.names.index(f"uniswapv2:{odd['silent']}")]).any()
