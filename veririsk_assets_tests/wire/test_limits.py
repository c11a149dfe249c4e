"""Clocks, buckets, budgets, addresses and the webhook."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veririsk_assets.lake.catalog import Catalog
from veririsk_assets.lake.state import State
from veririsk_assets.wire import webhook
from veririsk_assets.wire.addresses import refuse_private
from veririsk_assets.wire.budget import Budget, MemoryState
from veririsk_assets.wire.clock import FixedClock
from veririsk_assets.wire.errors import BudgetExceededError, PermanentSourceError, SourceError, TransientSourceError
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.rate_limit import TokenBucket
from veririsk_assets.wire.responses import retry_after
from veririsk_assets_tests.wire.server import Answer, api

NOW = datetime(2026, 3, 31, 23, 50, tzinfo=UTC)
COINS = Provider("coins", "https://coins.example", 30.0, 5, monthly_credits=10)


def test_a_fixed_clock_moves_only_when_it_sleeps() -> None:
    clock = FixedClock(NOW)
    clock.sleep(90)
    clock.sleep(-5)
    assert clock.now() == NOW + timedelta(seconds=90)


@given(waits=st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_a_bucket_never_lets_more_through_than_burst_and_rate(waits: list[float]) -> None:
    clock = FixedClock(NOW)
    bucket, taken = TokenBucket(clock, per_minute=20.0, burst=3), 0
    for wait in waits:
        clock.sleep(wait)
        if bucket.seconds_until_free() == 0:
            bucket.take()
            taken += 1
    assert taken <= 3 + (clock.now() - NOW).total_seconds() / 3 + 1e-3


def test_a_clock_that_jumps_back_does_not_drain_a_bucket() -> None:
    clock = FixedClock(NOW)
    bucket = TokenBucket(clock, 60.0, 1)
    clock._now -= timedelta(hours=1)
    assert bucket.seconds_until_free() == 0.0


def test_optional_calls_are_refused_before_the_others() -> None:
    budget = Budget(MemoryState())
    for _ in range(8):
        budget.reserve(COINS, NOW, is_optional=True)
    with pytest.raises(BudgetExceededError, match="optional"):
        budget.reserve(COINS, NOW, is_optional=True)
    budget.reserve(COINS, NOW, is_optional=False)
    budget.reserve(COINS, NOW, is_optional=False)
    with pytest.raises(BudgetExceededError):
        budget.reserve(COINS, NOW, is_optional=False)
    budget.reserve(COINS, NOW + timedelta(minutes=20), is_optional=True)


def test_an_unmetered_provider_is_not_counted() -> None:
    state = MemoryState()
    replayed = Provider("coins", "https://coins.example", 30.0, 5, monthly_credits=0, is_metered=False)
    Budget(state).reserve(replayed, NOW, is_optional=False)
    assert Budget(state).spent(replayed, NOW) == 0


def test_a_durable_budget_is_shared_and_never_overspent(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "lake", "", str(tmp_path / "lake" / "data"))
    State(catalog)

    def reserve(_: int) -> bool:
        try:
            Budget(State(catalog)).reserve(COINS, NOW, is_optional=False)
        except BudgetExceededError:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        granted = sum(threads.map(reserve, range(24)))
    assert granted == 10
    Budget(State(catalog)).give_back(COINS, NOW)
    assert Budget(State(catalog)).spent(COINS, NOW) == 9


@pytest.mark.parametrize(("value", "seconds"), [("5", 5.0), ("", None), (None, None), ("soon", None), ("-3", None), ("Wed, 31 Feb", None)])
def test_retry_after_is_read_or_ignored(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://10.1.2.3",
        "http://192.168.0.9:8080/",
        "http://169.254.169.254/meta",
        "http://[::1]/",
        "http://0.0.0.0/",
        "http://[::ffff:127.0.0.1]/",
        "http://224.0.0.1/",
        "http://localhost/hook",
        "file:///etc/passwd",
        "ftp://8.8.8.8/",
        "nothing",
    ],
)
def test_a_private_address_is_refused(url: str) -> None:
    with pytest.raises(PermanentSourceError):
        refuse_private(url)


def test_a_public_address_passes_and_a_private_one_when_allowed() -> None:
    refuse_private("https://8.8.8.8/x")
    refuse_private("http://127.0.0.1/x", allow=True)


def test_a_webhook_gets_one_json_post() -> None:
    with api(Answer(b"ok")) as server:
        webhook.post(f"{server.url}/services/T/B/x", {"text": "HIGH"}, "VeriRisk-test/1", allow_private=True)
    assert [json.loads(body) for body in server.bodies] == [{"text": "HIGH"}]
    assert server.headers[0]["User-Agent"] == "VeriRisk-test/1"


@pytest.mark.parametrize(
    ("status", "kind"), [(400, PermanentSourceError), (302, PermanentSourceError), (429, TransientSourceError), (500, TransientSourceError)]
)
def test_a_webhook_that_fails_says_so_without_its_url(status: int, kind: type[SourceError]) -> None:
    with api(Answer(b"no", status, {"Location": "/elsewhere"})) as server, pytest.raises(kind, match=f"HTTP {status}") as raised:
        webhook.post(f"{server.url}/services/secret-path-9", {}, "x", allow_private=True)
    assert "secret-path-9" not in str(raised.value)
    assert len(server.paths) == 1


def test_a_webhook_on_a_private_address_is_not_called() -> None:
    with api() as server, pytest.raises(PermanentSourceError, match="private"):
        webhook.post(f"{server.url}/hook", {}, "x", allow_private=False)
    assert server.paths == []
