"""Recorded protocols by the day: what two files say of TVL, price, market capitalisation and volume.

`protocol_chain_tvl_daily`: TVL by protocol and chain at the start of a day. `protocol_market_daily`: TVL, and price, market
capitalisation and volume of a day, which are known when the day is over. Any folder with one or both of them, with these columns.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.tables import number
from veririsk_assets.sources.recorded_parquet import SUFFIX, digest_of
from veririsk_assets.sources.recorded_rows import Shape, read_rows

CHAINS, MARKET = "protocol_chain_tvl_daily", "protocol_market_daily"
_tvl = raw.DEFILLAMA_PROTOCOLS.column("tvl_usd")
SHAPES = {
    CHAINS: Shape("date", ("protocol", "chain"), {"tvl_usd": _tvl}),
    MARKET: Shape(
        "date",
        ("protocol",),
        {
            "tvl_usd": _tvl,
            "price_usd": number("price_usd", "Price of its token", "USD", gt=0.0, le=1e13),
            "market_cap_usd": number("market_cap_usd", "Market capitalisation of its token", **raw.USD),
            "volume_usd": number("volume_usd", "Volume of a day", **raw.USD),
        },
    ),
}
# Of a day, they are known with the next one.
OF_THE_DAY_BEFORE = ("price_usd", "market_cap_usd", "volume_usd")


@dataclass(frozen=True)
class RecordedProtocols:
    """`frame`: at (00:00 UTC), protocol, tvl_usd and, of the day before, price_usd, market_cap_usd, volume_usd; a row per protocol and day.

    `digests`: SHA-256 by file; `left_out`: in a sentence for each file what of it is not used.
    """

    frame: pd.DataFrame
    digests: dict[str, str]
    left_out: tuple[str, ...]


def recorded_protocols(folder: Path) -> RecordedProtocols:
    """Raises FileNotFoundError where the folder has neither file, ValueError for one that cannot be used."""
    files = {name: folder / f"{name}{SUFFIX}" for name in SHAPES}
    there = {name: file for name, file in files.items() if file.exists()}
    if not there:
        raise FileNotFoundError(f"{folder} has neither {' nor '.join(file.name for file in files.values())}")
    read = {name: read_rows(file, SHAPES[name]) for name, file in there.items()}
    days = {name: rows.assign(at=rows["at"].dt.floor("D")) for name, (rows, _) in read.items()}
    tvl = _of_chains(days[CHAINS]) if CHAINS in days else None
    market = _of_market(days[MARKET]) if MARKET in days else None
    said = (left_out.sentence(there[name]) for name, (_, left_out) in read.items())
    return RecordedProtocols(_together(tvl, market), {file.name: digest_of(file) for file in there.values()}, tuple(filter(None, said)))


def _of_chains(rows: pd.DataFrame) -> pd.DataFrame:
    """TVL of each protocol, all chains together; unknown on a day on which a chain is not heard of that is heard of again later."""
    parts = []
    for protocol, own in rows.groupby("protocol", sort=True):
        by_chain = own.pivot_table(index="at", columns="chain", values="tvl_usd", aggfunc="last").asfreq("D")
        silent = by_chain.isna() & by_chain.bfill().notna() & by_chain.ffill().notna()
        total = by_chain.sum(axis=1, min_count=1).mask(silent.any(axis=1))
        parts.append(pd.DataFrame({"at": total.index, "protocol": protocol, "tvl_usd": total.to_numpy()}))
    return pd.concat(parts, ignore_index=True)


def _of_market(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.drop_duplicates(["at", "protocol"], keep="last")
    known = rows[["at", "protocol", "tvl_usd"]]
    later = rows[["at", "protocol", *OF_THE_DAY_BEFORE]].assign(at=rows["at"] + pd.Timedelta(days=1))
    return known.merge(later, on=["at", "protocol"], how="outer")


def _together(tvl: pd.DataFrame | None, market: pd.DataFrame | None) -> pd.DataFrame:
    """One TVL for a protocol: its own chains' where they are recorded."""
    if tvl is None or market is None:
        only = market if tvl is None else tvl.assign(**dict.fromkeys(OF_THE_DAY_BEFORE, np.nan))
        assert only is not None
        return only.sort_values(["protocol", "at"], ignore_index=True)
    market = market.assign(tvl_usd=market["tvl_usd"].mask(market["protocol"].isin(tvl["protocol"].unique())))
    both = tvl.merge(market, on=["at", "protocol"], how="outer", suffixes=("", "_market"))
    both["tvl_usd"] = both["tvl_usd"].fillna(both.pop("tvl_usd_market"))
    return both.sort_values(["protocol", "at"], ignore_index=True)
