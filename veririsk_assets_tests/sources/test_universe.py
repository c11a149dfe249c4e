"""Which live pools are looked at."""

import pandas as pd

from veririsk_assets.sources.universe import COIN_IDS, is_named, named_addresses, named_ids


def pools(*rows: tuple[str, str, str, str | None, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["pool", "project", "symbol", "pool_meta", "tvl_usd"])
    return frame.assign(chain="Ethereum")


def test_a_named_pool_is_in_whatever_its_size_and_its_twins_are_not() -> None:
    seen = pools(
        ("v3-30", "uniswap-v3", "USDC-WETH", "0.3%", 10.0),
        ("v3-100", "uniswap-v3", "USDC-WETH", "1%", 10.0),
        ("v2", "uniswap-v2", "ETH-DAI", None, 10.0),
        ("aave", "aave-v3", "WETH", None, 50.0),
        ("aave-other", "aave-v3", "WETH", "lido-market", 20.0),
    )
    assert named_ids(seen) == {"v3-30", "v2", "aave"}
    assert is_named(seen).tolist() == [True, False, True, True, True]
    assert named_ids(seen.assign(chain="Base")) == set() and not is_named(seen.assign(chain="Base")).any()


def test_addresses_and_coins_are_well_formed_and_named_once() -> None:
    addresses = [address for network, address in named_addresses() if network == "eth"]
    assert all(len(a) == 42 and a == a.lower() and int(a, 16) for a in addresses)
    assert len(set(addresses)) == len(addresses) == 11
    assert len(set(COIN_IDS)) == len(COIN_IDS) <= 250
