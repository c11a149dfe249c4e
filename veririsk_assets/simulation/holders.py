"""Who holds the simulated pairs' LP tokens, and how The Graph would say it. The shares hardly move and foretell nothing."""

import json
import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any

import numpy as np

from veririsk_assets.simulation.catalogue import Pool
from veririsk_assets.simulation.onchain_replies import graph_error, meta
from veririsk_assets.simulation.replies import Hour
from veririsk_assets.simulation.tokens import address_of

HOLDERS_KEY = 2**43
HOLDERS = 30
ZERO = "0x" + "0" * 40
# Tokens that Uniswap V2 burns with the first deposit.
MINIMUM_LIQUIDITY = 1e-15
# The larger, the more the largest holder has: a Pareto tail, the same for every pool whatever its profile.
TAIL = 1.1
DAILY_NOISE = 0.02
_ALIAS = re.compile(r"(\w+)\s*:\s*liquidityPositions\(([^{]*)\{\s*pair\s*:\s*\$(\w+)")


def shares(seed: int, pool: Pool, day: int) -> np.ndarray:
    """What each of HOLDERS holders has of the supply, 0–1; together 1. The same holders in the same order every day."""
    rng = np.random.Generator(np.random.Philox(key=[seed, HOLDERS_KEY + pool.index]))
    sizes = rng.pareto(1 / TAIL, HOLDERS) + 0.05
    wobble = np.random.Generator(np.random.Philox(key=[seed, HOLDERS_KEY + (day + 1) * 2**20 + pool.index])).standard_normal(HOLDERS)
    sizes = sizes * np.exp(DAILY_NOISE * wobble)
    return sizes / sizes.sum()


def lp_positions(hour: Hour, body: str, missing: Collection[str] = ()) -> dict[str, Any]:
    """Aliased `liquidityPositions` by balance, a pair each, and `pairs` with their supplies, at the newest block."""
    asked = json.loads(body)
    variables = asked.get("variables") or {}
    aliases = _ALIAS.findall(asked["query"])
    if any("orderBy: liquidityTokenBalance" not in arguments for _, arguments, _ in aliases):
        return graph_error("positions are asked for by their balance")
    pairs = {pool.address: pool for pool in hour.market.pools if pool.onchain == "thegraph" and pool.address not in missing}
    data: dict[str, Any] = {}
    for alias, arguments, name in aliases:
        pool = pairs.get(variables.get(name, ""))
        first = re.search(r"first:\s*(\d+)", arguments)
        data[alias] = _positions(hour, pool)[: int(first.group(1)) if first else 100] if pool else []
    known = [pairs[name] for name in variables.get("ids", ()) if name in pairs]
    supplies = [{"id": pool.address, "totalSupply": f"{hour.values['lp_supply'][pool.index]:.12f}"} for pool in known]
    return {"data": data | {"pairs": supplies, "_meta": meta(hour)}}


def _positions(hour: Hour, pool: Pool) -> list[dict[str, Any]]:
    supply = hour.values["lp_supply"][pool.index]
    held = shares(hour.market.seed, pool, hour.row // 24) * supply
    balances = sorted([*zip(held.tolist(), _addresses(pool), strict=True), (MINIMUM_LIQUIDITY, ZERO)], reverse=True)
    return [{"user": {"id": holder}, "liquidityTokenBalance": f"{balance:.18f}"} for balance, holder in balances]


@lru_cache(maxsize=100_000)
def _addresses(pool: Pool) -> tuple[str, ...]:
    return tuple(address_of(f"holder:{pool.name}:{i}") for i in range(HOLDERS))
