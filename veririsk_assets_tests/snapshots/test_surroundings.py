"""Market evidence and LP holders on the grid: as of the cut-off, no older than allowed, whole or null."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from veririsk_assets.contracts.surroundings import SURROUNDINGS
from veririsk_assets.contracts.vocabulary import AAVE_ASSETS, entity_key
from veririsk_assets.contracts.windows import Window, naive, utc
from veririsk_assets.lake.quality import check
from veririsk_assets.snapshots.holders import lp_shares
from veririsk_assets.snapshots.surroundings import surrounding_rows

END = utc("2025-03-10")
DAYS = Window.ending(END, 72)


def said(hours_before: float, observed: Any = None, late_hours: float = 0.0, **values: Any) -> dict[str, Any]:
    """A raw row pulled 27 minutes after the hour that lies `hours_before` the end."""
    pulled = pd.Timestamp(naive(END)) - pd.Timedelta(hours=hours_before) + pd.Timedelta(minutes=27)
    return {"pulled_at": pulled, "available_at": pulled + pd.Timedelta(hours=late_hours), "observed_at": observed} | values


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    return frame.assign(observed_at=pd.to_datetime(frame["observed_at"]).astype("datetime64[us]"))


def built(window: Window = DAYS, **raw: pd.DataFrame) -> pd.DataFrame:
    rows = surrounding_rows(raw, None, window)
    assert len(check(SURROUNDINGS, rows).rows) == window.hours
    return rows.set_index("as_of")


def perp(coin: str, hours_before: float, **values: Any) -> dict[str, Any]:
    known = {"funding_rate": 2e-5, "premium": -1e-4, "open_interest_coins": 10.0, "mark_price_usd": 3000.0}
    return said(hours_before, coin=coin, **(known | values))


def test_perpetuals_are_joined_only_where_both_are_known_and_for_six_hours() -> None:
    rows = [perp("BTC", 10), perp("ETH", 10, funding_rate=-4e-5, mark_price_usd=100.0), perp("DOGE", 1), perp("BTC", 1, funding_rate=None)]
    found = built(hyperliquid_markets=table(*rows))
    assert found["funding_rate"].iloc[-11] == pytest.approx(-1e-5) and found["open_interest_usd"].iloc[-11] == 31_000
    assert found["funding_rate"].notna().sum() == 6 and found["perp_premium"].notna().sum() == 6
    assert found["funding_rate"].iloc[-2:].isna().all()


def test_a_row_counts_from_when_it_could_be_known_and_ages_from_when_it_was_true() -> None:
    found = built(eth_gas=table(said(10, gas_price_gwei=5.0, late_hours=2)))["gas_gwei"].dropna()
    assert [(naive(END) - hour) / pd.Timedelta(hours=1) for hour in found.index] == [8, 7, 6, 5]


def test_the_index_serves_48_hours_from_the_start_of_its_day() -> None:
    day = pd.Timestamp(naive(END)) - pd.Timedelta(hours=60)
    found = built(fear_greed=table(said(60, observed=day, value=25.0)))["fear_greed"].dropna()
    assert (found.index.min(), found.index.max()) == (day, day + pd.Timedelta(hours=47))


def test_an_index_from_the_future_is_from_its_pull() -> None:
    rows = table(said(60, observed=pd.Timestamp("2199-01-01"), value=25.0), said(50, observed=None, value=60.0))
    assert built(fear_greed=rows)["fear_greed"].dropna().tolist() == [25.0] * 10 + [60.0] * 48


def test_stablecoins_are_summed_only_when_all_three_are_known() -> None:
    coins = [said(30, gecko_id=name, circulating=amount) for name, amount in (("tether", 5.0), ("usd-coin", 3.0), ("dai", 1.0))]
    impostor = said(30, gecko_id="bridged-tether", circulating=100.0)
    found = built(stablecoins=table(*coins, impostor, said(20, gecko_id="dai", circulating=2.0)))
    assert found["stablecoin_supply_usd"].dropna().unique().tolist() == [9.0, 10.0]
    assert built(stablecoins=table(*coins[:2]))["stablecoin_supply_usd"].isna().all()


def reserve(asset: str, hours_before: float, total: float, borrowed: float = 50.0) -> dict[str, Any]:
    return said(hours_before, asset=asset, supplied_usd=100.0, borrowed_usd=borrowed, liquidated_usd_cum=total)


def test_aave_is_the_whole_of_its_reserves_and_a_day_of_their_liquidations() -> None:
    rows = [
        reserve(asset, hour, total=10.0 * (40 - hour), borrowed=60 if asset == AAVE_ASSETS[3] else 40)
        for asset in AAVE_ASSETS
        for hour in range(40)
    ]
    found = built(aave_reserves=table(*rows))
    assert found["aave_utilisation"].dropna().round(6).unique().tolist() == [0.45]
    assert found["aave_liquidations_usd"].dropna().round(6).unique().tolist() == [4 * 240.0]
    assert found["aave_liquidations_usd"].notna().sum() == 40 - 24
    reset = [reserve(asset, 0, total=0.0) for asset in AAVE_ASSETS]
    assert (
        built(aave_reserves=table(*[row for row in rows if row["pulled_at"] < rows[0]["pulled_at"]], *reset))["aave_liquidations_usd"].iloc[
            -1
        ]
        == 0
    )
    assert built(aave_reserves=table(*[row for row in rows if row["asset"] != AAVE_ASSETS[1]]))["aave_utilisation"].isna().all()


def test_hour_by_hour_equals_at_once() -> None:
    rng = np.random.default_rng(2)
    rows = [
        reserve(asset, hour, total=float(100 - hour), borrowed=rng.random())
        for asset in AAVE_ASSETS
        for hour in range(100)
        if rng.random() > 0.3
    ]
    whole = built(aave_reserves=table(*rows))
    singly = pd.concat([built(hour, aave_reserves=table(*rows)) for hour in DAYS.each()])
    pd.testing.assert_frame_equal(whole, singly)


def test_one_source_s_nonsense_costs_its_column_and_not_the_hour() -> None:
    huge = table(perp("BTC", 1, open_interest_coins=1e13), perp("ETH", 1))
    found = built(hyperliquid_markets=huge, eth_gas=table(said(1, gas_price_gwei=9.0)))
    assert found["open_interest_usd"].isna().all() and found["gas_gwei"].iloc[-1] == 9.0 and found["funding_rate"].iloc[-1] == 2e-5


def test_without_evidence_every_column_is_null() -> None:
    assert built().isna().all(axis=None)


def position(pair: str, hours_before: float, balance: float, supply: float | None = 100.0) -> dict[str, Any]:
    return said(hours_before, pair=pair, holder=f"0x{balance}", balance=balance, lp_supply=supply)


def test_shares_are_of_the_supply_and_serve_seven_days() -> None:
    window = Window.ending(END, 200)
    rows = table(*[position("0xa", 190, balance) for balance in (5, 30, 10, 8, 2, 7)], position("0xa", 5, 50.0))
    linked = {"univ2:0xa": "defillama:x"}
    keys = np.array([entity_key("defillama:x")])
    found = {name: values[:, 0] for name, values in lp_shares(rows, linked, window, keys).items()}
    assert np.nanmax(found["lp_top1_share"][:100]) == 0.3 and np.nanmax(found["lp_top5_share"][:100]) == 0.6
    assert (~np.isnan(found["lp_top1_share"])).sum() == 168 + 6
    assert (found["lp_top1_share"][-6:] == 0.5).all() and (found["lp_top5_share"][-6:] == 0.5).all()


def test_shares_without_a_supply_or_above_it_are_null_and_other_pools_have_none() -> None:
    rows = table(position("0xa", 5, 5, None), position("0xb", 5, 0, 0.0), position("0xc", 5, 101.0), position("0xd", 5, 100.0))
    keys = np.sort([entity_key(f"univ2:0x{name}") for name in "abcde"])
    found = lp_shares(rows, {}, Window.ending(END), keys)["lp_top1_share"][0]
    assert dict(zip(keys, np.isnan(found), strict=True)) == {entity_key(f"univ2:0x{name}"): name != "d" for name in "abcde"}
