"""Recorded pools as hourly panels: nothing but a folder with `pool_reserves_4h.parquet` is needed.

An observation is known from its own stamp on and serves at most 6 hours. Nothing is interpolated. What else the folder
knows of the world outside is read in `backtest_evidence`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from veririsk_assets.contracts.panel import Panel, precision
from veririsk_assets.contracts.pool_features import INPUTS, MARKET_INPUTS
from veririsk_assets.contracts.vocabulary import pool_key
from veririsk_assets.contracts.windows import HOUR, Window, floor_hour, utc
from veririsk_assets.panels.as_of import as_of_fill
from veririsk_assets.pipeline.backtest_evidence import Evidence, read_evidence

FILE_NAME = "pool_reserves_4h.parquet"
MAX_AGE_HOURS = 6.0
DAY = 24
COLUMNS = ("dex", "pool", "ts", "reserve0", "reserve1", "tvl_usd", "volume_usd_cum", "lp_supply")
ETH = "weth"
# Dollars by construction: the other side of a pair with one of them is priced in dollars by the pair itself.
DOLLARS = ("usdc", "usdt", "dai")


@dataclass(frozen=True)
class Recorded:
    """What a recording knows, by the hour: pool panel, market panel (one column), names by column, and the files' hashes."""

    pools: Panel
    market: Panel
    names: tuple[str, ...]
    data_hash: str
    evidence: dict[str, str] = field(default_factory=dict)


def read_recorded(folder: Path, start: datetime | None = None, end: datetime | None = None) -> Recorded:
    """The recording of a folder, between the hours given; a single file stands for itself, without a folder's evidence.

    Raises FileNotFoundError, or ValueError on missing columns or no rows.
    """
    file = folder if folder.suffix == ".parquet" else folder / FILE_NAME
    if not file.exists():
        raise FileNotFoundError(f"{folder} has no {FILE_NAME}")
    rows = pd.read_parquet(file)
    missing = [name for name in COLUMNS if name not in rows]
    if missing:
        raise ValueError(f"{file.name} lacks the columns {', '.join(missing)}")
    rows = _between(rows[list(COLUMNS)], start, end)
    if len(rows) < 2:
        raise ValueError(f"{file.name} has no rows between {start} and {end}")
    digest = sha256(file.read_bytes()).hexdigest()
    evidence = Evidence() if file == folder else read_evidence(folder, _span(rows))
    return recorded_panels(rows, digest, evidence)


def recorded_panels(rows: pd.DataFrame, data_hash: str, evidence: Evidence) -> Recorded:
    """Rows of the recording (COLUMNS) as panels over the hours that they span."""
    names = sorted({f"{dex}:{pool}" for dex, pool in zip(rows["dex"], rows["pool"], strict=True)}, key=pool_key)
    keys = np.array([pool_key(name) for name in names], dtype=np.int64)
    row_keys = (rows["dex"] + ":" + rows["pool"]).map(dict(zip(names, keys.tolist(), strict=True))).to_numpy(dtype=np.int64)
    stamps = rows["ts"].to_numpy(dtype="datetime64[us]")
    window = _span(rows)
    index, age = as_of_fill(stamps, stamps, row_keys, window, keys, MAX_AGE_HOURS)

    def grid(name: str) -> np.ndarray:
        return np.where(index >= 0, rows[name].to_numpy(dtype=np.float64)[index], np.nan)

    columns = _columns(grid, index.shape)
    columns["input_age_hours"] = age
    columns["is_tombstone"] = _gone_for_good(index)
    columns |= _outside_prices(names, evidence, index.shape)
    pools = Panel(window, keys, {name: np.asarray(values, dtype=precision(name)) for name, values in columns.items()})
    unknown = dict.fromkeys(MARKET_INPUTS, np.full((window.hours, 1), np.nan, dtype=np.float32))
    market = Panel(window, np.array([0]), unknown | evidence.market | {"eth_price_usd": _eth_price(columns, names)})
    return Recorded(pools, market, tuple(names), data_hash, evidence.files)


def _span(rows: pd.DataFrame) -> Window:
    stamps = rows["ts"]
    return Window(floor_hour(utc(pd.Timestamp(stamps.min()))) - HOUR, floor_hour(utc(pd.Timestamp(stamps.max()))))


def _outside_prices(names: list[str], evidence: Evidence, shape: tuple[int, int]) -> dict[str, np.ndarray]:
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


def _between(rows: pd.DataFrame, start: datetime | None, end: datetime | None) -> pd.DataFrame:
    stamps = pd.to_datetime(rows["ts"])
    stamps = stamps.dt.tz_convert("UTC").dt.tz_localize(None) if stamps.dt.tz is not None else stamps
    rows = rows.assign(ts=stamps)
    keep = np.ones(len(rows), dtype=bool)
    if start is not None:
        keep &= (stamps >= pd.Timestamp(utc(start)).tz_localize(None)).to_numpy()
    if end is not None:
        keep &= (stamps < pd.Timestamp(utc(end)).tz_localize(None)).to_numpy()
    return rows[keep].reset_index(drop=True)


def _gone_for_good(index: np.ndarray) -> np.ndarray:
    """Hours after a pool's last row although other pools go on. A gap that ends again is a gap of the recording, not an exit."""
    known = index >= 0
    last = np.where(known.any(axis=0), len(index) - 1 - np.argmax(known[::-1], axis=0), len(index))
    going_on = np.asarray(known.any(axis=1)).reshape(-1, 1)
    return np.asarray((np.arange(len(index)).reshape(-1, 1) > last) & going_on)


def _eth_price(columns: dict[str, np.ndarray], names: list[str]) -> np.ndarray:
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
