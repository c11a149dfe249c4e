"""Hosts that answer HTTP 200 and say nothing, an error, or a time that cannot be: asked again, and never taken as an empty market or as now."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from veririsk_assets.contracts import raw
from veririsk_assets.contracts import raw_protocols as told
from veririsk_assets.contracts.catalogue import PULLS
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import naive
from veririsk_assets.lake.quality import check
from veririsk_assets.settings import Settings
from veririsk_assets.sources import (
    aave,
    coin_days,
    coingecko,
    defillama,
    defillama_days,
    ethereum,
    fear_greed,
    geckoterminal,
    hyperliquid,
    lp_positions,
    stablecoins,
    thegraph,
)
from veririsk_assets.sources.numbers import AHEAD, EARLIEST, instant, observed
from veririsk_assets.sources.pull import Pull, as_far_as_it_goes
from veririsk_assets.wire.errors import PermanentSourceError, SourceError, TransientSourceError
from veririsk_assets.wire.session import MAX_ATTEMPTS, Wire
from veririsk_assets_tests.sources.answers import NOW, Answers, wire
from veririsk_assets_tests.sources.test_clients import COIN, GECKO, META, POOL, PROTOCOL, pair
from veririsk_assets_tests.sources.test_evidence import CONTEXT, MARKET, TETHER, node, perps

SECOND = int(NOW.timestamp()) // 86400 * 86400
DAY = {"value": "50", "value_classification": "Neutral", "timestamp": str(int(NOW.timestamp()) // 86400 * 86400)}
LISTED = {"id": "dai", "symbol": "dai", "platforms": {"ethereum": "0x6B175474E89094C44Da98b954EedeAC495271d0F", "": ""}}
ADDRESSES = [("eth", "0xAB"), ("eth", "0xCD")]
POSITIONS = {"h0": [{"user": {"id": "0xaa"}, "liquidityTokenBalance": "6"}], "pairs": [{"id": "0x1", "totalSupply": "9"}]}
Client = Callable[[Wire, Settings], Pull]
# Each client with a reply that is sound; a reply of the node depends on the method.
CLIENTS: dict[Table, tuple[Client, Any]] = {
    raw.DEFILLAMA_POOLS: (defillama.pools, {"status": "success", "data": [POOL]}),
    raw.DEFILLAMA_PROTOCOLS: (defillama.protocols, [PROTOCOL]),
    raw.COINGECKO_MARKETS: (coingecko.markets, [COIN]),
    raw.COINGECKO_COINS: (coingecko.coins, [LISTED]),
    raw.GECKOTERMINAL_POOLS: (lambda line, settings: geckoterminal.pools(line, settings, ADDRESSES), {"data": [GECKO]}),
    raw.THEGRAPH_PAIRS: (thegraph.pairs, {"data": {"pairs": [pair("0x1")], "_meta": META}}),
    raw.THEGRAPH_LP_POSITIONS: (
        lambda line, settings: lp_positions.lp_positions(line, settings, ["0x1"]), {"data": {**POSITIONS, "_meta": META}},
    ),
    raw.HYPERLIQUID_MARKETS: (hyperliquid.markets, perps([{"name": "BTC"}], [CONTEXT])),
    raw.STABLECOINS: (stablecoins.stablecoins, {"peggedAssets": [TETHER]}),
    raw.FEAR_GREED: (fear_greed.fear_greed, {"data": [DAY], "metadata": {"error": None}}),
    raw.ETH_GAS: (ethereum.gas, None),
    raw.AAVE_RESERVES: (aave.reserves, {"data": {"markets": [MARKET], "_meta": META}}),
    told.DEFILLAMA_VOLUMES: (defillama_days.volumes, {"protocols": [{"defillamaId": "7", "slug": "one", "total24h": 5.0}]}),
    told.DEFILLAMA_TVL_DAYS: (
        lambda line, settings: defillama_days.tvl_days(line, settings, [("7", "one")], print), {"tvl": [{"date": SECOND, "totalLiquidityUSD": 5.0}]},
    ),
    told.DEFILLAMA_VOLUME_DAYS: (
        lambda line, settings: defillama_days.volume_days(line, settings, [("dexs", ("7", "one"))], print), {"totalDataChart": [[SECOND, 5.0]]},
    ),
    told.DEFILLAMA_CHAIN_TVL_DAYS: (defillama_days.chain_tvl_days, [{"date": SECOND, "tvl": 5.0}]),
    told.COINGECKO_TOKENS: (lambda line, settings: coin_days.tokens(line, settings, ["dai"]), [COIN]),
    told.COINGECKO_COIN_DAYS: (lambda line, settings: coin_days.coin_days(line, settings, ["dai"], print), {"prices": [[1000 * SECOND, 5.0]]}),
}  # fmt: skip
EVERYONE = pytest.mark.parametrize("table", list(CLIENTS), ids=lambda table: table.name)
SILENT: list[Any] = [
    [], {}, "null", '""', '"Too many requests"', "Throttled", "<!DOCTYPE html><html>Just a moment...</html>", "", "7", [[]], [None], ["x"],
    {"status": {"error_code": 429, "error_message": "You've exceeded the Rate Limit."}},
    {"status": "success", "data": []}, {"status": "error", "message": "not yet available", "data": [POOL]},
    {"data": [], "metadata": {"error": "database"}}, {"data": [DAY], "metadata": {"error": "database"}},
    {"data": {"pairs": [], "markets": [], "h0": [], "_meta": META}}, {"peggedAssets": []}, [{"error": "busy"}], {"error": "busy", "data": [POOL, DAY]},
    {"data": None}, [{"universe": []}, []],
]  # fmt: skip


@pytest.fixture
def live(tmp_path: Path) -> Settings:
    urls = {name: SecretStr(f"https://{name}.example/x") for name in ("thegraph_url", "aave_subgraph_url", "ethereum_rpc_url")}
    return Settings(home=tmp_path, source="live", **urls)  # type: ignore[arg-type]


def answering(table: Table, request: Any) -> Any:
    return node(request) if table is raw.ETH_GAS else CLIENTS[table][1]


def test_every_source_is_held_to_it() -> None:
    assert set(CLIENTS) == set(PULLS)


@EVERYONE
def test_nothing_and_errors_with_200_are_asked_for_again_and_are_no_rows(live: Settings, table: Table) -> None:
    for said in SILENT:
        answers = Answers(lambda request, said=said: said)
        with pytest.raises(SourceError):
            CLIENTS[table][0](wire(answers), live)
        assert len(answers.requests) == MAX_ATTEMPTS, said


@EVERYONE
def test_what_is_silent_once_is_heard_the_second_time(live: Settings, table: Table) -> None:
    answers = Answers(lambda request: [] if len(answers.requests) == 1 else answering(table, request))
    found = CLIENTS[table][0](wire(answers), live)
    assert len(found) and not found.shortfall
    assert len(check(table, found.frame, duplicates_to_quarantine=True).rows) == len(found)


MILLISECONDS = META["block"]["timestamp"] * 1000  # type: ignore[operator]
NO_TIMES = [None, -1, 0, 1, MILLISECONDS, int(NOW.timestamp()) + 3600, int(NOW.timestamp()) - 2 * 86400, "soon", "", True, [], 1e300]


@pytest.mark.parametrize("table", [raw.THEGRAPH_PAIRS, raw.THEGRAPH_LP_POSITIONS, raw.AAVE_RESERVES], ids=lambda table: table.name)
@pytest.mark.parametrize("told", NO_TIMES)
def test_a_block_of_no_believable_time_is_no_answer_of_now(live: Settings, table: Table, told: Any) -> None:
    client, sound = CLIENTS[table]
    body = {"data": sound["data"] | {"_meta": {"block": {"number": 77, "timestamp": told}}}}
    with pytest.raises(TransientSourceError, match="block"):
        client(wire(Answers(lambda request: body)), live)


@pytest.mark.parametrize(
    "meta", [None, {}, {"block": None}, {"block": {"timestamp": 1772342400}}, {"block": {"number": "7", "timestamp": 1772342400}}]
)
def test_a_subgraph_that_does_not_say_its_block_is_asked_again(live: Settings, meta: Any) -> None:
    with pytest.raises(TransientSourceError, match="block"):
        thegraph.pairs(wire(Answers(lambda request: {"data": {"pairs": [pair("0x1")], "_meta": meta}})), live)


@pytest.mark.parametrize("told", [None, "0x0", hex(MILLISECONDS), hex(int(NOW.timestamp()) + 3600), "soon", 1772342400])
def test_a_node_s_block_of_no_believable_time_is_no_gas_of_now(live: Settings, told: Any) -> None:
    def answer(request: Any) -> Any:
        said = node(request)
        return said | {"result": said["result"] | {"timestamp": told}} if b"getBlock" in request.body else said

    with pytest.raises(TransientSourceError, match="block"):
        ethereum.gas(wire(Answers(answer)), live)


@pytest.mark.parametrize("told", [None, "", "soon", MILLISECONDS, str(MILLISECONDS), -5, "2027-01-01T00:00:00Z", "1969-12-31T23:59:59Z"])
def test_a_price_of_no_believable_time_is_no_price_of_now_and_that_is_said(live: Settings, told: Any) -> None:
    answers = Answers(lambda request: [COIN, COIN | {"id": "weth", "last_updated": told}])
    stored = check(raw.COINGECKO_MARKETS, coingecko.markets(wire(answers), live).frame, duplicates_to_quarantine=True)
    assert stored.rows.set_index("coin_id")["price_usd"].isna().to_dict() == {"dai": False, "weth": True}
    assert stored.faults[["column_name", "rule"]].to_numpy().tolist() == [["price_usd", "missing"]]


def test_an_index_of_a_day_to_come_is_refused_and_one_of_today_is_kept(live: Settings) -> None:
    coming = DAY | {"timestamp": str(int(NOW.timestamp()) + 86400), "value": "99"}
    found = fear_greed.fear_greed(wire(Answers(lambda request: {"data": [coming, DAY]})), live)
    stored = check(raw.FEAR_GREED, found.frame, duplicates_to_quarantine=True)
    assert stored.rows["value"].tolist() == [50.0] and stored.refused_count == 1
    with pytest.raises(TransientSourceError, match="day"):
        fear_greed.fear_greed(wire(Answers(lambda request: {"data": [coming, DAY | {"timestamp": str(MILLISECONDS)}]})), live)


@given(
    stamp=st.one_of(st.none(), st.datetimes()),
    told=st.one_of(st.integers(), st.text(max_size=14), st.from_regex(r"\d{8,16}", fullmatch=True)),
)
def test_nothing_is_observed_in_the_future_or_before_there_were_blocks(stamp: datetime | None, told: Any) -> None:
    now = naive(NOW)
    for each in (stamp, instant(told)):
        found = observed(each, NOW)
        assert found is None or EARLIEST <= found <= now
        assert each is None or not EARLIEST <= each <= now or found == each
    assert observed(now + AHEAD, NOW) == now and observed(now + AHEAD + timedelta(seconds=1), NOW) is None
    assert not isinstance(told, str) or not told.isdigit() or instant(told) is None


LATER_FAULTS = [[], "<html>", {"error": "not yet available"}, {"errors": [{"message": "indexing_error"}]}]


@pytest.mark.parametrize("fault", LATER_FAULTS)
def test_the_pages_before_one_that_fails_are_kept_and_the_gap_is_said(live: Settings, tmp_path: Path, fault: Any) -> None:
    graph = Answers(lambda request: _graph_page(json.loads(request.body), fault))
    found = thegraph.pairs(wire(graph), live)
    assert len(found) == 1000 and found.shortfall.startswith("1 replies came, then: thegraph: gave up after 4")

    gecko = Answers(lambda request: {"data": [GECKO]} if len(gecko.requests) == 1 else fault)
    many = geckoterminal.pools(wire(gecko), live, [("eth", f"0x{i}") for i in range(65)])
    assert len(many) == 1 and "geckoterminal" in many.shortfall and len(gecko.requests) == 1 + MAX_ATTEMPTS

    coins = Answers(lambda request: [COIN] * 250 if "page=1" in str(request.url).split("&") else fault or {"data": []})
    assert "coingecko" in coingecko.markets(wire(coins), Settings(home=tmp_path)).shortfall

    said = CLIENTS[raw.THEGRAPH_LP_POSITIONS][1]
    holders = Answers(
        lambda request: said | {"data": said["data"] | {f"h{n}": [] for n in range(1, 25)}} if len(holders.requests) == 1 else fault
    )
    lp = lp_positions.lp_positions(wire(holders), live, ["0x1", *(f"0x{i}" for i in range(30, 60))])
    assert len(lp) == 1 and lp.shortfall


def _graph_page(asked: dict[str, Any], fault: Any) -> Any:
    return fault if asked["variables"]["after"] else {"data": {"pairs": [pair(f"0x{i:04d}") for i in range(1000)], "_meta": META}}


def test_a_run_that_is_refused_for_good_does_not_end_the_others_and_a_host_in_trouble_is_left_alone() -> None:
    one, asked = Pull(raw.FEAR_GREED, ({"source": ["x"]},)), []

    def run(name: str, error: SourceError | None = None) -> Iterator[Pull]:
        asked.append(name)
        yield one
        if error is not None:
            raise error

    found = as_far_as_it_goes(
        raw.FEAR_GREED, run("a", PermanentSourceError("gone")), run("b"), run("c", TransientSourceError("down")), run("d")
    )
    assert asked == ["a", "b", "c"] and len(found) == 3
    assert found.shortfall == "3 replies came, then: gone; down"


def test_more_pages_than_we_ask_for_are_a_gap_that_is_said(live: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thegraph, "MAX_PAGES", 2)
    monkeypatch.setattr(thegraph, "PER_PAGE", 1)
    names = iter(f"0x{i:04d}" for i in range(9))
    found = thegraph.pairs(wire(Answers(lambda request: {"data": {"pairs": [pair(next(names))], "_meta": META}})), live)
    assert len(found) == 2 and "more than 2 pages" in found.shortfall


def test_a_followed_pair_below_the_floor_is_asked_for_by_its_id_at_the_same_block(live: Settings) -> None:
    fallen = [f"0x{i:040x}" for i in range(700)]

    def answer(request: Any) -> Any:
        ids = json.loads(request.body)["variables"].get("ids")
        rows = [pair(name, reserveUSD="0.5") for name in ids] if ids else [pair("0xabc")]
        return {"data": {"pairs": rows, "_meta": META}}

    answers = Answers(answer)
    found = thegraph.pairs(wire(answers), live, [*fallen, "0xABC"]).frame
    assert (len(found), set(found["reserve_usd"])) == (701, {21.0, 0.5})
    assert [len(answers.body(i)["variables"].get("ids", [])) for i in range(3)] == [0, 500, 200]
    assert ["reserveUSD_gte" in answers.body(i)["query"] for i in range(3)] == [True, False, False]
    assert all("block: {number: 77}" in answers.body(i)["query"] for i in (1, 2))


def test_tokens_are_told_by_their_addresses(live: Settings) -> None:
    weth, usdc = "0xC02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
    said = pair("0x1", token0={"id": weth, "symbol": "WETH"}, token1={"id": "usdc", "symbol": "USDC"})
    row = thegraph.pairs(wire(Answers(lambda request: {"data": {"pairs": [said], "_meta": META}})), live).frame.iloc[0]
    assert row["token0_address"] == weth.lower() and pd.isna(row["token1_address"])
    sol = "So11111111111111111111111111111111111111112"
    links = {"base_token": {"data": {"id": f"eth_{weth}"}}, "quote_token": {"data": {"id": "eth_usdc"}}}
    included = [{"id": "eth_usdc", "attributes": {"symbol": "USDC", "address": usdc}}]
    pools = [GECKO | {"relationships": links}, GECKO | {"relationships": {"base_token": {"data": {"id": f"solana_{sol}"}}}}]
    frame = geckoterminal.pools(wire(Answers(lambda request: {"data": pools, "included": included})), live, ADDRESSES).frame
    assert frame["base_token_address"].tolist() == [weth.lower(), sol]
    assert frame["quote_token_address"][0] == usdc and frame["quote_token"][0] == "usdc"


def test_a_coin_is_listed_once_per_chain_and_only_where_it_has_an_address(live: Settings) -> None:
    other = LISTED | {"id": "not-followed"}
    chains = {
        "ethereum": LISTED["platforms"]["ethereum"],
        "ronin": "",
        "base": None,
        "sui": "0x5::coin::COIN",
        "arbitrum-one": "0x" + "a" * 40,
    }  # type: ignore[index]
    frame = coingecko.coins(
        wire(Answers(lambda request: [other, LISTED | {"platforms": chains}, {"id": "weth", "platforms": None}])), live
    ).frame
    assert frame[["coin_id", "platform", "address"]].to_numpy().tolist() == [
        ["dai", "ethereum", "0x6b175474e89094c44da98b954eedeac495271d0f"],
        ["dai", "arbitrum-one", "0x" + "a" * 40],
    ]


@pytest.mark.parametrize(
    ("row", "held"),
    [
        (
            {
                "tvl": 100,
                "staking": 5,
                "pool2": None,
                "chainTvls": {"Ethereum": 100, "staking": 5, "borrowed": 30, "Ethereum-borrowed": 30},
            },
            135.0,
        ),
        ({"tvl": 100, "chainTvls": {"pool2": "7", "staking": -3}}, 107.0),
        ({"tvl": 100, "chainTvls": None}, 100.0),
        ({"tvl": None, "staking": 5}, None),
    ],
)
def test_a_protocol_holds_what_its_tvl_leaves_out_too(live: Settings, row: dict[str, Any], held: float | None) -> None:
    found = defillama.protocols(wire(Answers(lambda request: [PROTOCOL | row])), live).frame["held_usd"][0]
    assert found == held if held is not None else np.isnan(found)
