"""Which pools a live home follows: the large ones, and those that the Phase-2 report names."""

import pandas as pd

LEAVE_RATIO = 0.8
# project, chain, symbols: how DeFiLlama writes the report's named pools.
NAMED_POOLS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("uniswap-v2", "Ethereum", ("USDC-WETH", "DAI-WETH", "WETH-USDT", "WBTC-WETH")),
    ("uniswap-v3", "Ethereum", ("USDC-WETH", "DAI-USDC")),
    ("aave-v3", "Ethereum", ("WETH", "USDC", "DAI", "WBTC")),
    ("compound-v2", "Ethereum", ("ETH", "USDC", "DAI", "USDT")),
    ("curve-dex", "Ethereum", ("DAI-USDC-USDT", "ETH-STETH", "FRAX-USDC")),
)
# Ethereum mainnet pools of the same list that GeckoTerminal knows by address.
NAMED_ADDRESSES: tuple[str, ...] = (
    "0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc",  # Uniswap V2 USDC-WETH
    "0xa478c2975ab1ea89e8196811f51a7b7ade33eb11",  # Uniswap V2 DAI-WETH
    "0x0d4a11d5eeaac28ec3f61d100daf4d40471f1852",  # Uniswap V2 WETH-USDT
    "0xbb2b8038a1640196fbe3e38816f3e67cba72d940",  # Uniswap V2 WBTC-WETH
    "0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8",  # Uniswap V3 USDC-WETH 0.3 %
    "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640",  # Uniswap V3 USDC-WETH 0.05 %
    "0x5777d92f208679db4b9778590fa3cab3ac9e2168",  # Uniswap V3 DAI-USDC 0.01 %
    "0xbebc44782c7db0a1a60cb6fe97d0b483032ff1c7",  # Curve 3pool
    "0xdc24316b9ae028f1497c275eb9192a3ea0f67022",  # Curve stETH
    "0xdcef968d416a41cdac0ed8702fac8128a64241a2",  # Curve FRAX-USDC
)


def named_addresses() -> list[tuple[str, str]]:
    """(network, address) of the report's named pools."""
    return [("eth", address) for address in NAMED_ADDRESSES]


def is_named(pools: pd.DataFrame) -> pd.Series:
    """Which rows of raw/defillama_pools are the report's."""
    named = pd.Series(False, index=pools.index)
    for project, chain, symbols in NAMED_POOLS:
        named |= (pools["project"] == project) & (pools["chain"] == chain) & pools["symbol"].str.upper().isin(symbols)
    return named


def choose(pools: pd.DataFrame, previous: set[str], min_tvl_usd: float) -> set[str]:
    """Pool uuids of one pull: those at or above the TVL, those already followed above 80 % of it, and the named ones."""
    large = pools["tvl_usd"] >= min_tvl_usd
    stays = pools["pool"].isin(previous) & (pools["tvl_usd"] >= LEAVE_RATIO * min_tvl_usd)
    return set(pools.loc[large | stays | is_named(pools), "pool"])
