"""Recorded pools as hourly panels: nothing but a folder with `pool_reserves_4h.parquet` is needed.

An observation is known from its own stamp on and serves at most 6 hours. Nothing is interpolated. What else the folder
knows of the world outside is read in `backtest_evidence`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from veririsk_assets.contracts.panel import Panel, precision
from veririsk_assets.contracts.pool_features import INPUTS, SURROUNDING_INPUTS
from veririsk_assets.contracts.vocabulary import entity_key
from veririsk_assets.contracts.windows import HOUR, Window, floor_hour, naive, utc
from veririsk_assets.panels.as_of import as_of_fill
from veririsk_assets.pipeline.backtest_evidence import Evidence, read_evidence
from veririsk_assets.snapshots.suspects import INPUTS as SUSPECTS_LOOK_AT
from veririsk_assets.snapshots.suspects import suspects
from veririsk_assets.sources.recorded_file import Recording, located, recording
from veririsk_assets.sources.recorded_parquet import digest_of

MAX_AGE_HOURS = 6.0
DAY = 24
# More pool-hours than fit into the memory of a large workstation, at some 700 bytes each.
MOST_POOL_HOURS = 40_000_000
ETH = "weth"
# Dollars by construction: the other side of a pair with one of them is priced in dollars by the pair itself.
DOLLARS = ("usdc", "usdt", "dai")


@dataclass(frozen=True)
class Recorded:
    """What a recording knows, by the hour: pool panel, market panel (one column), names by column, and the files' hashes.

    `left_out`: in a sentence for each file what of it is not used.
    """

    pools: Panel
    market: Panel
    names: tuple[str, ...]
    data_hash: str
    evidence: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def read_recorded(path: Path, start: datetime | None = None, end: datetime | None = None) -> Recorded:
    """The recording of a folder, between the hours given; a single file stands for itself, without a folder's evidence.

    Raises FileNotFoundError, or ValueError on a file that cannot be used or has no rows then.
    """
    file, folder = located(path)
    seen = recording(path)
    rows = np.flatnonzero(_between(seen.at, start, end))
    if len(rows) < 2:
        first, last = (str(moment.astype("datetime64[m]")).replace("T", " ") for moment in (seen.at.min(), seen.at.max()))
        raise ValueError(f"{file} has no rows for the hours asked about: it runs from {first} to {last} UTC")
    window = _span(seen.at[rows])
    evidence = Evidence() if folder is None else read_evidence(folder, window)
    return recorded_panels(seen, rows, window, digest_of(file), evidence)


def recorded_panels(seen: Recording, rows: np.ndarray, window: Window, data_hash: str, evidence: Evidence) -> Recorded:
    """These rows of the recording as panels over the hours of the window."""
    named = [f"{seen.dexs[start]}:{seen.pools[start]}" for start, _ in seen.spans]
    keys_of = np.repeat([entity_key(name) for name in named], [end - start for start, end in seen.spans])[rows]
    keys = np.unique(keys_of)
    names = tuple(sorted({name for name in named if entity_key(name) in keys}, key=entity_key))
    _require_memory(window.hours, len(keys))
    index, age = as_of_fill(seen.at[rows], seen.at[rows], keys_of, window, keys, MAX_AGE_HOURS)

    def grid(name: str) -> np.ndarray:
        return np.where(index >= 0, seen.values[name][rows][index], np.nan)

    columns = _columns(grid, index.shape)
    columns["input_age_hours"] = age
    columns["is_tombstone"] = _gone_for_good(index)
    columns |= _outside_prices(names, evidence, index.shape)
    ether = _eth_price(columns, names)
    columns |= _doubts(columns, ether, window, keys)
    pools = Panel(window, keys, {name: np.asarray(values, dtype=precision(name)) for name, values in columns.items()})
    unknown = dict.fromkeys(SURROUNDING_INPUTS, np.full((window.hours, 1), np.nan, dtype=np.float32))
    market = Panel(window, np.array([0]), unknown | evidence.market | {"eth_price_usd": ether})
    left_out = tuple(filter(None, (seen.left_out, *evidence.left_out)))
    return Recorded(pools, market, names, data_hash, evidence.files, left_out)


def _doubts(columns: dict[str, np.ndarray], ether: np.ndarray, window: Window, keys: np.ndarray) -> dict[str, np.ndarray]:
    """Jumps that nothing else in the recording supports, and what is taken back, as live snapshots have them."""
    nothing = np.full((window.hours, len(keys)), np.nan)
    found = suspects(Panel(window, keys, dict.fromkeys(SUSPECTS_LOOK_AT, nothing) | columns), ether, window.hours)
    return {"is_suspect": found.is_suspect, "taken_back_hours": found.taken_back_hours}


def _span(at: np.ndarray) -> Window:
    first, last = (floor_hour(utc(pd.Timestamp(moment).to_pydatetime())) for moment in (at.min(), at.max()))
    return Window(first - HOUR, last)


def _require_memory(hours: int, pools: int) -> None:
    if hours * pools > MOST_POOL_HOURS:
        raise ValueError(f"{hours:,} h of {pools:,} pools do not fit into memory: give fewer hours with --from and --to, or fewer pools")


def _outside_prices(names: Sequence[str], evidence: Evidence, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Of both tokens of each pool, as its name says them."""
    prices = {f"price{side}_usd": np.full(shape, np.nan) for side in (0, 1)}
    for column, name in enumerate(names):
        for side, token in enumerate(name.partition(":")[2].split("&")[:2]):
            prices[f"price{side}_usd"][:, column] = evidence.price(token)
    return prices


def _columns(grid, shape: tuple[int, int]) -> dict[str, np.ndarray]:  # type: ignore[no-untyped-def]
    """INPUTS as far as the recording knows them: yields, hourly volumes and holders are unknown, and so are reserves at
    outside prices. They are up to four hours older than a price: their imbalance would be their age.
    """
    columns = {name: np.full(shape, np.nan) for name in INPUTS}
    reserve0, reserve1, total = grid("reserve0"), grid("reserve1"), grid("volume_usd_cum")
    columns["tvl_usd"], columns["lp_supply"] = grid("tvl_usd"), grid("lp_supply")
    with np.errstate(divide="ignore", invalid="ignore"):
        columns["price_ratio"] = np.where(reserve0 > 0, reserve1 / reserve0, np.nan)
    columns["volume_24h_usd"][DAY:] = np.maximum(total[DAY:] - total[:-DAY], 0.0)
    return columns


def _between(at: np.ndarray, start: datetime | None, end: datetime | None) -> np.ndarray:
    is_in = np.ones(len(at), dtype=bool)
    if start is not None:
        is_in &= at >= np.datetime64(naive(start))
    if end is not None:
        is_in &= at < np.datetime64(naive(end))
    return is_in


def _gone_for_good(index: np.ndarray) -> np.ndarray:
    """Hours after a pool's last row although other pools go on.

    A gap that ends again is a gap of the recording, and where half of the pools end within a day the recording does: neither is an exit.
    """
    known = index >= 0
    last = np.where(known.any(axis=0), len(index) - 1 - np.argmax(known[::-1], axis=0), len(index))
    lasts = np.sort(last)
    ended = np.searchsorted(lasts, last + DAY, side="right") - np.searchsorted(lasts, last - DAY, side="left")
    alive = len(last) - np.searchsorted(lasts, last - DAY, side="left")
    last = np.where((2 * ended >= alive) & (ended > 1), len(index), last)
    going_on = np.asarray(known.any(axis=1)).reshape(-1, 1)
    return np.asarray((np.arange(len(index)).reshape(-1, 1) > last) & going_on)


def _eth_price(columns: dict[str, np.ndarray], names: Sequence[str]) -> np.ndarray:
    """ETH in USD as the deepest pair of it with a dollar token trades it, hours × 1; NaN where there is no such pair.

    Which side is which is in the pair's name; the price is the pool's own at that hour, so it sees no future.
    """
    price, depth = np.full(columns["tvl_usd"].shape, np.nan), np.full(columns["tvl_usd"].shape, -1.0)
    for column, name in enumerate(names):
        first, _, second = name.partition(":")[2].partition("&")
        if (first in DOLLARS and second == ETH) or (first == ETH and second in DOLLARS):
            ratio = columns["price_ratio"][:, column]
            with np.errstate(divide="ignore", invalid="ignore"):
                price[:, column] = ratio if first == ETH else 1.0 / ratio
            depth[:, column] = np.nan_to_num(columns["tvl_usd"][:, column], nan=-1.0)
    deepest = np.argmax(depth, axis=1)
    return price[np.arange(len(price)), deepest][:, None]
