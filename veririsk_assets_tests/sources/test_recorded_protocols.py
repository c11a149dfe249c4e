"""What the two files of recorded protocols say, day by day, and nothing before it could be known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from veririsk_assets.sources.recorded_protocols import CHAINS, MARKET, recorded_protocols


def write(folder: Path, chains: list[tuple[str, str, str, float]] = (), market: list[tuple[str, str, float | None, float]] = ()) -> Path:  # type: ignore[assignment]
    if chains:
        pd.DataFrame(chains, columns=["protocol", "chain", "date", "tvl_usd"]).to_parquet(folder / f"{CHAINS}.parquet")
    if market:
        frame = pd.DataFrame(market, columns=["protocol", "date", "tvl_usd", "price_usd"])
        frame.assign(market_cap_usd=frame["price_usd"] * 10, volume_usd=1.0).to_parquet(folder / f"{MARKET}.parquet")
    return folder


def column(folder: Path, name: str, protocol: str) -> dict[str, float]:
    frame = recorded_protocols(folder).frame
    own = frame[frame["protocol"] == protocol]
    return {f"{at:%m-%d}": value for at, value in zip(own["at"], own[name], strict=True) if value == value}


def test_chains_add_up_and_a_day_on_which_one_is_silent_is_not_known(tmp_path: Path) -> None:
    days = ["2021-03-01", "2021-03-02", "2021-03-03", "2021-03-04"]
    rows = [("a", "ethereum", day, 10.0) for day in days] + [("a", "bsc", day, 5.0) for day in (days[0], days[2])]
    assert column(write(tmp_path, rows), "tvl_usd", "a") == {"03-01": 15.0, "03-03": 15.0, "03-04": 10.0}


def test_price_and_volume_of_a_day_are_known_with_the_next_and_tvl_at_its_start(tmp_path: Path) -> None:
    folder = write(tmp_path, market=[("b", "2021-03-01", 7.0, 2.0), ("b", "2021-03-02", 8.0, 3.0)])
    assert column(folder, "tvl_usd", "b") == {"03-01": 7.0, "03-02": 8.0}
    assert column(folder, "price_usd", "b") == {"03-02": 2.0, "03-03": 3.0}
    assert column(folder, "market_cap_usd", "b") == {"03-02": 20.0, "03-03": 30.0}


def test_of_two_files_the_chains_own_tvl_counts_and_the_price_is_the_markets(tmp_path: Path) -> None:
    folder = write(tmp_path, [("a", "ethereum", "2021-03-02", 10.0)], [("a", "2021-03-01", 99.0, 2.0), ("b", "2021-03-02", 7.0, 1.0)])
    assert column(folder, "tvl_usd", "a") == {"03-02": 10.0}
    assert column(folder, "price_usd", "a") == {"03-02": 2.0}
    assert column(folder, "tvl_usd", "b") == {"03-02": 7.0}


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"neither protocol_chain_tvl_daily\.parquet nor"):
        recorded_protocols(tmp_path)
    write(tmp_path, [("a", "ethereum", "2021-03-02", 10.0), ("a", "ethereum", "2021-03-03", -1.0), ("a", "ethereum", "2021-03-04", 2.0)])
    found = recorded_protocols(tmp_path)
    assert found.left_out == ("protocol_chain_tvl_daily.parquet: values taken as unknown: 1 tvl_usd below 0",)
    assert np.isnan(found.frame["tvl_usd"].to_numpy()).tolist() == [False, True, False]
