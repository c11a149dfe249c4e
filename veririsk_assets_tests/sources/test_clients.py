"""Each client against bodies in its source's shape, the ugly ones included."""

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import SecretStr

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.tables import PANDAS_TYPES, Table
from veririsk_assets.settings import Settings
from veririsk_assets.sources import coingecko, defillama, geckoterminal, thegraph, universe
from veririsk_assets.wire.errors import PermanentSourceError, SourceError, TransientSourceError
from veririsk_assets_tests.sources.answers import NOW, Answers, wire

POOL = {
    "pool": "aaaa-1",
    "chain": "Ethereum",
    "project": "lido",
    "symbol": "STETH",
    "tvlUsd": 324,
    "apy": 2.5,
    "apyBase": 2,
    "apyReward": None,
}
PROTOCOL = {"id": "1", "slug": "lido", "name": "Lido", "category": "Liquid Staking", "chain": "Multi-Chain", "tvl": 3.5, "mcap": None}
COIN = {
    "id": "dai",
    "symbol": "DAI",
    "current_price": 0.999,
    "market_cap": 5,
    "total_volume": None,
    "last_updated": "2026-03-01T05:20:11.123Z",
}
GECKO = {
    "id": "eth_0xAB",
    "type": "pool",
    "attributes": {
        "address": "0xAB",
        "name": "WETH / USDC 0.05%",
        "reserve_in_usd": "163988541.38",
        "base_token_balance": "10.5",
        "quote_token_liquidity_usd": "300.0",
        "quote_token_price_usd": "1.5",
        "volume_usd": {"h1": "15.25", "h24": "536.5"},
        "pool_created_at": "2021-12-29T12:35:14Z",
    },
    "relationships": {"dex": {"data": {"id": "uniswap_v3"}}, "base_token": {"data": {"id": "eth_0xc0"}}},
}
TOKEN = {"id": "eth_0xc0", "type": "token", "attributes": {"symbol": "WETH"}}
META = {"block": {"number": 77, "timestamp": 1772342400}}


def pair(name: str, **other: Any) -> dict[str, Any]:
    known = {"token0": {"symbol": "USDC"}, "token1": {"symbol": "WETH"}, "reserve0": "10.5", "reserve1": "2", "reserveUSD": "21.0"}
    return {"id": name, **known, "totalSupply": "4.5", "volumeUSD": "100.25", "txCount": "12", **other}


@pytest.fixture
def live(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, source="live", thegraph_url=SecretStr("https://gateway.thegraph.com/api/k3y-k3y-k3y/subgraphs/id/S"))


@pytest.fixture
def simulated(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def obeys(frame: pd.DataFrame, table: Table) -> None:
    assert list(frame.columns) == table.names
    assert {c.name: str(frame[c.name].dtype) for c in table.columns} == {c.name: PANDAS_TYPES[c.kind] for c in table.columns}
    stamped = frame[["pulled_at", "available_at"]]
    assert (stamped == pd.Timestamp(NOW.replace(tzinfo=None))).all(axis=None)


def test_defillama_pools_are_typed_and_have_no_time_of_their_own(simulated: Settings) -> None:
    answers = Answers(lambda request: {"status": "success", "data": [POOL]})
    frame = defillama.pools(wire(answers), simulated).frame
    obeys(frame, raw.DEFILLAMA_POOLS)
    row = frame.iloc[0]
    assert (row["pool"], row["tvl_usd"], row["apy_pct"], row["observed_kind"]) == ("aaaa-1", 324.0, 2.5, "none")
    assert frame[["observed_at", "apy_reward_pct", "pool_meta", "volume_24h_usd"]].isna().all(axis=None)


def test_rows_that_break_the_contract_are_passed_on_for_quarantine(simulated: Settings) -> None:
    ugly = [POOL | {"pool": None}, POOL | {"tvlUsd": "lots"}, POOL | {"tvlUsd": -5}, "no object", POOL | {"tvlUsd": True, "symbol": 7}]
    frame = defillama.pools(wire(Answers(lambda request: {"data": ugly})), simulated).frame
    assert len(frame) == 5
    assert frame["pool"].isna().tolist() == [True, False, False, True, False]
    assert [None if math.isnan(v) else v for v in frame["tvl_usd"]] == [324.0, None, -5.0, None, None]
    assert pd.isna(frame["symbol"].iloc[4])


def test_a_number_too_large_for_a_float_is_no_number(simulated: Settings) -> None:
    frame = defillama.pools(
        wire(Answers(lambda request: '{"data":[{"pool":"a","tvlUsd":1e999,"apy":' + "9" * 400 + "}]}")), simulated
    ).frame
    assert frame[["tvl_usd", "apy_pct"]].isna().all(axis=None)


@pytest.mark.parametrize("body", [[], {}, {"data": None}, {"data": {"a": 1}}, "null", '"text"', "7"])
def test_a_reply_of_another_shape_is_an_error_and_not_an_empty_market(simulated: Settings, body: Any) -> None:
    with pytest.raises(SourceError):
        defillama.pools(wire(Answers(lambda request: body)), simulated)


def test_defillama_protocols_take_the_sources_tvl_and_no_flags(simulated: Settings) -> None:
    answers = Answers(lambda request: [PROTOCOL | {"rugged": True, "deadFrom": "2026-01-01"}])
    frame = defillama.protocols(wire(answers), simulated).frame
    obeys(frame, raw.DEFILLAMA_PROTOCOLS)
    assert frame.loc[0, ["slug", "tvl_usd"]].tolist() == ["lido", 3.5]


def test_a_defillama_key_moves_both_calls_to_the_pro_host_and_stays_secret(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, source="live", defillama_api_key=SecretStr("pro-key-123456"))
    answers = Answers(lambda request: [PROTOCOL] if "protocols" in str(request.url) else {"data": [POOL]})
    frames = [defillama.pools(wire(answers), settings).frame, defillama.protocols(wire(answers), settings).frame]
    root = "https://pro-api.llama.fi/pro-key-123456"
    assert answers.urls == [f"{root}/yields/pools", f"{root}/api/protocols"]
    assert [frame["endpoint"].iloc[0].count("pro-key") for frame in frames] == [0, 0]


def test_coingecko_asks_for_ids_in_batches_and_keeps_each_coins_own_time(live: Settings) -> None:
    answers = Answers(lambda request: [COIN])
    frame = coingecko.markets(wire(answers), live, [f"coin-{i}" for i in range(260)] + ["coin-1"]).frame
    obeys(frame, raw.COINGECKO_MARKETS)
    assert [len(answers.query(i)["ids"].split(",")) for i in range(2)] == [250, 10]
    assert frame.loc[0, ["coin_id", "symbol", "price_usd"]].tolist() == ["dai", "dai", 0.999]
    assert frame["observed_at"].iloc[0] == pd.Timestamp("2026-03-01 05:20:11.123")
    assert math.isnan(frame["volume_24h_usd"].iloc[0])


def test_coingecko_without_ids_reads_pages_until_a_short_one(simulated: Settings) -> None:
    answers = Answers(lambda request: [COIN] * (250 if "page=1" in str(request.url).split("&") else 3))
    assert len(coingecko.markets(wire(answers), simulated).frame) == 253
    assert [answers.query(i)["page"] for i in range(len(answers.requests))] == ["1", "2"]


def test_coingecko_live_asks_for_the_default_coins_in_one_credit(live: Settings) -> None:
    answers = Answers(lambda request: [COIN])
    coingecko.markets(wire(answers), live)
    assert [set(answers.query(i)["ids"].split(",")) for i in range(len(answers.requests))] == [set(universe.COIN_IDS)]


@pytest.mark.parametrize(
    ("key", "plan", "host", "header"),
    [("", "demo", "api", None), ("CG-1234567", "demo", "api", "x-cg-demo-api-key"), ("CG-1234567", "pro", "pro-api", "x-cg-pro-api-key")],
)
def test_coingecko_host_and_header_follow_the_plan(tmp_path: Path, key: str, plan: Any, host: str, header: str | None) -> None:
    settings = Settings(home=tmp_path, source="live", coingecko_api_key=SecretStr(key), coingecko_plan=plan)
    answers = Answers(lambda request: [COIN])
    frame = coingecko.markets(wire(answers), settings, ["dai"]).frame
    sent = {name.lower(): value for name, value in answers.requests[0].headers.items()}
    assert answers.urls[0].startswith(f"https://{host}.coingecko.com/api/v3/coins/markets?")
    assert [name for name in sent if name.startswith("x-cg")] == ([header] if header else [])
    assert not key or key not in frame["endpoint"].iloc[0]


def test_geckoterminal_reads_decimal_strings_balances_and_symbols(simulated: Settings) -> None:
    frame = geckoterminal.pools(wire(Answers(lambda request: {"data": [GECKO], "included": [TOKEN]})), simulated, [("eth", "0xAB")]).frame
    obeys(frame, raw.GECKOTERMINAL_POOLS)
    row = frame.iloc[0]
    assert row[["network", "address", "dex", "base_token"]].tolist() == ["eth", "0xab", "uniswap_v3", "weth"]
    assert row[["reserve_usd", "base_balance", "quote_balance", "volume_1h_usd"]].tolist() == [163988541.38, 10.5, 200.0, 15.25]
    assert row["pool_created_at"] == pd.Timestamp("2021-12-29 12:35:14")
    assert pd.isna(row["quote_token"])


def test_geckoterminal_asks_30_at_a_time_by_network_and_stops_at_the_setting(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, max_geckoterminal_pools=40)
    answers = Answers(lambda request: {"data": [GECKO]})
    wanted = [("eth", f"0x{i}") for i in range(35)] + [("base", f"0x{i}") for i in range(35)] + [("eth", "0x1")]
    frame = geckoterminal.pools(wire(answers), settings, wanted).frame
    obeys(frame, raw.GECKOTERMINAL_POOLS)
    asked = [(url.split("/")[6], len(url.split("/")[9].split("?")[0].replace("%2C", ",").split(","))) for url in answers.urls]
    assert asked == [("eth", 30), ("eth", 5), ("base", 5)]
    assert geckoterminal.pools(wire(answers), settings, wanted).note.startswith("40 of 70 addresses asked for")


def test_geckoterminal_without_addresses_asks_for_the_named_pools(live: Settings) -> None:
    answers = Answers(lambda request: {"data": [GECKO]})
    geckoterminal.pools(wire(answers), live)
    assert all(address in answers.urls[0] for _, address in universe.named_addresses())


def test_no_address_asked_for_is_no_call_and_no_row(simulated: Settings) -> None:
    answers = Answers(lambda request: {"data": []})
    obeys(geckoterminal.pools(wire(answers), simulated, []).frame, raw.GECKOTERMINAL_POOLS)
    assert answers.requests == []


def test_the_graph_is_observed_at_its_block_and_its_key_stays_secret(live: Settings) -> None:
    frame = thegraph.pairs(wire(Answers(lambda request: {"data": {"pairs": [pair("0x1")], "_meta": META}})), live).frame
    obeys(frame, raw.THEGRAPH_PAIRS)
    row = frame.iloc[0]
    assert row[["token0", "token1", "reserve0", "lp_supply", "volume_usd_cum", "tx_count_cum"]].tolist() == [
        "usdc",
        "weth",
        10.5,
        4.5,
        100.25,
        12,
    ]
    assert row["observed_at"] == pd.Timestamp(1772342400, unit="s")
    assert "k3y" not in row["endpoint"]


def test_the_graph_pages_by_id_at_one_block(live: Settings) -> None:
    pages = [[pair(f"0x{i:04d}") for i in range(1000)], [pair("0x2000")]]
    answers = Answers(lambda request: {"data": {"pairs": pages[len(answers.requests) - 1], "_meta": META}})
    assert len(thegraph.pairs(wire(answers), live).frame) == 1001
    assert [answers.body(i)["variables"]["after"] for i in range(2)] == ["", "0x0999"]
    assert ["block: {number: 77}" in answers.body(i)["query"] for i in range(2)] == [False, True]


def test_a_live_subgraph_is_not_asked_for_all_its_pairs(live: Settings, simulated: Settings) -> None:
    answers = Answers(lambda request: {"data": {"pairs": [pair("0x1")], "_meta": META}})
    for settings in (live, simulated):
        assert len(thegraph.pairs(wire(answers), settings).frame) == 1
    assert ["reserveUSD_gte" in answers.body(i)["query"] for i in range(2)] == [True, False]


def test_the_graphs_lasting_errors_are_raised_at_once_and_passing_ones_after_retries(live: Settings) -> None:
    lasting = Answers(lambda request: {"errors": [{"message": "auth error: API key not found"}]})
    with pytest.raises(PermanentSourceError, match="auth error"):
        thegraph.pairs(wire(lasting), live)
    passing = Answers(lambda request: {"errors": [{"message": "bad indexers: {0x1: Timeout}"}]})
    with pytest.raises(TransientSourceError, match="bad indexers"):
        thegraph.pairs(wire(passing), live)
    assert (len(lasting.requests), len(passing.requests)) == (1, 4)
