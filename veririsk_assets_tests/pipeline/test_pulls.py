"""What a pull stores and says: in which order, of which hosts at once, by when, and what becomes of faults."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.models import CHAMPIONS
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.tables import ContractError, Table
from veririsk_assets.contracts.windows import HOUR, naive
from veririsk_assets.pipeline.known import followed_pairs, pulls
from veririsk_assets.pipeline.known.endpoints import Endpoint, every_endpoint
from veririsk_assets.pipeline.known.outside import simulated_market
from veririsk_assets.pipeline.known.pulls import pull, pull_all
from veririsk_assets.pipeline.known.side_by_side import side_by_side
from veririsk_assets.pipeline.learning import promotion
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets.simulation.faults import Fault
from veririsk_assets.sources.pull import Pull
from veririsk_assets.wire.clock import FixedClock
from veririsk_assets.wire.session import Wire
from veririsk_assets_tests.pipeline.world import START, Clock, home, hours, outside

OF = {endpoint.table: endpoint for endpoint in every_endpoint()}
DEFILLAMA = OF[raw.DEFILLAMA_POOLS]
AN_HOUR = hours(0)


def said(house: House, table: Table) -> list[tuple[str, str | None, int]]:
    rows = house.lake.read(raw.SOURCE_STATUS, where="endpoint = ?", parameters=[table.name])
    return [(row.outcome, None if pd.isna(row.reason) else row.reason, row.rows_count) for row in rows.itertuples()]


def answer(table: Table, at: datetime, count: int = 2, **other: Any) -> Pull:
    """Rows that the table takes."""
    filled = {"str": "x", "int": 1, "float": 1.0, "time": naive(at), "bool": False}
    part: dict[str, Any] = {column.name: [filled[column.kind]] * count for column in table.columns}
    part |= {"observed_kind": ["none"] * count, table.key[0]: [f"{i}" for i in range(count)]}
    return Pull(table, (part | other,))


def endpoint(table: Table, ask: Callable[..., Any], **more: Any) -> Endpoint:
    return Endpoint(table, lambda *_: ask, **more)


@dataclass
class Now:
    """A live world in which nothing is asked over a network: endpoints of tests answer by themselves."""

    until: list[datetime | None] = field(default_factory=list)
    addresses: list[tuple[str, str]] | None = None

    def wire(self, as_of: datetime, patience_seconds: float = 0.0, until: datetime | None = None) -> Wire | None:
        self.until.append(until)
        return Wire(FixedClock(as_of + timedelta(minutes=27)))


@pytest.fixture
def live(settings: Settings) -> Iterator[tuple[House, Clock]]:
    clock = Clock()
    house = home(settings.model_copy(update={"source": "live"}), clock)
    yield house, clock
    house.close()


def test_what_a_source_does_not_say_is_a_failure_with_its_reason(settings: Settings) -> None:
    house = home(settings)
    refused = answer(raw.DEFILLAMA_POOLS, AN_HOUR.as_of, 3, pool=[None] * 3)
    asks: list[tuple[Callable[..., Any], str]] = [
        (lambda *_: answer(raw.DEFILLAMA_POOLS, AN_HOUR.as_of, 0), "answered without a row"),
        (lambda *_: refused, "all 3 rows were refused, see monitoring/quarantine"),
        (lambda *_: [].pop(), "IndexError: pop from empty list"),
        (lambda *_: replace(refused, parts=({"source": ["x"]},)), "its rows could not be stored: KeyError: 'endpoint'"),
        (lambda *_: answer(raw.DEFILLAMA_POOLS, AN_HOUR.as_of, 1, tvl_usd=["much"]), "its rows could not be stored: ValueError: could not"),
    ]
    for i, (ask, reason) in enumerate(asks):
        done = pull(house, endpoint(raw.DEFILLAMA_POOLS, ask), hours(i), outside(house))
        outcome, told, count = said(house, raw.DEFILLAMA_POOLS)[i]
        assert (outcome, count, done.metadata["pulled"]) == ("failed", 0, False) and told is not None and told.startswith(reason), told
    assert pull(house, endpoint(raw.GECKOTERMINAL_POOLS, lambda *_: Pull(raw.GECKOTERMINAL_POOLS, ())), AN_HOUR, outside(house)).rows == 0
    assert said(house, raw.GECKOTERMINAL_POOLS) == [("pulled", None, 0)]  # nobody was asked


def test_a_lake_that_cannot_be_written_is_no_fault_of_a_source(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    house = home(settings)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(house.lake, "append_once", full)
    with pytest.raises(OSError, match="No space"):
        pull(house, DEFILLAMA, AN_HOUR, outside(house))


def test_of_what_is_stored_before_the_lake_fails_it_is_said(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    house = home(settings)
    append = house.lake.append_once

    def failing(table: Table, *args: Any, **options: Any) -> Any:
        if table is raw.COINGECKO_MARKETS:
            raise OSError(5, "Input/output error")
        return append(table, *args, **options)

    monkeypatch.setattr(house.lake, "append_once", failing)
    with pytest.raises(OSError, match="Input/output"):
        pull_all(house, AN_HOUR, outside(house))
    assert [outcome for outcome, *_ in said(house, raw.DEFILLAMA_POOLS)] == ["pulled"] and said(house, raw.COINGECKO_MARKETS) == []


def test_what_the_database_refuses_is_a_fault_of_its_endpoint(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    house = home(settings)
    append = house.lake.append_once

    def picky(table: Table, *args: Any, **options: Any) -> Any:
        if table is raw.DEFILLAMA_POOLS:
            raise ContractError("a value")
        return append(table, *args, **options)

    monkeypatch.setattr(house.lake, "append_once", picky)
    results = pull_all(house, AN_HOUR, outside(house))
    assert results["defillama_pools"].metadata["outcomes"] == {"failed": 1}
    assert results["defillama_protocols"].metadata["outcomes"] == results["eth_gas"].metadata["outcomes"] == {"pulled": 1}


@pytest.mark.parametrize("killed_at", [raw.DEFILLAMA_POOLS, raw.SOURCE_STATUS], ids=["before its rows", "before its status"])
def test_a_run_that_is_killed_is_healed_by_the_next(settings: Settings, monkeypatch: pytest.MonkeyPatch, killed_at: Table) -> None:
    house = home(settings)
    append = house.lake.append_once

    def killed(table: Table, *args: Any, **options: Any) -> Any:
        if table is killed_at:
            raise KeyboardInterrupt
        return append(table, *args, **options)

    monkeypatch.setattr(house.lake, "append_once", killed)
    with pytest.raises(KeyboardInterrupt):
        pull(house, DEFILLAMA, AN_HOUR, outside(house))
    assert said(house, raw.DEFILLAMA_POOLS) == []
    monkeypatch.setattr(house.lake, "append_once", append)
    for _ in range(2):
        pull(house, DEFILLAMA, AN_HOUR, outside(house))
        assert len(house.lake.read(raw.DEFILLAMA_POOLS)) == 8
        assert said(house, raw.DEFILLAMA_POOLS) == [("pulled", None, 8)]


def test_an_hour_that_came_in_part_is_said_so_and_asked_about_again(live: tuple[House, Clock]) -> None:
    house, clock = live
    clock.time = AN_HOUR.as_of + timedelta(minutes=27)
    part = replace(answer(raw.DEFILLAMA_POOLS, clock.time), shortfall="1 replies came, then: x: gave up")
    whole = answer(raw.DEFILLAMA_POOLS, clock.time + timedelta(minutes=1), 4)
    results = [pull(house, endpoint(raw.DEFILLAMA_POOLS, lambda *_, each=each: each), AN_HOUR, Now()) for each in (part, whole, whole)]
    assert [result.metadata["outcomes"] for result in results] == [{"partial": 1}, {"pulled": 1}, {"kept": 1}]
    assert [result.metadata["pulled"] for result in results] == [True, True, False]
    assert {(outcome, count) for outcome, _, count in said(house, raw.DEFILLAMA_POOLS)} == {("partial", 2), ("pulled", 4), ("kept", 6)}
    assert len(house.lake.read(raw.DEFILLAMA_POOLS)) == 6


def test_of_two_runs_that_ask_at_once_one_stores_and_the_other_says_so(live: tuple[House, Clock]) -> None:
    house, clock = live
    clock.time = AN_HOUR.as_of + timedelta(minutes=27)
    barrier, seconds = threading.Barrier(2), iter((1, 2))

    def ask(*_: Any) -> Pull:
        barrier.wait(30)
        return answer(raw.DEFILLAMA_POOLS, clock.time + timedelta(seconds=next(seconds)))

    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(lambda _: pull(house, endpoint(raw.DEFILLAMA_POOLS, ask), AN_HOUR, Now()), range(2)))
    assert sorted(result.rows for result in both) == [0, 2]
    assert house.lake.read(raw.DEFILLAMA_POOLS)["pulled_at"].nunique() == 1
    assert sorted(said(house, raw.DEFILLAMA_POOLS), key=str) == [
        ("kept", "another run stored this hour meanwhile", 2),
        ("pulled", None, 2),
    ]


@pytest.mark.parametrize(("minute", "is_bound"), [(0, True), (27, True), (29, True), (30, False), (45, False)])
def test_the_cut_off_bounds_every_pull_that_began_before_it(live: tuple[House, Clock], minute: int, is_bound: bool) -> None:
    house, clock = live
    clock.time, world = AN_HOUR.as_of + timedelta(minutes=minute), Now()
    endpoints = [endpoint(table, lambda *_, table=table: answer(table, clock.time)) for table in (raw.DEFILLAMA_POOLS, raw.STABLECOINS)]
    pull_all(house, AN_HOUR, world, endpoints=endpoints)
    pull(house, endpoints[0], AN_HOUR, world, repull=True)
    assert world.until == [AN_HOUR.cutoff if is_bound else None] * 3


def test_a_slow_host_costs_no_other_its_hour_and_what_it_says_too_late_is_not_stored(
    live: tuple[House, Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    house, clock = live
    clock.time = AN_HOUR.as_of + timedelta(minutes=27)
    release, ended, others = threading.Event(), threading.Event(), threading.Semaphore(0)
    store = pulls._store

    def stored(*args: Any) -> Any:
        try:
            return store(*args)
        finally:
            others.release()

    def until_the_others_are_stored(chains: Any, at_once: int, _: float) -> list[Exception]:
        threading.Thread(target=side_by_side, args=(chains, at_once, 60.0), daemon=True).start()
        assert others.acquire(timeout=60) and others.acquire(timeout=60)
        return []

    monkeypatch.setattr(pulls, "_store", stored)
    monkeypatch.setattr(pulls, "side_by_side", until_the_others_are_stored)

    def slow(*_: Any) -> Pull:
        release.wait(60)
        ended.set()
        return answer(raw.COINGECKO_MARKETS, clock.time)

    endpoints = [
        endpoint(raw.COINGECKO_MARKETS, slow),
        endpoint(raw.COINGECKO_COINS, lambda *_: answer(raw.COINGECKO_COINS, clock.time)),
        endpoint(raw.DEFILLAMA_POOLS, lambda *_: answer(raw.DEFILLAMA_POOLS, clock.time)),
        endpoint(raw.HYPERLIQUID_MARKETS, lambda *_: answer(raw.HYPERLIQUID_MARKETS, clock.time)),
    ]
    results = pull_all(house, AN_HOUR, Now(), endpoints=endpoints)
    outcomes = {name: list(result.metadata["outcomes"]) for name, result in results.items()}
    assert outcomes == {
        "coingecko_markets": ["failed"], "coingecko_coins": ["failed"], "defillama_pools": ["pulled"], "hyperliquid_markets": ["pulled"],
    }  # fmt: skip
    assert said(house, raw.COINGECKO_MARKETS) == [("failed", "no answer within the time of the hour", 0)]
    release.set()
    # The two that nobody waited for were stored as failed, and nothing more comes of them.
    assert ended.wait(30) and [others.acquire(timeout=0.5) for _ in range(3)] == [True, True, False]
    assert house.lake.read(raw.COINGECKO_MARKETS).empty


def test_pools_own_sources_are_asked_before_evidence_and_a_host_is_asked_one_thing_at_a_time(
    live: tuple[House, Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    house, clock = live
    clock.time = AN_HOUR.as_of + timedelta(minutes=27)
    order: list[str] = []

    def recorded(table: Table) -> Endpoint:
        def ask(*_: Any) -> Pull:
            order.append(table.name)
            return answer(table, clock.time)

        return replace(OF[table], begin=lambda *_: ask, is_on=lambda _: True)

    monkeypatch.setattr(pulls, "HOSTS_AT_ONCE", 1)
    results = pull_all(house, AN_HOUR, Now(), endpoints=[recorded(table) for table in raw.PULLS])
    assert list(results) == [table.name for table in raw.PULLS]
    pools_last = max(order.index(table.name) for table in raw.POOL_PULLS)
    alone = [table for table in raw.EVIDENCE if OF[table].host not in {OF[pool].host for pool in raw.POOL_PULLS}]
    assert all(order.index(table.name) > pools_last for table in alone) and len(alone) >= 5
    assert order.index("thegraph_pairs") < order.index("thegraph_lp_positions")
    assert order.index("coingecko_markets") < order.index("coingecko_coins")


def test_evidence_is_asked_about_while_every_host_of_pools_is_slow() -> None:
    assert len({OF[table].host for table in raw.POOL_PULLS}) < pulls.HOSTS_AT_ONCE


def test_chains_go_on_beside_one_that_fails_and_what_it_raised_is_told() -> None:
    done: list[str] = []
    errors = side_by_side([[[].pop, lambda: done.append("never")], [lambda: done.append("a"), lambda: done.append("b")]], 1, 30.0)
    assert done == ["a", "b"] and [type(error) for error in errors] == [IndexError]


def test_nobody_is_waited_for_past_the_time() -> None:
    never, began = threading.Event(), time.monotonic()
    assert side_by_side([[never.wait], [lambda: None]], 2, 0.2) == []
    assert time.monotonic() - began < 10.0
    never.set()


@pytest.mark.parametrize(("minute", "seconds"), [(27, 180.0), (29, 60.0), (30, 480.0), (45, 480.0)])
def test_a_pass_has_what_is_left_before_the_cut_off_or_the_usual_time_after_it(
    live: tuple[House, Clock], minute: int, seconds: float
) -> None:
    left = pulls._seconds_left(live[0], AN_HOUR, AN_HOUR.as_of + timedelta(minutes=minute), 2)
    assert left == seconds + pulls.GRACE_SECONDS


def test_a_lake_error_in_a_pass_is_raised_where_the_pass_was_asked_for(live: tuple[House, Clock], monkeypatch: pytest.MonkeyPatch) -> None:
    house, clock = live
    clock.time = AN_HOUR.as_of + timedelta(minutes=27)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(house.lake, "append_once", full)
    with pytest.raises(OSError, match="No space"):
        pull_all(house, AN_HOUR, Now(), endpoints=[endpoint(raw.STABLECOINS, lambda *_: answer(raw.STABLECOINS, clock.time))])


def test_a_replayed_hour_has_no_more_time_than_a_live_one(settings: Settings) -> None:
    house = home(settings)
    world = outside(
        house, lambda as_of: {"defillama_pools": Fault("rate_limited", times=1, retry_after_seconds=179 if as_of == START + HOUR else 180)}
    )
    done = pull(house, DEFILLAMA, hours(0, 2), world)
    assert done.metadata["outcomes"] == {"pulled": 1, "failed": 1}
    late = house.lake.read(raw.DEFILLAMA_POOLS)["available_at"]
    assert (late <= naive(AN_HOUR.cutoff)).all() and len(late) == 8


def test_the_coin_list_is_asked_for_once_a_day(settings: Settings) -> None:
    house = home(settings)
    world = outside(house)
    outcomes = [next(iter(pull(house, OF[raw.COINGECKO_COINS], hours(i), world).metadata["outcomes"])) for i in (0, 1, 23, 24)]
    assert outcomes == ["pulled", "not_due", "not_due", "pulled"]
    coins = house.lake.read(raw.COINGECKO_COINS, columns=["coin_id", "platform", "address"])
    assert set(coins["platform"]) == {"ethereum"} and coins["address"].str.fullmatch("0x[0-9a-f]{40}").all()


def test_a_pair_is_followed_for_30_days_after_it_was_last_above_the_floor(
    live: tuple[House, Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    house, _ = live
    floor, now = 0.8 * house.settings.min_tvl_usd, AN_HOUR.as_of
    seen = {"0xnow": (1, floor), "0xfell": (29 * 24, 2e6), "0xlong": (31 * 24, 2e6), "0xsmall": (1, floor - 1)}
    for pair, (hours_ago, tvl) in seen.items():
        at = [naive(now - hours_ago * HOUR)]
        told = answer(raw.THEGRAPH_PAIRS, now, 1, pair=[pair], reserve_usd=[tvl], pulled_at=at)
        house.lake.append(raw.THEGRAPH_PAIRS, told.frame)
    asked: list[list[str]] = []
    monkeypatch.setattr(followed_pairs.thegraph, "pairs", lambda wire, settings, pairs=(): asked.append(list(pairs)))
    followed_pairs.pairs(house, AN_HOUR)(None, house.settings, None)  # type: ignore[arg-type]
    assert asked == [["0xfell", "0xnow"]]


def test_two_first_runs_at_once_agree_on_their_market(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", pools=8)
    barrier = threading.Barrier(4)

    def first(i: int) -> datetime | None:
        barrier.wait(30)
        return simulated_market(settings, START + i * 24 * HOUR).forced_end

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(first, range(4)))) == 1


def test_of_two_orders_at_once_for_the_same_champion_one_is_carried_out(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    house, barrier = home(settings), threading.Barrier(2)
    monkeypatch.setattr(promotion, "_require_servable", lambda *_: None)
    monkeypatch.setattr(promotion, "_gate", lambda *_: (time.sleep(0.2), (True, "proven"))[1])
    monkeypatch.setattr(promotion, "point_aliases", lambda *_: None)

    def order(_: int) -> str:
        barrier.wait(30)
        return promotion.appoint(house, promotion.Order(POOLS, 24, "promote", START, "7")).metadata["verdict"]

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(order, range(2))) == ["proven", "version 7 serves already"]
    assert len(house.lake.read(CHAMPIONS)) == 1
