"""Outside prices: whose they are, and whether they are believed."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from veririsk_assets.contracts.windows import Window
from veririsk_assets.snapshots.prices import OutsidePrices, believed
from veririsk_assets_tests.snapshots.test_surroundings import said

END = "2025-03-10"
GRID = Window.ending(END, 12)
NAN = np.nan
SPOOF, WBTC = "0xbad", "0x2260"


def coin(coin_id: str, symbol: str, price: float, cap: float | None, hours_before: float = 0.0, **more: Any) -> dict[str, Any]:
    return said(hours_before, coin_id=coin_id, symbol=symbol, price_usd=price, market_cap_usd=cap, **more)


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(rows).assign(observed_at=lambda f: pd.to_datetime(f["observed_at"]).astype("datetime64[us]"))


def hourly(*rows: tuple[str, str, float, float | None]) -> pd.DataFrame:
    """The same coins in every hour of the grid."""
    return frame(*(coin(*row, hours_before=hour) for hour in range(12) for row in rows))


def outside(markets: pd.DataFrame, **raw: pd.DataFrame) -> OutsidePrices:
    return OutsidePrices.of({"coingecko_markets": markets, **raw}, GRID)


def sides(
    prices: OutsidePrices, token: str, address: str | None = None, tvl: float = 4e6, reserves: tuple[float, float] = (20.0, 2e6)
) -> dict[str, Any]:
    """A pool of `token` and usdc: the price of its first token and what is said of it, in the last hour."""
    rows = pd.DataFrame(
        {"token0": [token], "token1": ["usdc"], "token0_address": [address], "token1_address": [None], "platform": ["ethereum"]}
    )
    shape = (GRID.hours, 1)
    values = {"reserve0": np.full(shape, reserves[0]), "reserve1": np.full(shape, reserves[1]), "tvl_usd": np.full(shape, tvl)}
    found, doubt = prices.of_sides(rows, np.zeros(shape, dtype=np.int64), values)
    return {"price": found["price0_usd"][-1, 0], "worth": found["reserve0_usd"][-1, 0], "doubt": doubt[-1, 0]}


USDC, BTC = ("usd-coin", "usdc", 1.0, 3e10), ("bitcoin", "btc", 1e5, 1e12)


def test_the_larger_coin_has_the_ticker_on_whatever_page_it_came() -> None:
    later = {
        "observed_at": pd.Timestamp("2025-03-10T00:28"),
        "pulled_at": pd.Timestamp("2025-03-10T00:28"),
        "available_at": pd.Timestamp("2025-03-10T00:28"),
    }
    markets = pd.concat([hourly(USDC, BTC), frame(coin("bitcoin-fake", "btc", 7.0, None) | later, coin("batcat", "btc", 9.0, 1e6) | later)])
    assert sides(outside(markets), "btc")["price"] == 1e5


def test_a_large_coin_without_a_price_does_not_hand_its_ticker_on() -> None:
    markets = pd.concat(
        [
            hourly(USDC, BTC, ("batcat", "btc", 9.0, 1e6)).query("not (coin_id == 'bitcoin' and pulled_at > '2025-03-10')"),
            frame(coin("bitcoin", "btc", NAN, 1e12)),
        ]
    )
    found = sides(outside(markets), "btc")
    assert np.isnan(found["price"]) and found["doubt"] == "the outside price of a token is not known"


def test_a_wrapped_coin_is_worth_the_coin_and_never_replaces_it() -> None:
    ether, wrapped = ("ethereum", "eth", 3000.0, 4e11), ("weth", "weth", 2500.0, 9e9)
    prices = outside(hourly(USDC, ether, wrapped))
    assert prices.of_ticker("eth", prices.believed)[-1] == 3000.0
    assert sides(prices, "weth", reserves=(600.0, 2e6))["price"] == 3000.0
    alone = outside(hourly(USDC, wrapped))
    assert sides(alone, "weth", reserves=(800.0, 2e6))["price"] == 2500.0
    assert np.isnan(alone.of_ticker("eth", alone.believed)[-1]) or alone.of_ticker("eth", alone.believed)[-1] == 0


def listed(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame([said(1.0, coin_id=coin_id, platform="ethereum", address=address) for coin_id, address in rows])


def test_a_token_is_its_address_and_not_its_ticker() -> None:
    prices = outside(hourly(USDC, ("wrapped-bitcoin", "wbtc", 1e5, 1e10)), coingecko_coins=listed(("wrapped-bitcoin", WBTC)))
    assert sides(prices, "wbtc", WBTC)["price"] == 1e5
    assert sides(prices, "something else", WBTC)["price"] == 1e5
    assert np.isnan(sides(prices, "wbtc", SPOOF)["price"])
    assert sides(prices, "wbtc", None)["price"] == 1e5


def test_where_nobody_knows_the_coin_s_address_the_ticker_counts() -> None:
    assert sides(outside(hourly(USDC, BTC), coingecko_coins=listed(("usd-coin", "0xa0b8"))), "btc", SPOOF)["price"] == 1e5


@pytest.mark.parametrize("reserve", [1e9, 1000.0])
def test_a_side_that_would_be_worth_more_than_the_pool_is_unknown(reserve: float) -> None:
    found = sides(outside(hourly(USDC, BTC)), "btc", reserves=(reserve, 2e6))
    assert np.isnan(found["price"]) and np.isnan(found["worth"])
    assert found["doubt"] == "the outside price of btc does not fit the pool"


def test_a_token_that_never_had_a_price_is_no_doubt() -> None:
    assert sides(outside(hourly(USDC, BTC)), "moon")["doubt"] == ""


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def test_a_price_that_jumps_is_unknown_until_it_has_stayed_for_six_hours() -> None:
    found = believed(column(1.0, 1.0, 30.0, 31.0, 30.0, 30.0, 30.0, 30.0, 30.0), column(*[NAN] * 9))
    assert np.isnan(found[:, 0]).tolist() == [False, False, *[True] * 5, False, False]


def test_a_price_that_comes_back_and_a_slide_of_small_steps_are_believed() -> None:
    assert np.isnan(believed(column(1.0, 9.0, 1.0, 1.1), column(*[NAN] * 4))[:, 0]).tolist() == [False, True, False, False]
    assert not np.isnan(believed(column(*(0.82**i for i in range(9))), column(*[NAN] * 9))).any()


def test_a_jump_that_a_second_source_says_too_is_believed() -> None:
    assert believed(column(1.0, 0.6), column(NAN, 0.58))[1, 0] == 0.6
    assert np.isnan(believed(column(1.0, 0.6), column(NAN, 1.0))[1, 0])
    peg = frame(*(said(hour, gecko_id="usd-coin", price_usd=0.6 if hour == 0 else 1.0) for hour in range(12)))
    markets = hourly(USDC).assign(price_usd=lambda f: np.where(f["pulled_at"] > "2025-03-10", 0.6, 1.0))
    assert outside(markets, stablecoins=peg).believed[-1, 0] == 0.6
    assert np.isnan(outside(markets).believed[-1, 0])


def test_what_the_pool_itself_pays_is_a_second_source() -> None:
    markets = pd.concat([hourly(USDC), frame(*(coin("moon", "moon", 1e5 if hour else 4e4, 1e6, hour) for hour in range(12)))])
    assert sides(outside(markets), "moon", tvl=1.6e6, reserves=(20.0, 8e5))["price"] == 4e4
    assert np.isnan(sides(outside(markets), "moon", tvl=4e6, reserves=(20.0, 2e6))["price"])


def test_the_market_is_the_whole_of_its_coins_or_unknown() -> None:
    assert outside(hourly(USDC, BTC)).market_cap()[-1] == 1.03e12
    gone = hourly(USDC, BTC).query("not (coin_id == 'usd-coin' and pulled_at > '2025-03-09T17:00')")
    assert np.isnan(outside(gone).market_cap()[-1])


def test_hour_by_hour_equals_at_once() -> None:
    rng = np.random.default_rng(4)
    said_prices = np.where(rng.random((150, 6)) < 0.1, NAN, np.exp(rng.choice([0.0, 0.5, 2.0], (150, 6), p=[0.9, 0.05, 0.05])))
    second = np.where(rng.random((150, 6)) < 0.5, NAN, said_prices)
    whole = believed(said_prices, second)
    for hour in range(100, 150):
        part = slice(hour - 48, hour + 1)
        np.testing.assert_array_equal(believed(said_prices[part], second[part])[-1], whole[hour])
