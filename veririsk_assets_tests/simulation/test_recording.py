"""The recorded file of the simulated pairs has the columns and the habits of the real one."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from veririsk_assets.simulation.market import EPOCH, Market
from veririsk_assets.simulation.recording import recorded_file

COLUMNS = ["dex", "pool", "token0", "token1", "ts", "reserve0", "reserve1", "tvl_usd", "price0", "price1"]
COLUMNS += ["volume_usd_cum", "volume_usd", "tx_count_cum", "lp_supply"]


def test_a_recorded_file_says_what_the_market_was_at_the_last_full_hour(tmp_path: Path) -> None:
    market = Market(pools=40)
    start, end = EPOCH + timedelta(days=2), EPOCH + timedelta(days=9)
    file = recorded_file(market, start, end, tmp_path)
    frame = pd.read_parquet(file)
    assert file.name == "pool_reserves_4h.parquet" and list(frame.columns) == COLUMNS
    pairs = [pool for pool in market.pools if pool.onchain == "thegraph"]
    assert frame["pool"].nunique() == len(pairs) and (frame["pool"] == frame["token0"] + "&" + frame["token1"]).all()
    assert frame["ts"].min() == start.replace(tzinfo=None) and frame["ts"].max() < end.replace(tzinfo=None)
    one = frame[frame["pool"] == f"{pairs[0].tokens[0].symbol}&{pairs[0].tokens[1].symbol}".lower()]
    rows = ((one["ts"].dt.floor("h") - EPOCH.replace(tzinfo=None)) / pd.Timedelta(hours=1)).astype(int).to_numpy()
    tvl = market.observe(0, rows.max() + 1)["tvl_usd"][rows, pairs[0].index]
    np.testing.assert_allclose(one["tvl_usd"], tvl, rtol=1e-6)


def test_steps_are_uneven_to_the_hour_and_volume_starts_unknown(tmp_path: Path) -> None:
    frame = pd.read_parquet(recorded_file(Market(pools=16), EPOCH, EPOCH + timedelta(days=5), tmp_path / "some.parquet"))
    for _, rows in frame.groupby("pool"):
        steps = rows["ts"].diff().dropna() / pd.Timedelta(hours=1)
        assert steps.between(3.71, 3.73).all()
        assert np.isnan(rows["volume_usd"].iloc[0]) and (rows["volume_usd"].iloc[1:] > 0).all()
        np.testing.assert_allclose(rows["price0"] * rows["price1"], 1.0, rtol=1e-5)
