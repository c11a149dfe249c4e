"""The one door to HTTP: polite, bounded, patient within a deadline, and silent about keys.

Everything that waits is measured on the given clock, so that a simulated hour takes no real time.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from requests import PreparedRequest, Request, RequestException, Response, Session
from requests.adapters import BaseAdapter

from veririsk_assets.wire import responses
from veririsk_assets.wire.budget import Budget, MemoryState, PlanMemory, StateStore
from veririsk_assets.wire.clock import Clock
from veririsk_assets.wire.errors import BudgetExceededError, PermanentSourceError, PlanOnlyError, SourceError, TransientSourceError
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.rate_limit import TokenBucket
from veririsk_assets.wire.redaction import guard_transport_logs, redact

MAX_BYTES = 64 * 2**20
MAX_ATTEMPTS = 4
MAX_REDIRECTS = 3
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 30.0
CONNECT_TIMEOUT_SECONDS = 10.0
READ_TIMEOUT_SECONDS = 30.0
SHORTEST_TIMEOUT_SECONDS = 0.1


@dataclass(frozen=True)
class Reply:
    """A parsed answer and where it came from. `endpoint` is the URL without secrets, `pulled_at` aware UTC."""

    body: Any
    payload_hash: str
    pulled_at: datetime
    endpoint: str
    provider: str


Check = Callable[[Any], object]


@dataclass(frozen=True)
class _Call:
    """One request on its way, with what bounds it."""

    provider: Provider
    label: str
    request: PreparedRequest
    deadline: datetime
    is_optional: bool
    check: Check | None = None


class Wire:
    """Asks providers. One per source and hour: its deadline starts with the first call to a provider, and is never after `until`.

    `adapters`: URL prefix → transport, for simulated and recorded markets; None: the network.
    `state`: where budgets and pay walls are remembered.
    """

    def __init__(
        self,
        clock: Clock,
        adapters: Mapping[str, BaseAdapter] | None = None,
        state: StateStore | None = None,
        user_agent: str = "VeriRisk",
        deadline_seconds: float = 240.0,
        until: datetime | None = None,
        max_bytes: int = MAX_BYTES,
        rng: random.Random | None = None,
        timeouts: tuple[float, float] = (CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
    ) -> None:
        state = state if state is not None else MemoryState()
        self.clock = clock
        self._budget, self._plans = Budget(state), PlanMemory(state)
        self._deadline_seconds, self._until, self._max_bytes = deadline_seconds, until, max_bytes
        self._rng, self._timeouts = rng or random.Random(), timeouts
        self._deadlines: dict[str, datetime] = {}
        self._buckets: dict[str, TokenBucket] = {}
        self._session = _session(adapters, user_agent)

    def get_json(
        self,
        provider: Provider,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        label: str | None = None,
        is_optional: bool = False,
        check: Check | None = None,
    ) -> Reply:
        """GET `path` of the provider. `label` stands for it in stored rows; `is_optional` calls are the first to be refused.

        `check` may raise on a parsed reply: errors and empty lists that come with HTTP 200 are retried like others.
        Raises SourceError; every kind of it is final: retries are over.
        """
        request = Request("GET", provider.base_url + path, params=dict(params or {}), headers=dict(provider.headers) | dict(headers or {}))
        asked = f"?{urlencode(params)}" if params and label is None else ""
        label = path if label is None else label
        return self._ask(_Call(provider, label, self._prepared(request), self._deadline(provider), is_optional, check), asked)

    def post_json(
        self,
        provider: Provider,
        path: str,
        body: Any,
        headers: Mapping[str, str] | None = None,
        *,
        label: str | None = None,
        is_optional: bool = False,
        check: Check | None = None,
    ) -> Reply:
        """POST `body` as JSON; else like `get_json`."""
        request = Request("POST", provider.base_url + path, json=body, headers=dict(provider.headers) | dict(headers or {}))
        label = path if label is None else label
        return self._ask(_Call(provider, label, self._prepared(request), self._deadline(provider), is_optional, check))

    def _ask(self, call: "_Call", asked: str = "") -> Reply:
        self._plans.refuse(call.provider, call.label, self.clock.now())
        body, answer, came_at = self._retried(call)
        endpoint = redact(call.provider.base_url + call.label + asked)
        return Reply(answer, blake2b(body, digest_size=16).hexdigest(), came_at, endpoint, call.provider.name)

    def _retried(self, call: "_Call") -> tuple[bytes, Any, datetime]:
        name = call.provider.name
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                body = self._attempt(call)
                came_at = self.clock.now()  # reading a long body takes seconds that are not the source's
                answer = responses.parsed(body)
                if call.check is not None:
                    call.check(answer)
                return body, answer, came_at
            except TransientSourceError as error:
                wait = self._backoff(attempt, error)
                if attempt == MAX_ATTEMPTS or self.clock.now() + timedelta(seconds=wait) >= call.deadline:
                    raise TransientSourceError(f"{name}: gave up after {attempt} attempts: {error}", error.retry_after) from None
                self.clock.sleep(wait)
            except BudgetExceededError:
                raise
            except SourceError as error:
                if isinstance(error, PlanOnlyError):
                    self._plans.mark(call.provider, call.label, self.clock.now())
                raise type(error)(f"{name}: {error}") from None
        raise AssertionError("the last attempt returns or raises")

    def _attempt(self, call: "_Call") -> bytes:
        self._wait(self._bucket(call.provider).seconds_until_free(), call.deadline)
        self._bucket(call.provider).take()
        self._budget.reserve(call.provider, self.clock.now(), call.is_optional)
        # A call that broke off may have been charged: its credit stays spent.
        with self._send(call.request, call.deadline) as response:
            fault = responses.fault(response, self.clock.now())
            if fault is not None:
                self._budget.give_back(call.provider, self.clock.now())
                raise fault
            return responses.read(response, self._max_bytes, lambda: self._check_time(call.deadline))

    def _send(self, request: PreparedRequest, deadline: datetime) -> Response:
        for _ in range(MAX_REDIRECTS + 1):
            response = self._sent_once(request, deadline)
            target = response.headers.get("Location") if response.is_redirect else None
            if target is None:
                return response
            response.close()
            request = _redirected(request, target)
        raise PermanentSourceError(f"more than {MAX_REDIRECTS} redirects")

    def _sent_once(self, request: PreparedRequest, deadline: datetime) -> Response:
        left = max((deadline - self.clock.now()).total_seconds(), SHORTEST_TIMEOUT_SECONDS)
        timeout = (min(self._timeouts[0], left), min(self._timeouts[1], left))
        try:
            settings = self._session.merge_environment_settings(request.url or "", {}, True, None, None)
            return self._session.send(request, timeout=timeout, allow_redirects=False, **settings)
        except RequestException as error:
            raise TransientSourceError(f"no reply from {urlsplit(request.url or '').hostname} ({type(error).__name__})") from None

    def _prepared(self, request: Request) -> PreparedRequest:
        return self._session.prepare_request(request)

    def _deadline(self, provider: Provider) -> datetime:
        patient = self.clock.now() + timedelta(seconds=self._deadline_seconds)
        return self._deadlines.setdefault(provider.name, patient if self._until is None else min(patient, self._until))

    def _wait(self, seconds: float, deadline: datetime) -> None:
        if self.clock.now() >= deadline:
            raise TransientSourceError("no time is left before the deadline")
        if seconds <= 0:
            return
        if self.clock.now() + timedelta(seconds=seconds) >= deadline:
            raise TransientSourceError("the rate limit leaves no time before the deadline", retry_after=seconds)
        self.clock.sleep(seconds)

    def _check_time(self, deadline: datetime) -> None:
        if self.clock.now() > deadline:
            raise TransientSourceError("the reply was still coming at the deadline")

    def _backoff(self, attempt: int, error: TransientSourceError) -> float:
        """What the source asked for, else exponential with jitter, so that clients do not come back together."""
        if error.retry_after is not None:
            return error.retry_after
        return min(FIRST_WAIT_SECONDS * 2.0 ** (attempt - 1), LONGEST_WAIT_SECONDS) * self._rng.uniform(0.5, 1.0)

    def _bucket(self, provider: Provider) -> TokenBucket:
        if provider.name not in self._buckets:
            self._buckets[provider.name] = TokenBucket(self.clock, provider.requests_per_minute, provider.burst)
        return self._buckets[provider.name]


def _session(adapters: Mapping[str, BaseAdapter] | None, user_agent: str) -> Session:
    guard_transport_logs()
    session = Session()
    session.headers.update({"User-Agent": user_agent, "Accept": "application/json", "Accept-Encoding": "gzip"})
    # Proxies of the environment are for the network; a transport of our own has none.
    session.trust_env = adapters is None
    for prefix, adapter in (adapters or {}).items():
        session.mount(prefix, adapter)
    return session


def _redirected(request: PreparedRequest, target: str) -> PreparedRequest:
    """The same request at the new place, if that is on the same host: keys go nowhere else."""
    here = urlsplit(request.url or "")
    url = urljoin(request.url or "", target)
    there = urlsplit(url)
    if (there.scheme, there.netloc) != (here.scheme, here.netloc) or request.method != "GET":
        raise PermanentSourceError(f"a redirect to {there.hostname} is not followed")
    moved = request.copy()
    moved.url = url
    return moved
