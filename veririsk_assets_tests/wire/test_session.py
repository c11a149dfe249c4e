"""The wire against a real server on localhost: what it retries, refuses, waits for and never says."""

import gzip
import logging
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from veririsk_assets.wire import redaction
from veririsk_assets.wire.budget import MemoryState
from veririsk_assets.wire.clock import FixedClock
from veririsk_assets.wire.errors import (
    BudgetExceededError,
    NotFoundError,
    NotRecordedError,
    PermanentSourceError,
    PlanOnlyError,
    SourceError,
    TransientSourceError,
)
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.redaction import HIDDEN, keep_secret, redact
from veririsk_assets.wire.session import MAX_ATTEMPTS, Wire
from veririsk_assets_tests.wire.server import Answer, api

NOW = datetime(2026, 3, 1, 5, 27, tzinfo=UTC)


def provider(url: str, **options: object) -> Provider:
    return Provider("llama", url, requests_per_minute=600.0, burst=20, **options)  # type: ignore[arg-type]


def wire(clock: FixedClock | None = None, state: MemoryState | None = None, **options: object) -> Wire:
    return Wire(clock or FixedClock(NOW), None, state, user_agent="VeriRisk-test/1", rng=random.Random(1), **options)  # type: ignore[arg-type]


def seconds_since_start(clock: FixedClock) -> float:
    return (clock.now() - NOW).total_seconds()


def test_a_reply_carries_its_hash_time_and_endpoint_and_we_say_who_we_are() -> None:
    with api(Answer(b'{"a":1}'), Answer(b'{"a":2}')) as server:
        line = wire()
        one = line.get_json(provider(server.url), "/pools", {"page": "1"})
        two = line.get_json(provider(server.url), "/pools", {"page": "1"})
    assert (one.body, one.pulled_at, one.endpoint, one.provider) == ({"a": 1}, NOW, f"{server.url}/pools?page=1", "llama")
    assert one.payload_hash != two.payload_hash
    assert server.headers[0]["User-Agent"] == "VeriRisk-test/1"
    assert "gzip" in server.headers[0]["Accept-Encoding"]


@pytest.mark.parametrize("status", [408, 418, 429, 500, 502, 503])
def test_a_passing_failure_is_asked_again(status: int) -> None:
    clock = FixedClock(NOW)
    with api(Answer(b"{}", status), Answer(b"{}", status), Answer()) as server:
        assert wire(clock).get_json(provider(server.url), "/x").body == {"ok": True}
    assert len(server.paths) == 3
    # 1 s and 2 s, each with half to full jitter.
    assert 1.5 <= seconds_since_start(clock) <= 3.0


@pytest.mark.parametrize(
    ("status", "is_unknown"), [(400, True), (404, True), (410, True), (422, True), (401, False), (403, False), (451, False), (402, False)]
)
def test_only_some_refusals_say_that_a_name_is_unknown(status: int, is_unknown: bool) -> None:
    with api(Answer(b"{}", status)) as server, pytest.raises(PermanentSourceError) as refused:
        wire().get_json(provider(server.url), "/x")
    assert isinstance(refused.value, NotFoundError) == is_unknown


@pytest.mark.parametrize("status", [400, 401, 403, 404, 451])
def test_a_lasting_failure_is_not_asked_again(status: int) -> None:
    with api(Answer(b"{}", status)) as server, pytest.raises(PermanentSourceError, match=f"HTTP {status}"):
        wire().get_json(provider(server.url), "/x")
    assert len(server.paths) == 1


def test_a_blocked_request_hints_at_the_user_agent() -> None:
    with api(Answer(b"{}", 403)) as server, pytest.raises(PermanentSourceError, match="User-Agent"):
        wire().get_json(provider(server.url), "/x")


def test_attempts_are_bounded() -> None:
    with api(Answer(b"{}", 500)) as server, pytest.raises(TransientSourceError, match=f"gave up after {MAX_ATTEMPTS}"):
        wire().get_json(provider(server.url), "/x")
    assert len(server.paths) == MAX_ATTEMPTS


@pytest.mark.parametrize("value", ["7", format_datetime(NOW + timedelta(seconds=7), usegmt=True)])
def test_a_rate_limited_reply_waits_for_retry_after(value: str) -> None:
    clock = FixedClock(NOW)
    with api(Answer(b"{}", 429, {"Retry-After": value}), Answer()) as server:
        wire(clock).get_json(provider(server.url), "/x")
    assert seconds_since_start(clock) == 7.0


def test_a_retry_after_beyond_the_deadline_is_not_waited_for() -> None:
    clock = FixedClock(NOW)
    with api(Answer(b"{}", 429, {"Retry-After": "3600"})) as server, pytest.raises(TransientSourceError) as raised:
        wire(clock, deadline_seconds=240.0).get_json(provider(server.url), "/x")
    assert (len(server.paths), seconds_since_start(clock), raised.value.retry_after) == (1, 0.0, 3600.0)


def test_the_deadline_is_one_for_all_calls_to_a_source() -> None:
    clock = FixedClock(NOW)
    with api(Answer(b"{}", 429, {"Retry-After": "6"}), Answer(), Answer(b"{}", 429, {"Retry-After": "6"})) as server:
        line = wire(clock, deadline_seconds=10.0)
        line.get_json(provider(server.url), "/first")
        with pytest.raises(TransientSourceError, match="after 1 attempts"):
            line.get_json(provider(server.url), "/second")


def test_a_paid_endpoint_is_left_alone_for_a_day_by_every_process() -> None:
    clock, state = FixedClock(NOW), MemoryState()
    with api(Answer(b"{}", 402), Answer()) as server:
        with pytest.raises(PlanOnlyError):
            wire(clock, state).get_json(provider(server.url), "/hacks")
        with pytest.raises(PlanOnlyError, match="not asked again"):
            wire(clock, state).get_json(provider(server.url), "/hacks")
        assert server.paths == ["/hacks"]
        assert wire(clock, state).get_json(provider(server.url), "/pools").body == {"ok": True}
        clock.sleep(24 * 3600 + 1)
        assert wire(clock, state).get_json(provider(server.url), "/hacks").body == {"ok": True}


def test_a_closed_endpoint_that_a_clock_ahead_has_marked_is_asked_again() -> None:
    ahead, state = FixedClock(NOW + timedelta(days=180)), MemoryState()
    with api(Answer(b"{}", 402), Answer()) as server:
        with pytest.raises(PlanOnlyError):
            wire(ahead, state).get_json(provider(server.url), "/hacks")
        assert wire(FixedClock(NOW), state).get_json(provider(server.url), "/hacks").body == {"ok": True}


def test_what_a_recording_does_not_hold_is_told_apart() -> None:
    with api(Answer(b"{}", 404, {"X-Recorded": "none"})) as server, pytest.raises(NotRecordedError):
        wire().get_json(provider(server.url), "/x")


def test_gzip_is_read() -> None:
    body = gzip.compress(b'{"zipped":1}')
    with api(Answer(body, headers={"Content-Encoding": "gzip"})) as server:
        assert wire().get_json(provider(server.url), "/x").body == {"zipped": 1}


def test_a_small_gzip_of_a_huge_body_is_stopped_while_it_comes() -> None:
    body = gzip.compress(b"[" + b" " * 30_000_000 + b"]")
    assert len(body) < 100_000
    with api(Answer(body, headers={"Content-Encoding": "gzip"})) as server, pytest.raises(PermanentSourceError, match="longer than"):
        wire(max_bytes=1_000_000).get_json(provider(server.url), "/x")


@pytest.mark.parametrize("bad", [Answer(b'{"a":[1,2'), Answer(b'{"a":NaN}'), Answer(b'{"a":-Infinity}'), Answer(b'{"a":1}', is_cut=True)])
def test_a_broken_reply_is_asked_for_again(bad: Answer) -> None:
    with api(bad, Answer()) as server:
        assert wire().get_json(provider(server.url), "/x").body == {"ok": True}
    assert len(server.paths) == 2


def test_a_silent_server_times_out_and_is_asked_again() -> None:
    with api(Answer(delay_seconds=0.6), Answer()) as server:
        assert wire(timeouts=(0.5, 0.2)).get_json(provider(server.url), "/x").body == {"ok": True}
    assert len(server.paths) == 2


def test_a_host_that_refuses_connections_is_transient() -> None:
    with api() as server:
        url = server.url
    with pytest.raises(TransientSourceError, match="no reply from 127"):
        wire().get_json(provider(url), "/x")


def test_a_redirect_on_the_same_host_is_followed_and_one_elsewhere_is_not() -> None:
    with api(Answer(status=302, headers={"Location": "/there"}), Answer()) as server:
        assert wire().get_json(provider(server.url), "/here").body == {"ok": True}
        assert server.paths == ["/here", "/there"]
    with api() as other, api(Answer(status=302, headers={"Location": other.url})) as server:
        with pytest.raises(PermanentSourceError, match="redirect"):
            wire().get_json(provider(server.url, headers=(("x-cg-demo-api-key", "CG-secret-1"),)), "/here")
        assert other.paths == []


def test_redirects_in_a_circle_end() -> None:
    with api(Answer(status=302, headers={"Location": "/x"})) as server, pytest.raises(PermanentSourceError, match="redirects"):
        wire().get_json(provider(server.url), "/x")


def test_calls_beyond_the_burst_wait_for_the_bucket() -> None:
    clock = FixedClock(NOW)
    with api() as server:
        line, slow = wire(clock), Provider("slow", server.url, requests_per_minute=30.0, burst=2)
        for _ in range(4):
            line.get_json(slow, "/x")
    assert seconds_since_start(clock) == pytest.approx(4.0, abs=0.01)


def test_only_answered_calls_spend_the_monthly_budget() -> None:
    clock, state = FixedClock(NOW), MemoryState()
    with api(Answer(b"{}", 500), Answer(b"{}", 429), Answer()) as server:
        asked = provider(server.url, monthly_credits=2)
        wire(clock, state).get_json(asked, "/x")
        wire(clock, state).get_json(asked, "/x")
        with pytest.raises(BudgetExceededError):
            wire(clock, state).get_json(asked, "/x")
        assert len(server.paths) == 4
        clock.sleep(31 * 86400)
        assert wire(clock, state).get_json(asked, "/x").body == {"ok": True}


def test_errors_that_come_with_200_are_checked_inside_the_retries() -> None:
    def check(body: dict[str, object]) -> None:
        if "errors" in body:
            raise TransientSourceError("bad indexers")

    with api(Answer(b'{"errors":[1]}'), Answer()) as server:
        assert wire().post_json(provider(server.url), "", {"query": "q"}, check=check).body == {"ok": True}
    assert server.bodies[1] == b'{"query": "q"}'


FAILURES = [
    Answer(b"%s", 500),
    Answer(b"%s", 402),
    Answer(b"%s", 404),
    Answer(b"{", 200),
    Answer(b"%s", 302, {"Location": "http://10.0.0.1/%s"}),
]


@pytest.mark.parametrize("answer", FAILURES)
def test_no_error_or_log_holds_a_key(answer: Answer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "0a1b2c3d4e5f60718293"
    caplog.set_level(logging.DEBUG)
    # Another wire of this process may have put the filter there already.
    monkeypatch.setattr(logging.getLogger("urllib3.connectionpool"), "filters", [])
    echo = Answer(answer.body.replace(b"%s", key.encode()), answer.status, {n: v.replace("%s", key) for n, v in answer.headers.items()})
    from veririsk_assets.wire.redaction import keep_secret

    keep_secret(key)
    with api(echo) as server, pytest.raises(SourceError) as raised:
        wire().get_json(provider(f"{server.url}/{key}/api", headers=(("x-cg-pro-api-key", key),)), f"/{key}/pools", {"key": key})
    assert caplog.records
    assert key not in str(raised.value) + repr(raised.value) + caplog.text
    assert raised.value.__cause__ is None


def test_no_wait_goes_past_the_moment_until_which_a_wire_may_ask() -> None:
    clock = FixedClock(NOW)
    until = NOW + timedelta(seconds=170)
    with api(Answer(b"{}", 429, {"Retry-After": "119"})) as server, pytest.raises(TransientSourceError, match="gave up after 2") as caught:
        wire(clock, until=until).get_json(provider(server.url), "/x")
    assert (len(server.paths), clock.now(), caught.value.retry_after) == (2, NOW + timedelta(seconds=119), 119.0)


def test_a_wire_whose_time_is_over_asks_nobody() -> None:
    with api() as server, pytest.raises(TransientSourceError, match="no time is left"):
        wire(until=NOW).get_json(provider(server.url), "/x")
    assert server.paths == []


def test_a_deadline_is_the_nearer_of_patience_and_the_hour_s_end() -> None:
    clock = FixedClock(NOW)
    with api(Answer(b"{}", 429, {"Retry-After": "20"})) as server, pytest.raises(TransientSourceError):
        wire(clock, until=NOW + timedelta(hours=1), deadline_seconds=30.0).get_json(provider(server.url), "/x")
    assert clock.now() == NOW + timedelta(seconds=20)


def test_a_reply_is_checked_within_the_retries() -> None:
    def check(body: Any) -> None:
        if body != [1]:
            raise TransientSourceError("an empty list")

    with api(Answer(b"[]"), Answer(b"[]"), Answer(b"[1]")) as server:
        assert wire().get_json(provider(server.url), "/x", check=check).body == [1]
    with api(Answer(b"[]")) as server, pytest.raises(TransientSourceError, match=f"after {MAX_ATTEMPTS} attempts: an empty list"):
        wire().get_json(provider(server.url), "/x", check=check)


def test_what_is_redacted_may_be_learnt_meanwhile_by_another_thread() -> None:
    known = set(redaction._secrets)
    try:
        with ThreadPoolExecutor(4) as threads:
            learnt = [threads.submit(keep_secret, f"a-secret-of-thread-{i}") for i in range(2000)]
            said = list(threads.map(redact, ["a-secret-of-thread-7 and more"] * 500))
            assert all(done.result() for done in learnt) and len(said) == 500
        assert redact("a-secret-of-thread-1999") == HIDDEN
    finally:
        redaction._secrets.clear()
        redaction._secrets.update(known)
