"""The replies, through a real `requests` session: shapes, clock, faults, and no ground truth."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from veririsk_assets.simulation.faults import Fault
from veririsk_assets.simulation.market import EPOCH, Market
from veririsk_assets.simulation.scenarios import PROFILE_NAMES, STATE_NAMES
from veririsk_assets.simulation.transport import SimulatedTransport

AS_OF = datetime(2025, 2, 10, 14, tzinfo=UTC)
POOLS = "https://yields.llama.fi/pools"
PROTOCOLS = "https://api.llama.fi/protocols"
MARKETS = "https://api.coingecko.com/api/v3/coins/markets"
GECKO = "https://api.geckoterminal.com/api/v2/networks/eth/pools/multi/"
GRAPH = "https://gateway.thegraph.com/api/a-key/subgraphs/id/a-subgraph"
PAIRS = "query($n: Int!) { pairs(first: $n, orderBy: id) { id } _meta { block { number timestamp } } }"


@pytest.fixture(scope="module")
def market() -> Market:
    return Market(forced_end=AS_OF)


def session(market: Market, as_of: datetime = AS_OF, **faults: Fault) -> requests.Session:
    found = requests.Session()
    found.mount("https://", SimulatedTransport(market, as_of, faults))
    return found


def gecko_addresses(market: Market) -> list[str]:
    return [pool.address for pool in market.pools if pool.onchain == "geckoterminal"]


def graph(found: requests.Session, query: str, **variables: Any) -> dict[str, Any]:
    return found.post(GRAPH, json={"query": query, "variables": variables}).json()


def test_defillama_lists_every_pool_without_a_timestamp(market: Market) -> None:
    body = session(market).get(POOLS).json()
    assert body["status"] == "success" and len(body["data"]) == 120
    tvl = market.observe(market.index(AS_OF), market.index(AS_OF) + 1)["tvl_usd"][0]
    for pool, row in zip(market.pools, body["data"], strict=True):
        assert row["pool"] == pool.uuid and row["poolMeta"] == pool.name
        assert isinstance(row["tvlUsd"], int) and row["tvlUsd"] == round(tvl[pool.index])
        assert (row["volumeUsd1d"] is None) == (pool.kind == "lending")
        assert "timestamp" not in row


def test_protocols_are_their_pools_and_what_is_not_seen(market: Market) -> None:
    found = session(market)
    pools = found.get(POOLS).json()["data"]
    unseen = market.protocols.days(market.protocols.day_of(AS_OF) + 1).unseen_usd[-1]
    said = found.get(PROTOCOLS).json()
    rows = {row["slug"]: row["tvl"] for row in said}
    assert len(rows) == len(market.protocols.all)
    for one in market.protocols.all:
        total = sum(pool["tvlUsd"] for pool in pools if pool["project"] == one.slug)
        assert (total > 0) == bool(one.pools)
        assert rows[one.slug] == pytest.approx(total + unseen[one.index], rel=0.1)
        assert {"id", "name", "slug", "category", "chain", "chains", "chainTvls", "change_1h", "mcap", "gecko_id"} <= set(said[0])


def test_coingecko_pages_and_leaves_out_unknown_ids(market: Market) -> None:
    found = session(market)
    some = found.get(MARKETS, params={"vs_currency": "usd", "ids": "weth,usd-coin,no-such-coin"}).json()
    assert {row["id"] for row in some} == {"weth", "usd-coin"}
    pages = [found.get(MARKETS, params={"vs_currency": "usd", "per_page": 50, "page": page}).json() for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [50, 50, len(market.tokens) - 100, 0]
    assert {row["last_updated"] for row in some} == {"2025-02-10T14:20:00.000Z"}


def test_geckoterminal_speaks_json_api_with_decimal_strings(market: Market) -> None:
    asked = gecko_addresses(market)[:30]
    rows = session(market).get(GECKO + ",".join([*asked, "0x" + "0" * 40])).json()["data"]
    assert [row["attributes"]["address"] for row in rows] == asked
    for row in rows:
        said = row["attributes"]
        sides = float(said["base_token_liquidity_usd"]) + float(said["quote_token_liquidity_usd"])
        assert row["id"] == f"eth_{said['address']}" and row["type"] == "pool"
        assert sides == pytest.approx(float(said["reserve_in_usd"]), rel=1e-6)
        assert isinstance(said["volume_usd"]["h24"], str)
        assert row["relationships"]["base_token"]["data"]["id"].startswith("eth_0x")


def test_the_graph_gives_pairs_of_decimal_strings_and_the_block(market: Market) -> None:
    data = graph(session(market), PAIRS, n=1000)["data"]
    assert {pair["id"] for pair in data["pairs"]} == {pool.address for pool in market.pools if pool.onchain == "thegraph"}
    assert data["_meta"]["block"]["timestamp"] == int((AS_OF + timedelta(minutes=22)).timestamp())
    for pair in data["pairs"]:
        assert float(pair["token0Price"]) == pytest.approx(float(pair["reserve0"]) / float(pair["reserve1"]), rel=1e-6)
        assert pair["txCount"].isdigit() and float(pair["totalSupply"]) > 0


def test_the_graph_pages_by_id(market: Market) -> None:
    query = "query($after: ID!) { pairs(first: 20, where: {id_gt: $after}) { id } }"
    found, after, ids = session(market), "", []
    while page := graph(found, query, after=after)["data"]["pairs"]:
        ids += [pair["id"] for pair in page]
        after = ids[-1]
    assert ids == sorted(pool.address for pool in market.pools if pool.onchain == "thegraph")


def test_the_graph_answers_for_an_earlier_block_and_not_for_a_later_one(market: Market) -> None:
    earlier = graph(session(market, AS_OF - timedelta(hours=5)), PAIRS, n=5)["data"]
    query = "query($n: Int!, $block: Int!) { pairs(first: $n, block: {number: $block}) { id } _meta { block { number } } }"
    number = earlier["_meta"]["block"]["number"]
    assert graph(session(market), query, n=5, block=number)["data"] == earlier
    assert "errors" in graph(session(market), query, n=5, block=number + 10_000)


def test_counters_of_the_graph_never_fall(market: Market) -> None:
    now, before = (graph(session(market, at), PAIRS, n=1000)["data"]["pairs"] for at in (AS_OF, AS_OF - timedelta(hours=1)))
    for new, old in zip(now, before, strict=True):
        assert float(new["volumeUSD"]) > float(old["volumeUSD"]) and int(new["txCount"]) > int(old["txCount"])


def test_imbalance_can_be_read_from_reserves_and_outside_prices(market: Market) -> None:
    found = session(market)
    prices = {row["symbol"]: row["current_price"] for row in found.get(MARKETS, params={"per_page": 250}).json()}
    true = market.observe(market.index(AS_OF), market.index(AS_OF) + 1)["reserve_imbalance"][0]
    by_address = {pool.address: pool for pool in market.pools}
    for pair in graph(found, PAIRS, n=1000)["data"]["pairs"]:
        side0 = float(pair["reserve0"]) * prices[pair["token0"]["symbol"].lower()]
        side1 = float(pair["reserve1"]) * prices[pair["token1"]["symbol"].lower()]
        imbalance = (side0 - side1) / (side0 + side1)
        assert imbalance == pytest.approx(true[by_address[pair["id"]].index], abs=1e-4)


def keys(value: Any) -> set[str]:
    """Every key at any depth of a JSON value."""
    if isinstance(value, dict):
        return set(value).union(*(keys(v) for v in value.values()))
    return set().union(*(keys(v) for v in value)) if isinstance(value, list) else set()


def test_no_reply_carries_the_ground_truth(market: Market) -> None:
    found = session(market)
    replies = [
        found.get(POOLS),
        found.get(PROTOCOLS),
        found.get(MARKETS, params={"per_page": 250}),
        found.get(GECKO + ",".join(gecko_addresses(market)), params={"include": "base_token,quote_token"}),
        found.post(GRAPH, json={"query": PAIRS, "variables": {"n": 1000}}),
    ]
    truths = {"state", "age", "age_hours", "profile", "price_share", "crash_onset", "reserve_imbalance", *STATE_NAMES, *PROFILE_NAMES}
    for reply in replies:
        assert reply.ok and not keys(reply.json()) & truths
        assert not any(f'"{word}"' in reply.text for word in (*STATE_NAMES, *PROFILE_NAMES))


def test_pro_hosts_answer_the_same(market: Market) -> None:
    found = session(market)
    assert found.get("https://pro-api.llama.fi/secret/yields/pools").content == found.get(POOLS).content
    assert found.get("https://pro-api.llama.fi/secret/api/protocols").content == found.get(PROTOCOLS).content
    assert found.get("https://pro-api.coingecko.com/api/v3/coins/markets").content == found.get(MARKETS).content


def test_an_unknown_path_and_an_hour_before_the_market_are_not_found(market: Market) -> None:
    assert session(market).get("https://api.llama.fi/hacks").status_code == 404
    assert session(market, EPOCH - timedelta(hours=1)).get(POOLS).status_code == 404
    assert session(market, EPOCH).get(POOLS).status_code == 200


def test_the_clock_stands_27_minutes_after_the_hour_and_sleeping_moves_it(market: Market) -> None:
    transport = SimulatedTransport(market, AS_OF)
    assert transport.now() == AS_OF + timedelta(minutes=27)
    found = requests.Session()
    found.mount("https://", transport)
    transport.sleep(60)
    assert parsedate_to_datetime(found.get(POOLS).headers["Date"]) == AS_OF + timedelta(minutes=28)


@pytest.mark.parametrize(("kind", "status"), [("rate_limited", 429), ("server_error", 500), ("plan_only", 402), ("unauthorized", 401)])
def test_a_fault_of_status_heals_after_its_times(market: Market, kind: Any, status: int) -> None:
    found = session(market, defillama_pools=Fault(kind, times=2, retry_after_seconds=7))
    replies = [found.get(POOLS) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [status, status, 200]
    assert replies[0].headers.get("Retry-After") == ("7" if kind == "rate_limited" else None)
    assert found.get(PROTOCOLS).ok


def test_a_fault_can_time_out_truncate_swell_or_leave_ids_out(market: Market) -> None:
    gone = market.pools[3].uuid
    found = session(
        market,
        defillama_protocols=Fault("timeout", times=1),
        coingecko_markets=Fault("truncated"),
        defillama_pools=Fault("missing", ids=frozenset({gone})),
        thegraph_pairs=Fault("graph_error"),
        geckoterminal_pools=Fault("huge", huge_bytes=10**6),
    )
    with pytest.raises(requests.exceptions.Timeout):
        found.get(PROTOCOLS)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        found.get(MARKETS).json()
    assert gone not in {row["pool"] for row in found.get(POOLS).json()["data"]}
    assert "errors" in graph(found, PAIRS, n=5)
    huge = found.get(GECKO + gecko_addresses(market)[0], stream=True)
    assert sum(len(chunk) for chunk in huge.iter_content(65536)) > 10**6
