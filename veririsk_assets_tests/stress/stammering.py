"""A world that stammers: live hosts that name half of a list, refuse, forget, exaggerate and spoof, while some pools really crash.

Everything is drawn from one seed. What is true of each pool at each hour is in `truth`; what hosts say of it is not.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

from veririsk_assets.contracts.windows import HOUR, PULL_DELAY, utc

START = utc("2026-03-01T00:00")
COUNT, PAIRS = 24, 6
# A host that is at fault is so for up to this long.
LONGEST_FAULT_HOURS = 10
CALM_HOURS = 30
_BUILDER = HTTPAdapter()


@dataclass(frozen=True)
class Crash:
    """A pool that loses `share` of its TVL over `hours` hours from `hour` on, and stays down. `gone`: delisted two days later."""

    pool: int
    hour: int
    share: float
    hours: int
    gone: bool


@dataclass
class World:
    """`truth`: hours × pools, USD, NaN where the pool is not there any more. The first CALM_HOURS know no fault."""

    seed: int
    hours: int
    truth: np.ndarray = field(init=False)
    crashes: list[Crash] = field(init=False)
    taken_out: dict[int, int] = field(init=False)
    said: list[list[dict[str, Any]]] = field(init=False)
    down: set[tuple[int, str]] = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        count = COUNT + PAIRS
        moves = rng.normal(0, 0.003, (self.hours, count))
        self.crashes = self._crashes(rng)
        for crash in self.crashes:
            moves[crash.hour : crash.hour + crash.hours, crash.pool] = np.log(1 - crash.share) / crash.hours
        self.truth = rng.uniform(1.5e6, 3e7, count) * np.exp(np.cumsum(moves, axis=0))
        for crash in self.crashes:
            if crash.gone:
                self.truth[crash.hour + 48 :, crash.pool] = np.nan
        # An adapter that fails: its pools are taken out with no fall before it.
        self.taken_out = {COUNT - 1: self.hours // 2, COUNT - 2: self.hours // 2}
        for pool, hour in self.taken_out.items():
            self.truth[hour:, pool] = np.nan
        self.said = [self._pools(hour) for hour in range(self.hours)]
        self.down = set()
        for spoil in (self._half_lists, self._values, self._hosts):
            spoil(rng)

    def _crashes(self, rng: np.random.Generator) -> list[Crash]:
        pools = rng.permutation(COUNT - 2 + PAIRS)[:10]
        pools = np.where(pools >= COUNT - 2, pools + 2, pools)
        hours = rng.integers(CALM_HOURS + 20, self.hours - 80, len(pools))
        return [
            Crash(int(p), int(h), float(rng.uniform(0.3, 0.97)), int(rng.choice([1, 4])), bool(p < COUNT and i % 3 == 0))
            for i, (p, h) in enumerate(zip(pools, hours, strict=True))
        ]

    def _pools(self, hour: int) -> list[dict[str, Any]]:
        known = [pool for pool in range(COUNT) if np.isfinite(self.truth[hour, pool])]
        return [
            {"pool": f"p{pool:02}", "chain": "Ethereum", "project": f"protocol-{pool % 4}", "symbol": f"T{pool}-WETH", "tvlUsd": float(self.truth[hour, pool]),
             "apy": 3.0, "volumeUsd1d": 1e5, "poolMeta": None, "exposure": "multi"}
            for pool in known
        ]  # fmt: skip

    def _spells(self, rng: np.random.Generator, count: int, longest: int = LONGEST_FAULT_HOURS) -> list[range]:
        starts = rng.integers(CALM_HOURS, self.hours - 60, count)
        return [range(int(start), int(start + rng.integers(1, longest + 1))) for start in starts]

    def _half_lists(self, rng: np.random.Generator) -> None:
        for spell in self._spells(rng, 8):
            kept = set(rng.permutation(COUNT)[: COUNT // 2].tolist())
            for hour in spell:
                self.said[hour] = [row for row in self.said[hour] if int(row["pool"][1:]) in kept]
        for value, spells in ((0, self._spells(rng, 4, 3)), (None, self._spells(rng, 3, 5))):
            for row in (row for spell in spells for hour in spell for row in self.said[hour][::2]):
                row["tvlUsd"] = value

    def _values(self, rng: np.random.Generator) -> None:
        """One pool's values, far from its own crash: refused, zero, wrong for up to four hours; spoofed for a day."""
        wrong: list[Callable[[dict[str, Any]], Any]] = [
            lambda row: row | {"tvlUsd": None}, lambda row: row | {"tvlUsd": -5.0}, lambda row: row | {"tvlUsd": "soon"}, lambda row: row | {"tvlUsd": 1e15},
            lambda row: row | {"tvlUsd": 0}, lambda row: row | {"tvlUsd": (row["tvlUsd"] or 0) * 10}, lambda row: row | {"tvlUsd": (row["tvlUsd"] or 0) / 10},
            lambda row: row | {"volumeUsd1d": -1.0, "apy": 1e300}, lambda row: row | {"symbol": "MOON\ud83d-WETH"}, lambda row: row | {"symbol": "=1+1" * 900},
            lambda row: row | {"tvlUsd": 3.14e10},
        ]  # fmt: skip
        for number, spell in enumerate(self._spells(rng, 60, 4)):
            pool, spoil = int(rng.integers(COUNT)), wrong[number % len(wrong)]
            if any(crash.pool == pool and abs(crash.hour - spell.start) < 40 for crash in self.crashes):
                continue
            for hour in spell:
                self.said[hour] = [spoil(row) if row["pool"] == f"p{pool:02}" else row for row in self.said[hour]]

    def _hosts(self, rng: np.random.Generator) -> None:
        for host in ("yields.llama.fi", "api.llama.fi", "graph.test"):
            for spell in self._spells(rng, 6, 5):
                self.down |= {(hour, host) for hour in spell}

    def answer(self, hour: int, host: str, body: str) -> tuple[int, Any]:
        if (hour, host) in self.down:
            return [(500, {"error": "later"}), (200, {"status": {"error_code": 429}}), (200, []), (429, {})][hour % 4]
        if host == "yields.llama.fi":
            return 200, {"status": "success", "data": self.said[hour]}
        if host == "api.llama.fi":
            return 200, self._protocols(hour)
        if host == "graph.test":
            return 200, self._graph(hour, json.loads(body))
        return 404, {"error": "no such host"}

    def _protocols(self, hour: int) -> list[dict[str, Any]]:
        """Half of the protocols; those of the others nobody knows, so that their pools' crashes have no support."""
        totals = [float(np.nansum(self.truth[hour, slug:COUNT:4])) for slug in range(2)]
        return [
            {"id": str(i), "slug": f"protocol-{i}", "name": f"P{i}", "category": "Dexs", "chain": "Ethereum", "tvl": total}
            for i, total in enumerate(totals)
        ]

    def _graph(self, hour: int, asked: dict[str, Any]) -> dict[str, Any]:
        """A subgraph that does what it is asked: pairs below the floor of the query are not in its reply."""
        floor = 8e5 if "reserveUSD_gte" in asked["query"] else 0.0
        ids = asked["variables"].get("ids")
        after = asked["variables"].get("after") or ""
        pairs = [self._pair(hour, number) for number in range(PAIRS)]
        wanted = [p for p in pairs if p["id"] > after and float(p["reserveUSD"]) >= floor and (ids is None or p["id"] in ids)]
        return {
            "data": {
                "pairs": wanted,
                "_meta": {"block": {"number": 1000 + hour, "timestamp": int((START + hour * HOUR + PULL_DELAY).timestamp()) - 60}},
            }
        }

    def _pair(self, hour: int, number: int) -> dict[str, Any]:
        tvl = float(self.truth[hour, COUNT + number])
        supply = tvl / float(self.truth[0, COUNT + number]) * 1000
        return {
            "id": f"0x{number + 1:040x}", "token0": {"id": f"0x{100 + number:040x}", "symbol": "USDC"}, "token1": {"id": f"0x{200 + number:040x}", "symbol": "WETH"},
            "reserve0": str(tvl / 2), "reserve1": str(tvl / 6000), "reserveUSD": str(tvl), "totalSupply": str(supply), "volumeUSD": str(1e6 + 1e3 * hour), "txCount": "9",
        }  # fmt: skip


class Transport(BaseAdapter):
    """The world at one hour."""

    def __init__(self, world: World, as_of: datetime) -> None:
        super().__init__()
        self._world, self._hour = world, round((as_of - START) / HOUR)

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        body = request.body.decode() if isinstance(request.body, bytes) else request.body or ""
        status, said = self._world.answer(self._hour, urlsplit(request.url or "").hostname or "", body)
        raw = HTTPResponse(
            body=BytesIO(json.dumps(said).encode()), headers={"Content-Type": "application/json"}, status=status, preload_content=False
        )
        return _BUILDER.build_response(request, raw)

    def close(self) -> None:
        """Nothing is held open."""
