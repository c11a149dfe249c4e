"""What each source's raw rows say about pools, in the columns of a snapshot.

One view per source, so that a new source is one function. Columns that a source does not know are absent.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from veririsk_assets.contracts.pools import PAIR_PREFIX
from veririsk_assets.snapshots.prices import PLATFORMS

STAMPS = ("available_at", "observed_at")
REFUSED, WORTHLESS = "its source gave no usable value", "its source says 0 USD of reserves that are not 0"
# A detail such as uniswap_v2_usdc_eth is a name of its own; one such as 0.05% tells twins apart.
NAME_LIKE = r"[a-z0-9]+(_[a-z0-9]+)+"


@dataclass(frozen=True)
class View:
    """`rows`: pool_id, available_at, observed_at, doubt (why there is no TVL), then snapshot columns; `pools`: pool_id, name, protocol, chain."""

    source: str
    rows: pd.DataFrame
    pools: pd.DataFrame


def defillama(raw: pd.DataFrame) -> View:
    """`defillama:<uuid>`: TVL, yield, daily volume. It gives no time of observation: the pull stands for it."""
    pool_id = "defillama:" + raw["pool"]
    rows = pd.DataFrame(
        {
            "pool_id": pool_id,
            "available_at": raw["available_at"],
            "observed_at": raw["pulled_at"],
            "tvl_usd": raw["tvl_usd"],
            "apy": raw["apy_pct"] / 100.0,
            "volume_24h_usd": raw["volume_24h_usd"],
        }
    )
    rows = _with_doubts(rows)
    detail = raw["pool_meta"].fillna("")
    name = raw["symbol"].fillna("?").where(detail == "", raw["symbol"].fillna("?") + " (" + detail + ")")
    name = name.where(~detail.str.fullmatch(NAME_LIKE), detail)
    return View("defillama", rows, _latest(pool_id, name, raw["project"], raw["chain"]))


def geckoterminal(raw: pd.DataFrame) -> View:
    """`<network>:<address>`: liquidity, balances of both tokens, hourly and daily volume."""
    pool_id = raw["network"] + ":" + raw["address"]
    rows = pd.DataFrame(
        {
            "pool_id": pool_id,
            "available_at": raw["available_at"],
            "observed_at": raw["observed_at"].fillna(raw["pulled_at"]),
            "tvl_usd": raw["reserve_usd"],
            "reserve0": raw["base_balance"],
            "reserve1": raw["quote_balance"],
            "volume_1h_usd": raw["volume_1h_usd"],
            "volume_24h_usd": raw["volume_24h_usd"],
            "token0": raw["base_token"],
            "token1": raw["quote_token"],
            "token0_address": raw["base_token_address"],
            "token1_address": raw["quote_token_address"],
            "platform": raw["network"].map(PLATFORMS),
        }
    )
    return View("geckoterminal", _with_doubts(rows), _latest(pool_id, raw["name"], raw["dex"], raw["network"]))


def thegraph(raw: pd.DataFrame) -> View:
    """`univ2:<pair>`: reserves, LP supply, cumulative volume. TVL is both reserves at the subgraph's prices."""
    pool_id = PAIR_PREFIX + raw["pair"]
    rows = pd.DataFrame(
        {
            "pool_id": pool_id,
            "available_at": raw["available_at"],
            "observed_at": raw["observed_at"].fillna(raw["pulled_at"]),
            "tvl_usd": raw["reserve_usd"],
            "reserve0": raw["reserve0"],
            "reserve1": raw["reserve1"],
            "lp_supply": raw["lp_supply"],
            "volume_usd_cum": raw["volume_usd_cum"],
            "token0": raw["token0"],
            "token1": raw["token1"],
            "token0_address": raw["token0_address"],
            "token1_address": raw["token1_address"],
            "platform": "ethereum",
        }
    )
    name = raw["token0"].str.upper() + "-" + raw["token1"].str.upper()
    return View("thegraph", _with_doubts(rows), _latest(pool_id, name, raw["dex"], pd.Series("ethereum", index=raw.index)))


def _with_doubts(rows: pd.DataFrame) -> pd.DataFrame:
    """A value that was refused is named as such, and so is 0 USD of reserves that are not 0: nobody knows then what they are worth."""
    worthless = rows["tvl_usd"].eq(0.0)
    if "reserve0" in rows:
        worthless &= rows["reserve0"].gt(0) & rows["reserve1"].gt(0)
        rows = rows.assign(tvl_usd=rows["tvl_usd"].mask(worthless))
    else:
        worthless &= False
    said = np.select([worthless, rows["tvl_usd"].isna()], [WORTHLESS, REFUSED], "")
    return rows.assign(doubt=said.astype(object))


VIEWS = {"defillama_pools": defillama, "geckoterminal_pools": geckoterminal, "thegraph_pairs": thegraph}


def _latest(pool_id: pd.Series, name: pd.Series, protocol: pd.Series, chain: pd.Series) -> pd.DataFrame:
    about = pd.DataFrame(
        {"pool_id": pool_id, "name": name.fillna("?"), "protocol": protocol.fillna("?"), "chain": chain.fillna("?").str.lower()}
    )
    return about.drop_duplicates("pool_id", keep="last")
