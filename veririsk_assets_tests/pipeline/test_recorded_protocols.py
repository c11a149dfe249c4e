"""One folder with recorded protocols, heard day by day as a live home hears its sources and read at once as a backtest does: the same rows."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from veririsk_assets.contracts import raw_protocols
from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.protocol_features import FEATURE_NAMES, INPUTS
from veririsk_assets.contracts.protocols import PROTOCOL_FEATURES, PROTOCOL_LABELS, PROTOCOL_SNAPSHOTS, PROTOCOLS
from veririsk_assets.contracts.raw import SOURCE_STATUS
from veririsk_assets.contracts.systems import PROTOCOLS as SYSTEM
from veririsk_assets.contracts.windows import HOUR, Window, naive, utc
from veririsk_assets.features.protocols import build_features
from veririsk_assets.labels.protocols import build_labels
from veririsk_assets.panels.retractions import BACK_WITHIN, without_spikes
from veririsk_assets.pipeline import replay
from veririsk_assets.pipeline.backtest_protocols import read_protocols
from veririsk_assets.pipeline.known.outside import outside
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets.sources.recorded_protocols import CHAINS, MARKET
from veririsk_assets_tests.sources import recordings

FIRST_DAY, END, COUNT = pd.Timestamp("2020-11-01"), utc("2021-05-05"), 12
DAYS = 3
# It ended before anybody asked: of such a one a live home hears nothing, which is why its base rate is too low.
DEAD = "p3"


def write(folder: Path) -> Path:
    """Twelve protocols until June: six by chains, nine by market data; gaps, a spike that is taken back, one that ends."""
    rng = np.random.default_rng(3)
    dates = pd.date_range(FIRST_DAY, "2021-06-01")
    tvl = np.exp(17 + np.cumsum(0.05 * rng.standard_normal((len(dates), COUNT)), axis=0))
    price = np.exp(np.cumsum(0.06 * rng.standard_normal((len(dates), COUNT)), axis=0))
    tvl[60, 2], tvl[90:, 3], tvl[40:44, 4] = 5 * tvl[59, 2], np.nan, np.nan
    recordings.write(recordings.market(hours=400), folder)
    chains = [
        pd.DataFrame({"protocol": f"p{i}", "chain": chain, "date": dates, "tvl_usd": share * tvl[:, i]})
        for i in range(6)
        for chain, share in (("ethereum", 0.7), ("polygon", 0.3))
    ]
    pd.concat(chains).dropna().to_parquet(folder / f"{CHAINS}.parquet")
    values = {"tvl_usd": tvl, "price_usd": price, "market_cap_usd": 1e7 * price, "volume_usd": 0.05 * tvl * np.exp(rng.random(tvl.shape))}
    market = [pd.DataFrame({"protocol": f"p{i}", "date": dates} | {n: v[:, i] for n, v in values.items()}) for i in range(3, COUNT)]
    pd.concat(market).to_parquet(folder / f"{MARKET}.parquet")
    return folder


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = write(tmp_path_factory.mktemp("recording"))
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, source="recorded", recorded_dir=folder, max_protocols=300, min_tvl_usd=1.0)
    opened = House.open(settings, lambda: utc("2026-01-01"), run_id="test")
    replay.load(opened, outside(opened), Window(END - DAYS * 24 * HOUR - HOUR, END))
    replay.label_until(opened, SYSTEM, END)
    yield opened
    opened.close()


def alive(house: House) -> tuple[Panel, list[str]]:
    """As the backtest reads the folder, up to the last day that the home has heard of, of those that it could hear of."""
    assert house.settings.recorded_dir is not None
    recorded = read_protocols(house.settings.recorded_dir)
    days = round((END - recorded.panel.window.start) / (24 * HOUR))
    keep = [i for i, name in enumerate(recorded.names) if name != DEAD]
    values = {name: column[:days, keep] for name, column in recorded.panel.values.items()}
    return Panel(Window(recorded.panel.window.start, END, 24), np.arange(len(keep)), values), [recorded.names[i] for i in keep]


def seen_at_once(house: House) -> pd.DataFrame:
    panel, names = alive(house)
    is_known = np.isfinite(panel["tvl_usd"])
    frame = build_features(panel, panel, panel.window.steps).frame("column", is_known)
    told = {name: panel[name][is_known] for name in INPUTS[:4]}
    return frame.assign(name=np.array(names)[frame["column"]], **told)


def heard(house: House, table: str) -> pd.DataFrame:
    known = house.lake.read(PROTOCOLS).set_index("protocol_key")["protocol_id"]
    tables = {one.sql_name: one for one in (PROTOCOL_SNAPSHOTS, PROTOCOL_FEATURES, PROTOCOL_LABELS)}
    rows = house.lake.read(tables[table])
    return rows.assign(name=known.loc[rows["protocol_key"]].to_numpy())


def test_snapshots_are_those_of_the_backtest(house: House) -> None:
    once = seen_at_once(house)
    rows = heard(house, "snapshots.daily_protocols")
    both = once.merge(rows[rows["tvl_usd"].notna()], on=["as_of", "name"], how="outer", suffixes=("_once", ""), indicator=True)
    assert (both["_merge"] == "both").all()
    assert len(both) > 1_800
    np.testing.assert_allclose(both["tvl_usd"], both["tvl_usd_once"], rtol=1e-6)
    # Price, market capitalisation and volume begin with the pasts; what is told live is the same.
    for name in ("price_usd", "market_cap_usd", "volume_usd"):
        np.testing.assert_allclose(both[name], both[f"{name}_once"], rtol=1e-6, equal_nan=True)


def test_features_are_those_of_the_backtest(house: House) -> None:
    once = seen_at_once(house)
    both = once.merge(heard(house, "features.daily_protocols"), on=["as_of", "name"], suffixes=("_once", ""))
    assert len(both) == len(once)
    for name in FEATURE_NAMES:
        if name != "input_age_hours":  # told live at 00:27, told later of 00:00
            np.testing.assert_allclose(both[name], both[f"{name}_once"], rtol=2e-4, atol=1e-6, equal_nan=True, err_msg=name)
    assert both["tvl_vol_30"].notna().mean() > 0.5


def test_labels_are_those_of_the_backtest_three_days_later(house: House) -> None:
    panel, names = alive(house)
    settled = Panel(panel.window, panel.keys, {"tvl_usd": without_spikes(panel["tvl_usd"])})
    truth = build_labels(settled, 7, panel.window.steps - 7 - BACK_WITHIN)
    frame = truth.frame("column", np.isfinite(truth["crash"]))
    frame["name"] = np.array(names)[frame["column"]]
    rows = heard(house, "labels.daily_protocols")
    both = frame.merge(rows[rows["horizon_hours"] == 168], on=["as_of", "name"], how="outer", suffixes=("_once", ""), indicator=True)
    assert (both["_merge"] == "both").all()
    assert both["crash"].sum() > 30
    np.testing.assert_array_equal(both["crash"], both["crash_once"])


def test_who_ended_before_anybody_asked_is_not_heard_of(house: House) -> None:
    assert set(house.lake.read(PROTOCOLS)["protocol_id"]) == {f"p{i}" for i in range(COUNT)} - {DEAD}


def test_nothing_of_a_day_to_come_was_told(house: House) -> None:
    for table in raw_protocols.PROTOCOL_PULLS:
        rows = house.lake.read(table)
        known = rows["observed_at"].dropna()
        assert (known <= naive(END + HOUR)).all()
    said = house.lake.read(SOURCE_STATUS, where="endpoint = 'defillama_tvl_days'")
    assert set(said["outcome"]) == {"pulled", "not_due"}


def test_a_folder_without_protocols_says_so_and_has_none(tmp_path: Path) -> None:
    folder = recordings.write(recordings.market(hours=100), tmp_path / "recording")
    settings = Settings(home=tmp_path / "home", source="recorded", recorded_dir=folder, max_protocols=300)
    house = House.open(settings, lambda: utc("2026-01-01"), run_id="test")
    replay.load(house, outside(house), Window(utc("2021-05-02"), utc("2021-05-02T06:00")))
    assert house.lake.read(PROTOCOL_SNAPSHOTS).empty
    said = house.lake.read(SOURCE_STATUS).groupby("endpoint")["outcome"].agg(set)
    assert said["defillama_protocols"] == {"not_recorded"}
    assert said["defillama_tvl_days"] == {"not_due"}
    house.close()
