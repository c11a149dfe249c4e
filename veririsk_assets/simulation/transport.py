"""The simulated market as a `requests` adapter, built for one `as_of`, which is also the clock of whoever asks.

Clients cannot tell it from the network: they get real `requests.Response` objects, with headers, status and bytes.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.exceptions import ReadTimeout
from urllib3 import HTTPResponse

from veririsk_assets.contracts.windows import PULL_DELAY, floor_hour
from veririsk_assets.simulation import climate_replies, holders, onchain_replies, protocol_replies, replies
from veririsk_assets.simulation.faults import STATUSES, Fault
from veririsk_assets.simulation.market import BeforeTheMarket, Market
from veririsk_assets.simulation.replies import Hour

_BUILDER = HTTPAdapter()


@dataclass(frozen=True)
class Asked:
    """A request taken apart: groups of the path, query parameters, body."""

    path: dict[str, str]
    query: dict[str, str]
    body: str


def _ids(text: str | None) -> set[str] | None:
    return {part for part in text.split(",") if part} if text else None


def _markets(hour: Hour, asked: Asked, missing: frozenset[str]) -> Any:
    page, per_page = int(asked.query.get("page", 1)), int(asked.query.get("per_page", 100))
    ids = _ids(asked.query.get("ids"))
    # Without names the page lists what the pools hold.
    of_protocols = protocol_replies.tokens(hour, ids) if ids and page == 1 else []
    return replies.coingecko_markets(hour, ids, page, min(per_page, replies.PER_PAGE), missing) + of_protocols


def _gecko(hour: Hour, asked: Asked, missing: frozenset[str]) -> Any:
    addresses = _ids(asked.path["addresses"]) or set()
    return onchain_replies.geckoterminal_pools(hour, asked.path["network"], addresses, "include" in asked.query, missing)


Answer = Callable[[Hour, Asked, frozenset[str]], Any]


@dataclass(frozen=True)
class Route:
    """`where`: a pattern of host and path; `says`: a word of the body, for what shares an address with another."""

    name: str
    where: re.Pattern[str]
    answer: Answer
    says: str = ""


def _route(name: str, where: str, answer: Answer, says: str = "") -> Route:
    return Route(name, re.compile(where), answer, says)


API = r"(api\.llama\.fi|pro-api\.llama\.fi/[^/]+/api)"
SUBGRAPH = r"gateway\.thegraph\.com/api/.+/id/[^/]+"
# Free and pro hosts alike; keys in paths are not looked at.
ROUTES: tuple[Route, ...] = (
    _route("defillama_pools", r"(yields\.llama\.fi|pro-api\.llama\.fi/[^/]+/yields)/pools", lambda h, a, m: replies.defillama_pools(h, m)),
    _route("defillama_protocols", rf"{API}/protocols", lambda h, a, m: protocol_replies.defillama_protocols(h, m)),
    _route("defillama_volumes", rf"{API}/overview/(?P<metric>dexs|fees)", lambda h, a, m: protocol_replies.overview(h, a.path["metric"])),
    _route("defillama_tvl_days", rf"{API}/protocol/(?P<slug>[^/]+)", lambda h, a, m: protocol_replies.protocol(h, a.path["slug"])),
    _route(
        "defillama_volume_days",
        rf"{API}/summary/(?P<metric>dexs|fees)/(?P<slug>[^/]+)",
        lambda h, a, m: protocol_replies.summary(h, a.path["metric"], a.path["slug"]),
    ),
    _route("defillama_chain_tvl_days", rf"{API}/v2/historicalChainTvl", lambda h, a, m: protocol_replies.chain_tvl(h)),
    _route(
        "coingecko_coin_days",
        r"(pro-)?api\.coingecko\.com/api/v3/coins/(?P<coin>[^/]+)/market_chart",
        lambda h, a, m: protocol_replies.market_chart(h, a.path["coin"], a.query.get("days", "1")),
    ),
    _route("coingecko_markets", r"(pro-)?api\.coingecko\.com/api/v3/coins/markets", _markets),
    _route("coingecko_coins", r"(pro-)?api\.coingecko\.com/api/v3/coins/list", lambda h, a, m: replies.coingecko_coins(h, m)),
    _route(
        "geckoterminal_pools",
        r"(api\.geckoterminal\.com/api/v2|(pro-)?api\.coingecko\.com/api/v3/onchain)/networks/(?P<network>[^/]+)/pools/multi/(?P<addresses>[^/]+)",
        _gecko,
    ),
    _route("thegraph_lp_positions", SUBGRAPH, lambda h, a, m: holders.lp_positions(h, a.body, m), says="liquidityPositions"),
    _route("thegraph_pairs", SUBGRAPH, lambda h, a, m: onchain_replies.thegraph_pairs(h, a.body, m)),
    _route("hyperliquid_markets", r"api\.hyperliquid\.xyz/info", lambda h, a, m: climate_replies.hyperliquid_markets(h, a.body, m)),
    _route(
        "stablecoins",
        r"(stablecoins\.llama\.fi|pro-api\.llama\.fi/[^/]+/stablecoins)/stablecoins",
        lambda h, a, m: climate_replies.stablecoins(h, m),
    ),
    _route("fear_greed", r"api\.alternative\.me/fng", lambda h, a, m: climate_replies.fear_greed(h, int(a.query.get("limit", 1)))),
    _route("eth_gas", r"ethereum\.replayed\.invalid/rpc", lambda h, a, m: climate_replies.ethereum(h, a.body)),
    _route("aave_reserves", r"aave\.replayed\.invalid/subgraph", lambda h, a, m: climate_replies.aave_reserves(h, a.body, m)),
)
ENDPOINTS = tuple(route.name for route in ROUTES)


class SimulatedTransport(BaseAdapter):
    """Answers what the sources would say at `as_of` + 27 min. Mount it on `https://` of a session.

    `faults`: endpoint name (`ENDPOINTS`) to a `Fault`. `sleep` moves its clock instead of waiting.
    """

    def __init__(self, market: Market, as_of: datetime, faults: Mapping[str, Fault] | None = None) -> None:
        super().__init__()
        self.market, self.as_of = market, floor_hour(as_of)
        self.faults = dict(faults or {})
        self.requests_seen: list[str] = []
        self._now = self.as_of + PULL_DELAY
        self._hour: Hour | None = None

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        url = urlsplit(request.url or "")
        where = f"{url.hostname}{url.path.rstrip('/')}"
        body = _text(request.body)
        for route in ROUTES:
            found = route.where.fullmatch(where)
            if found and route.says in body:
                self.requests_seen.append(route.name)
                query = {key: values[-1] for key, values in parse_qs(url.query).items()}
                return self._respond(request, route, Asked(found.groupdict(), query, body))
        return self._response(request, 404, _json({"error": "not found"}))

    def close(self) -> None:
        """Nothing is held open."""

    def _respond(self, request: PreparedRequest, route: Route, asked: Asked) -> Response:
        fault = self.faults.get(route.name)
        fault = fault if fault is not None and fault.strikes() else None
        if fault is not None and fault.kind == "timeout":
            raise ReadTimeout(f"simulated read timeout of {route.name}", request=request)
        if fault is not None and fault.kind in STATUSES:
            retry = {"Retry-After": str(fault.retry_after_seconds)} if fault.kind == "rate_limited" else {}
            return self._response(request, STATUSES[fault.kind], _json({"error": fault.kind}), retry)
        try:
            self._hour = self._hour or Hour(self.market, self.as_of)
        except BeforeTheMarket as error:
            return self._response(request, 404, _json({"error": str(error)}))
        try:
            said = route.answer(self._hour, asked, fault.ids if fault else frozenset())
        except protocol_replies.UnknownName as error:
            return self._response(request, 404, _json({"message": str(error)}))
        return self._response(request, 200, _spoiled(said, fault))

    def _response(self, request: PreparedRequest, status: int, body: bytes, extra: Mapping[str, str] | None = None) -> Response:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Content-Length": str(len(body)),
            "Date": format_datetime(self._now, usegmt=True),
        } | dict(extra or {})
        raw = HTTPResponse(body=BytesIO(body), headers=headers, status=status, preload_content=False)
        return _BUILDER.build_response(request, raw)


def _spoiled(reply: Any, fault: Fault | None) -> bytes:
    """The reply's bytes, with the fault that bodies can have."""
    kind = fault.kind if fault else ""
    if kind == "graph_error":
        return _json(onchain_replies.graph_error("indexing_error"))
    body = _json(reply)
    if fault is not None and kind == "huge":
        return body[:-1] + b" " * fault.huge_bytes + body[-1:]
    return body[: len(body) // 2] if kind == "truncated" else body


def _json(reply: Any) -> bytes:
    return json.dumps(reply, separators=(",", ":")).encode()


def _text(body: Any) -> str:
    return body.decode() if isinstance(body, bytes) else body or ""
