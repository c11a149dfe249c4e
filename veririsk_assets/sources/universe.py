"""Which live pools are looked at: those that are large, and those that the report names whatever their size."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

# A pool that entered stays until it has been below this share of the entry TVL for long, so that it does not flicker.
LEAVING_SHARE = 0.8


@dataclass(frozen=True)
class Named:
    """A pool that the report names, as DeFiLlama lists it on Ethereum; tokens in any order, ETH = WETH."""

    project: str
    tokens: frozenset[str]
    detail: str = ""


def _named(project: str, *symbols: str, detail: str = "") -> tuple[Named, ...]:
    return tuple(Named(project, _tokens(symbol), detail) for symbol in symbols)


def _tokens(symbol: str) -> frozenset[str]:
    return frozenset("WETH" if token == "ETH" else token for token in symbol.upper().split("-"))


NAMED: tuple[Named, ...] = (
    *_named("uniswap-v2", "USDC-WETH", "DAI-WETH", "WETH-USDT", "WBTC-WETH"),
    *_named("uniswap-v3", "USDC-WETH", detail="0.3%"),
    *_named("uniswap-v3", "USDC-WETH", detail="0.05%"),
    *_named("uniswap-v3", "DAI-USDC", detail="0.01%"),
    *_named("aave-v3", "WETH", "USDC", "DAI", "WBTC"),
    *_named("compound-v2", "ETH", "USDC", "DAI", "USDT"),
    *_named("curve-dex", "DAI-USDC-USDT", "ETH-STETH", "FRAX-USDC", "FRAX-3CRV"),
)
NAMED_PROJECTS = frozenset(named.project for named in NAMED)
ADDRESSES: tuple[str, ...] = (
    # Uniswap V2: USDC, DAI, USDT, WBTC against WETH.
    "0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc",
    "0xa478c2975ab1ea89e8196811f51a7b7ade33eb11",
    "0x0d4a11d5eeaac28ec3f61d100daf4d40471f1852",
    "0xbb2b8038a1640196fbe3e38816f3e67cba72d940",
    # Uniswap V3: USDC-WETH 0.3 % and 0.05 %, DAI-USDC 0.01 %.
    "0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8",
    "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640",
    "0x5777d92f208679db4b9778590fa3cab3ac9e2168",
    # Curve: 3pool, stETH, FRAX-USDC, FRAX-3CRV.
    "0xbebc44782c7db0a1a60cb6fe97d0b483032ff1c7",
    "0xdc24316b9ae028f1497c275eb9192a3ea0f67022",
    "0xdcef968d416a41cdac0ed8702fac8128a64241a2",
    "0xd632f22692fac7611d2aa1c0d552930d43caed3b",
)
# Tokens of the named pools, the market as a whole, and large tokens of volatile pairs. Ids that are gone are missing.
# fmt: off
COIN_IDS: tuple[str, ...] = (
    "bitcoin", "ethereum", "weth", "wrapped-bitcoin", "usd-coin", "tether", "dai", "frax", "staked-ether", "wrapped-steth",
    "rocket-pool-eth", "coinbase-wrapped-staked-eth", "usds", "ethena-usde", "paypal-usd", "true-usd", "liquity-usd",
    "gemini-dollar", "paxos-standard", "crvusd", "nusd", "chainlink", "uniswap", "aave", "curve-dao-token", "maker",
    "compound-governance-token", "lido-dao", "havven", "yearn-finance", "sushi", "balancer", "rocket-pool", "convex-finance",
    "frax-share", "ethereum-name-service", "the-graph", "matic-network", "arbitrum", "optimism", "shiba-inu", "pepe", "1inch",
    "loopring", "basic-attention-token", "0x", "kyber-network-crystal", "uma", "bancor", "ren", "republic-protocol", "fei-usd",
    "rai", "ampleforth", "alchemix", "badger-dao", "cream-2", "spell-token", "dydx", "gmx", "pendle", "solana", "avalanche-2",
    "binancecoin",
)
# fmt: on


def named_addresses() -> list[tuple[str, str]]:
    """(network, address) of the named pools that trade; lending pools have no address at GeckoTerminal."""
    return [("eth", address) for address in ADDRESSES]


def is_named(pools: pd.DataFrame) -> np.ndarray:
    """Which rows of raw/defillama_pools are like one of the report's pools, whatever their size."""
    return np.array([bool(_matching(*row)) for row in _described(pools)], dtype=bool)


def named_ids(pools: pd.DataFrame) -> set[str]:
    """Per named pool the largest row of one pull that matches: markets of the same token are listed beside the main one."""
    found: dict[Named, str] = {}
    ranked = pools.sort_values(["tvl_usd", "pool"], ascending=[False, True])
    for pool, row in zip(ranked["pool"], _described(ranked), strict=True):
        for named in _matching(*row):
            found.setdefault(named, pool)
    return set(found.values())


def _described(pools: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    return zip(*(pools[name] for name in ("chain", "project", "symbol", "pool_meta")), strict=True)


def _matching(chain: object, project: object, symbol: object, detail: object) -> list[Named]:
    if chain != "Ethereum" or project not in NAMED_PROJECTS or not isinstance(symbol, str):
        return []
    tokens = _tokens(symbol)
    return [n for n in NAMED if n.project == project and tokens == n.tokens and (not n.detail or detail == n.detail)]
