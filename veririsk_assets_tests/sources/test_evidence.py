"""The clients of market evidence against bodies in their source's shape, the ugly ones included."""

import json
import math
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.vocabulary import AAVE_ASSETS
from veririsk_assets.lake.quality import check
from veririsk_assets.settings import Settings
from veririsk_assets.sources import aave, ethereum, fear_greed, hyperliquid, lp_positions, stablecoins
from veririsk_assets.sources.numbers import quantity, unix_seconds
from veririsk_assets.wire.clock import SystemClock
from veririsk_assets.wire.errors import PermanentSourceError, PlanOnlyError, SourceError, TransientSourceError
from veririsk_assets.wire.session import Wire
from veririsk_assets_tests.sources.answers import Answers, wire
from veririsk_assets_tests.sources.test_clients import META, obeys
from veririsk_assets_tests.wire.server import Answer, api

KEY = "s3cret-k3y-in-a-path"
CONTEXT = {
    "funding": "0.0000125",
    "premium": "-0.0005",
    "openInterest": "36295.8",
    "markPx": "80639.0",
    "oraclePx": "80684.7",
    "dayNtlVlm": "4.5e9",
}
TETHER = {
    "id": "1", "name": "Tether", "symbol": "USDT", "gecko_id": "tether", "pegType": "peggedUSD", "pegMechanism": "fiat-backed",
    "circulating": {"peggedUSD": 159510682147.76}, "price": 0.9998,
}  # fmt: skip
MARKET = {
    "id": "0xAB", "inputToken": {"id": AAVE_ASSETS[0].upper().replace("0X", "0x"), "symbol": "DAI"},
    "totalDepositBalanceUSD": "1000.5", "totalBorrowBalanceUSD": "600", "cumulativeLiquidateUSD": "12.25",
}  # fmt: skip
NODE = {"eth_gasPrice": "0x3b9aca00", "eth_getBlockByNumber": {"number": "0x10", "timestamp": "0x69a3ce00", "baseFeePerGas": "0x1dcd6500"}}


@pytest.fixture
def live(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path,
        source="live",
        defillama_api_key=SecretStr("pro-" + KEY),
        thegraph_url=SecretStr(f"https://gateway.thegraph.com/api/{KEY}/subgraphs/id/S"),
        aave_subgraph_url=SecretStr(f"https://graph.example.net/{KEY}/aave"),
        ethereum_rpc_url=SecretStr(f"https://mainnet.example.io/v3/{KEY}"),
    )


def perps(universe: list[Any], contexts: list[Any]) -> list[Any]:
    return [{"universe": universe, "marginTables": []}, contexts]


def node(request: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": NODE[json.loads(request.body)["method"]]}


def test_hyperliquid_joins_names_and_contexts_by_place(live: Settings) -> None:
    answers = Answers(lambda request: perps([{"name": "BTC"}, {"name": "ETH"}], [CONTEXT, CONTEXT | {"funding": "-0.00001"}]))
    frame = hyperliquid.markets(wire(answers), live).frame
    obeys(frame, raw.HYPERLIQUID_MARKETS)
    assert answers.urls == ["https://api.hyperliquid.xyz/info"] and answers.body(0) == {"type": "metaAndAssetCtxs"}
    assert frame.set_index("coin")["funding_rate"].to_dict() == {"BTC": 0.0000125, "ETH": -0.00001}
    assert frame.loc[0, ["premium", "open_interest_coins", "mark_price_usd"]].tolist() == [-0.0005, 36295.8, 80639.0]


def test_a_perpetual_s_nulls_and_nonsense_are_missing_and_do_not_move_its_neighbours(live: Settings) -> None:
    contexts = [CONTEXT | {"premium": None, "funding": "NaN"}, None, CONTEXT | {"openInterest": "-1", "markPx": "1e400"}]
    frame = hyperliquid.markets(wire(Answers(lambda request: perps([{"name": "BTC"}, {}, {"name": "ETH"}], contexts))), live).frame
    assert frame["coin"].isna().tolist() == [False, True, False]
    assert frame[["premium", "funding_rate"]].isna().sum().tolist() == [2, 2]
    checked = check(raw.HYPERLIQUID_MARKETS, frame, duplicates_to_quarantine=True)
    assert (checked.rows["coin"].tolist(), set(checked.faults["rule"])) == (["BTC", "ETH"], {"missing", "below 0"})
    kept = checked.rows.iloc[1]
    assert kept[["open_interest_coins", "mark_price_usd"]].isna().all() and kept["oracle_price_usd"] > 0


@pytest.mark.parametrize("body", [perps([{"name": "BTC"}, {"name": "ETH"}], [CONTEXT]), perps([], []), [{}, []], {"a": 1}, [], "null"])
def test_lists_that_cannot_be_joined_by_place_are_an_error(live: Settings, body: Any) -> None:
    with pytest.raises(TransientSourceError, match="hyperliquid"):
        hyperliquid.markets(wire(Answers(lambda request: body)), live)


def test_stablecoins_are_counted_in_units_of_their_peg(tmp_path: Path) -> None:
    other = TETHER | {"id": "50", "symbol": "EURS", "pegType": "peggedEUR", "circulating": {"peggedEUR": 5}, "price": None}
    ugly = [TETHER | {"id": "7", "pegType": ["peggedUSD"]}, TETHER | {"id": "8", "circulating": {}}, "no object"]
    answers = Answers(lambda request: {"peggedAssets": [TETHER, other, *ugly]})
    frame = stablecoins.stablecoins(wire(answers), Settings(home=tmp_path, source="live")).frame
    obeys(frame, raw.STABLECOINS)
    assert answers.urls == ["https://stablecoins.llama.fi/stablecoins?includePrices=true"]
    assert frame["circulating"].tolist()[:2] == [159510682147.76, 5.0] and frame["circulating"].isna().tolist()[2:] == [True, True, True]
    assert frame.loc[0, ["symbol", "gecko_id", "price_usd"]].tolist() == ["usdt", "tether", 0.9998] and math.isnan(frame["price_usd"][1])


def test_a_defillama_key_moves_stablecoins_to_the_pro_host(live: Settings) -> None:
    answers = Answers(lambda request: {"peggedAssets": [TETHER]})
    frame = stablecoins.stablecoins(wire(answers), live).frame
    assert answers.urls == [f"https://pro-api.llama.fi/pro-{KEY}/stablecoins/stablecoins?includePrices=true"]
    assert KEY not in frame["endpoint"][0]


def test_the_index_and_its_day_come_as_strings(live: Settings) -> None:
    data = [{"value": "40", "value_classification": "Fear", "timestamp": "1551157200"}, {"value": "x", "timestamp": "02-25-2019"}]
    answers = Answers(lambda request: {"name": "Fear and Greed Index", "data": data, "metadata": {"error": None}})
    frame = fear_greed.fear_greed(wire(answers), live).frame
    obeys(frame, raw.FEAR_GREED)
    assert answers.query(0) == {"limit": "2", "format": "json"}
    assert frame.loc[0, ["value", "classification", "observed_at"]].tolist() == [40.0, "Fear", pd.Timestamp(1551157200, unit="s")]
    assert frame.loc[1, ["value", "observed_at"]].isna().all()


def test_gas_is_the_node_s_price_at_the_time_of_its_newest_block(live: Settings) -> None:
    frame = ethereum.gas(wire(Answers(node)), live).frame
    obeys(frame, raw.ETH_GAS)
    row = frame.iloc[0]
    assert row[["block_number", "gas_price_gwei", "base_fee_gwei"]].tolist() == [16, 1.0, 0.5]
    assert row["observed_at"] == pd.Timestamp(0x69A3CE00, unit="s")
    assert KEY not in row["endpoint"] and row["endpoint"].startswith("https://mainnet.example.io")


def test_a_node_s_errors_come_with_200_and_say_whether_to_ask_again(live: Settings) -> None:
    for code, kind, requests in ((-32005, TransientSourceError, 4), (-32601, PermanentSourceError, 1)):
        answers = Answers(lambda request, code=code: {"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": f"no, {KEY}"}})
        with pytest.raises(kind, match="JSON-RPC") as caught:
            ethereum.gas(wire(answers), live)
        assert len(answers.requests) == requests and KEY not in str(caught.value)


@pytest.mark.parametrize("body", [[], {"result": None}, {"error": "text"}, {"error": {"code": [1]}}, "7"])
def test_a_node_that_says_something_else_is_an_error(live: Settings, body: Any) -> None:
    with pytest.raises(SourceError):
        ethereum.gas(wire(Answers(lambda request: body)), live)


def test_a_block_of_nonsense_is_a_row_for_quarantine(live: Settings) -> None:
    block = {"number": "0x" + "f" * 60, "timestamp": "0x69a3ce00", "baseFeePerGas": 7}
    frame = ethereum.gas(wire(Answers(lambda request: {"result": block if b"Block" in request.body else "0xzz"})), live).frame
    obeys(frame, raw.ETH_GAS)
    assert len(check(raw.ETH_GAS, frame, duplicates_to_quarantine=True).faults) == 1


def test_aave_is_asked_for_its_reserves_by_token_and_answers_at_a_block(live: Settings) -> None:
    answers = Answers(lambda request: {"data": {"markets": [MARKET, MARKET | {"id": "0xc", "totalBorrowBalanceUSD": None}], "_meta": META}})
    frame = aave.reserves(wire(answers), live).frame
    obeys(frame, raw.AAVE_RESERVES)
    assert answers.body(0)["variables"] == {"assets": list(AAVE_ASSETS)} and "inputToken_in: $assets" in answers.body(0)["query"]
    row = frame.iloc[0]
    assert row[["asset", "symbol", "supplied_usd", "borrowed_usd", "liquidated_usd_cum"]].tolist() == [
        AAVE_ASSETS[0],
        "dai",
        1000.5,
        600,
        12.25,
    ]
    assert row["observed_at"] == pd.Timestamp(1772342400, unit="s") and KEY not in row["endpoint"]
    assert len(check(raw.AAVE_RESERVES, frame, duplicates_to_quarantine=True).faults) == 1


@pytest.mark.parametrize("ask", [aave.reserves, lambda line, settings: lp_positions.lp_positions(line, settings, ["0x1"])])
def test_a_subgraph_s_errors_are_errors(live: Settings, ask: Any) -> None:
    for message, kind in (("Type `Query` has no field `markets`", PermanentSourceError), ("bad indexers: Timeout", TransientSourceError)):
        with pytest.raises(kind, match=message.split()[0]):
            ask(wire(Answers(lambda request, message=message: {"errors": [{"message": message}]})), live)
    for body in ({"data": {}}, {"data": None}, {"data": {"markets": {}, "pairs": []}}, []):
        with pytest.raises(TransientSourceError):
            ask(wire(Answers(lambda request, body=body: body)), live)


def holders(*balances: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"user": {"id": holder}, "liquidityTokenBalance": balance} for holder, balance in balances]


def test_holders_are_read_by_pair_and_the_burnt_are_none(live: Settings) -> None:
    data = {
        "h0": holders(("0xAA", "60"), ("0x" + "0" * 36 + "dEaD", "30"), ("0x" + "0" * 40, "1e-15"), ("0xbb", "9")),
        "h1": [*holders(("0xcc", "x")), "no object"],
        "pairs": [{"id": "0x1", "totalSupply": "100"}],
        "_meta": META,
    }
    answers = Answers(lambda request: {"data": data})
    frame = lp_positions.lp_positions(wire(answers), live, ["0x1", "0x2", "0X1"]).frame
    obeys(frame, raw.THEGRAPH_LP_POSITIONS)
    assert answers.body(0)["variables"] == {"p0": "0x1", "p1": "0x2", "ids": ["0x1", "0x2"]}
    stored = check(raw.THEGRAPH_LP_POSITIONS, frame, duplicates_to_quarantine=True).rows
    first = stored[stored["pair"] == "0x1"]
    assert first[["holder", "balance", "lp_supply"]].to_numpy().tolist() == [["0xaa", 60, 100], ["0xbb", 9, 100]]
    unread = stored[stored["pair"] == "0x2"]
    assert unread["holder"].tolist() == ["0xcc"] and unread[["balance", "lp_supply"]].isna().all(axis=None)
    assert (stored["observed_at"] == pd.Timestamp(1772342400, unit="s")).all() and KEY not in stored["endpoint"][0]


def test_many_pairs_are_asked_in_few_queries_and_never_more_than_an_hour_s_share(live: Settings) -> None:
    def answer(request: Any) -> dict[str, Any]:
        return {"data": {f"h{n}": [] for n in range(25)} | {"pairs": [{"id": "0x1", "totalSupply": "1"}], "_meta": META}}

    answers = Answers(answer)
    frame = lp_positions.lp_positions(wire(answers), live, [f"0x{i:040x}" for i in range(800)]).frame
    obeys(frame, raw.THEGRAPH_LP_POSITIONS)
    assert [len(answers.body(i)["variables"]["ids"]) for i in range(len(answers.requests))] == [25] * 20
    assert lp_positions.lp_positions(wire(answers), live, []).frame.empty


@given(value=st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.lists(st.integers(), max_size=2)))
def test_quantities_and_unix_seconds_are_read_or_missing(value: Any) -> None:
    assert math.isfinite(quantity(value)) or math.isnan(quantity(value))
    assert unix_seconds(value) is None or unix_seconds(value).tzinfo is None  # type: ignore[union-attr]


FRESH = {"block": {"number": 77, "timestamp": int(time.time())}}
SOUND = Answer(json.dumps({"data": {"markets": [MARKET], "_meta": FRESH}}).encode())
LATER = Answer(b'{"error":"slow down"}', 429, {"Retry-After": "0"})


def asked_for_real(tmp_path: Path, *script: Answer) -> tuple[pd.DataFrame, int]:
    """Aave's reserves from a server of our own, and how many requests it took."""
    with api(*script) as server:
        settings = Settings(home=tmp_path, source="live", aave_subgraph_url=SecretStr(f"{server.url}/{KEY}"))
        frame = aave.reserves(Wire(SystemClock(), deadline_seconds=10.0, max_bytes=100_000), settings).frame
        return frame, len(server.paths)


@pytest.mark.parametrize(
    "first", [LATER, Answer(b"", 503, {"Retry-After": "0"}), Answer(SOUND.body, is_cut=True), Answer(b'{"data":{"mark')]
)
def test_over_a_real_connection_what_passes_is_asked_again(tmp_path: Path, first: Answer) -> None:
    frame, requests = asked_for_real(tmp_path, first, SOUND)
    assert (len(frame), requests) == (1, 2) and KEY not in frame["endpoint"][0]


@pytest.mark.parametrize(("answer", "kind"), [(Answer(b"{}", 402), PlanOnlyError), (Answer(b" " * 200_000), PermanentSourceError)])
def test_over_a_real_connection_what_lasts_is_one_error_without_the_key(tmp_path: Path, answer: Answer, kind: type[SourceError]) -> None:
    with pytest.raises(kind, match="aave") as caught:
        asked_for_real(tmp_path, answer)
    assert KEY not in str(caught.value)
