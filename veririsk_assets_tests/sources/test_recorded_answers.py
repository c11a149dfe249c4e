"""The evidence of a recorded folder, told by the hosts that would have told it, and nothing before it was known."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from requests import Request, Session

from veririsk_assets.contracts.windows import HOUR
from veririsk_assets.sources.recorded import RecordedMarket
from veririsk_assets.wire.responses import RECORDED_HEADER
from veririsk_assets_tests.sources.test_recorded import STEP, T0, row, write

PERPS, AAVE = "https://api.hyperliquid.xyz/info", "https://aave.replayed.invalid/subgraph"
STABLECOINS, MOOD = "https://stablecoins.llama.fi/stablecoins", "https://api.alternative.me/fng/"
HOURS = pd.date_range("2021-05-01", "2021-05-03T23:00", freq="h", name="ts")
NOON = datetime(2021, 5, 2, 12, tzinfo=UTC)


def each(names: tuple[str, ...], key: str, stamps: pd.DatetimeIndex, **columns: Any) -> pd.DataFrame:
    rows = [pd.DataFrame({stamps.name: stamps, key: name} | columns) for name in names]
    return pd.concat(rows, ignore_index=True)


@pytest.fixture
def market(tmp_path: Path) -> RecordedMarket:
    """Three days in which every hourly value is the number of its hour, and every daily one of its day."""
    write(tmp_path, [row("aave&weth", T0 + i * STEP) for i in range(20)])
    number, days = np.arange(72.0), pd.date_range("2021-05-01", periods=3, name="date")
    frames = {
        "hyperliquid_funding_hourly": each(("BTC", "ETH"), "symbol", HOURS, funding_rate=number / 1e6, premium=-number / 1e4),
        "aave_reserves_hourly": each(
            ("DAI", "USDC", "USDT", "WETH"), "asset", HOURS, supplied_usd=100 + number, borrowed_usd=number, liquidations_usd=1.0
        ),
        "terra_stablecoins_daily": each(("USDT", "USDC", "DAI", "UST"), "symbol", days, supply=[1e9, 2e9, 3e9]),
        "fear_greed_daily": pd.DataFrame({"date": days.date, "value": [11, 22, 33]}),
        "eth_gas_price_daily": pd.DataFrame({"date": days.date, "gas_wei": 30e9}),
    }
    for name, rows in frames.items():
        rows.to_parquet(tmp_path / f"{name}.parquet", index=False)
    return RecordedMarket(tmp_path)


def asked(market: RecordedMarket, url: str, as_of: datetime = NOON) -> Any:
    """The reply's body; None where it says that nothing is recorded."""
    with Session() as session:
        session.mount("https://", market.transport(as_of))
        reply = session.send(session.prepare_request(Request("POST", url, json={})))
    assert (reply.status_code == 404) == (reply.headers.get(RECORDED_HEADER) == "none")
    return json.loads(reply.content) if reply.ok else None


def test_each_host_says_what_was_known_at_the_time_of_the_pull(market: RecordedMarket) -> None:
    # Pulled at 12:27: the hour that began at 11:00, the 36th, is the last one known; 1 May is the last whole day.
    names, contexts = asked(market, PERPS)
    assert [one["name"] for one in names["universe"]] == ["BTC", "ETH"]
    assert [(one["funding"], one["premium"], one["openInterest"]) for one in contexts] == [("3.5e-05", "-0.0035", None)] * 2
    reserves = asked(market, AAVE)["data"]
    assert reserves["_meta"]["block"]["timestamp"] == int(NOON.timestamp())
    said = [
        [one[name] for name in ("totalDepositBalanceUSD", "totalBorrowBalanceUSD", "cumulativeLiquidateUSD")] for one in reserves["markets"]
    ]
    assert said == [["135.0", "35.0", "36.0"]] * 4
    assert len({one["inputToken"]["id"] for one in reserves["markets"]}) == 4
    coins = asked(market, STABLECOINS)["peggedAssets"]
    assert {one["gecko_id"]: one["circulating"] for one in coins} == {name: {"peggedUSD": 1e9} for name in ("tether", "usd-coin", "dai")}
    assert [one["value"] for one in asked(market, MOOD)["data"]] == ["22"]


def test_no_hour_hears_of_its_future_or_of_what_is_too_old(market: RecordedMarket) -> None:
    for hours in range(-3, 5 * 24):
        as_of = datetime(2021, 5, 1, tzinfo=UTC) + hours * HOUR
        perps, index = asked(market, PERPS, as_of), asked(market, MOOD, as_of)
        # The first row cannot say that its rate is of one hour; the last one is of hour 71.
        assert (perps is not None) == (2 <= hours <= 72)
        if perps:
            assert float(perps[1][0]["funding"]) == pytest.approx(min(hours - 1, 71) / 1e6)
        assert (index is not None) == (0 <= hours < 96)
        if index:
            assert index["data"][0]["value"] == str(11 * min(hours // 24 + 1, 3))
        coins = asked(market, STABLECOINS, as_of)
        assert (coins is not None) == (25 <= hours <= 96)


def test_what_is_not_recorded_says_so(market: RecordedMarket, tmp_path: Path) -> None:
    for url in ("https://ethereum.replayed.invalid/rpc", "https://api.coingecko.com/api/v3/coins/markets"):
        assert asked(market, url) is None
    alone = RecordedMarket(tmp_path / "pool_reserves_4h.parquet")
    assert [asked(alone, url) for url in (PERPS, AAVE, STABLECOINS, MOOD)] == [None] * 4


def test_an_unusable_file_is_an_error_at_the_start(market: RecordedMarket, tmp_path: Path) -> None:
    pd.DataFrame({"date": ["2021-05-01"]}).to_parquet(tmp_path / "fear_greed_daily.parquet")
    with pytest.raises(ValueError, match=r"fear_greed_daily.parquet lacks the columns value"):
        RecordedMarket(tmp_path)
