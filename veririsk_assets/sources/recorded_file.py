"""Reads a recorded file once: columns checked, rows sorted by pair and time."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FILE_NAME = "pool_reserves_4h.parquet"
VALUES = ("reserve0", "reserve1", "tvl_usd", "lp_supply", "volume_usd_cum", "tx_count_cum")
COLUMNS = ("dex", "pool", "token0", "token1", "ts", *VALUES)


@dataclass(frozen=True)
class Recording:
    """Rows by (pair, time). `spans`: first and past-the-last row of each pair; `seconds`: unix; `values` as in the file."""

    ids: np.ndarray
    dexs: np.ndarray
    tokens: tuple[np.ndarray, np.ndarray]
    seconds: np.ndarray
    values: dict[str, np.ndarray]
    spans: list[tuple[int, int]]

    @property
    def first_second(self) -> int:
        return int(self.seconds.min())

    @property
    def last_second(self) -> int:
        return int(self.seconds.max())

    def pair_json(self, row: int) -> str:
        """One row as a pair of The Graph. `recorded` is ours: a reply has one block time, a recorded row its own."""
        said = {name: _decimal(values[row]) for name, values in self.values.items()}
        pair = {
            "id": self.ids[row],
            "token0": {"symbol": self.tokens[0][row]},
            "token1": {"symbol": self.tokens[1][row]},
            "reserve0": said["reserve0"],
            "reserve1": said["reserve1"],
            "reserveUSD": said["tvl_usd"],
            "totalSupply": said["lp_supply"],
            "volumeUSD": said["volume_usd_cum"],
            "txCount": said["tx_count_cum"],
            "recorded": {"timestamp": int(self.seconds[row]), "dex": self.dexs[row]},
        }
        return json.dumps(pair, separators=(",", ":"))


def recording(path: Path) -> Recording:
    """Raises ValueError that says what is wrong with the file."""
    file = path / FILE_NAME if path.is_dir() else path
    if not file.is_file():
        raise ValueError(f"no recorded file at {file}")
    seen = file.stat()
    return _read(file.resolve(), seen.st_mtime_ns, seen.st_size)


@lru_cache(maxsize=4)
def _read(file: Path, changed_at: int, size: int) -> Recording:  # noqa: ARG001 - a changed file is read again
    return _sorted(read_columns(file, COLUMNS), file)


def read_columns(file: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Raises ValueError where the file has not all of them or is no Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        missing = [name for name in columns if name not in pq.read_schema(file).names]
        if missing:
            raise ValueError(f"{file} lacks the columns {', '.join(missing)}")
        return pq.read_table(file, columns=list(columns)).to_pandas()
    except (OSError, pa.ArrowException) as error:
        raise ValueError(f"{file} cannot be read as Parquet: {error}") from None


def naive_stamps(column: pd.Series) -> pd.Series:
    """To microseconds at once: the number of a stamp depends on the unit it is held in. Raises ValueError or TypeError."""
    return pd.to_datetime(column, utc=True).dt.tz_localize(None).astype("datetime64[us]")


def _sorted(rows: pd.DataFrame, file: Path) -> Recording:
    try:
        stamps = naive_stamps(rows["ts"])
        values = {name: rows[name].to_numpy(dtype=np.float64) for name in VALUES}
    except (ValueError, TypeError) as error:
        raise ValueError(f"{file} holds columns of a wrong type: {error}") from None
    usable = (stamps.notna() & rows["pool"].notna()).to_numpy()
    if not usable.any():
        raise ValueError(f"{file} has no rows")
    ids = _ids(rows)
    # Rounded up: a row is never seen before its time.
    seconds = -(-stamps.to_numpy().astype(np.int64) // 10**6)
    order = np.flatnonzero(usable)
    order = order[np.lexsort((seconds[order], ids[order]))]
    ids = ids[order]
    starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]])
    spans = list(zip(starts.tolist(), [*starts[1:].tolist(), len(ids)], strict=True))
    texts = {name: _texts(rows[name])[order] for name in ("dex", "token0", "token1")}
    ordered = {name: array[order] for name, array in values.items()}
    return Recording(ids, texts["dex"], (texts["token0"], texts["token1"]), seconds[order], ordered, spans)


def _ids(rows: pd.DataFrame) -> np.ndarray:
    """The pool's name; with its dex where two dexs have a pool of that name."""
    is_shared = rows.groupby("pool")["dex"].transform("nunique").to_numpy() > 1
    return np.where(is_shared, _texts(rows["dex"]) + ":" + _texts(rows["pool"]), _texts(rows["pool"])).astype(object)


def _texts(column: pd.Series) -> np.ndarray:
    return column.astype(object).where(column.notna(), "").to_numpy(dtype=object)


def _decimal(value: Any) -> str | None:
    number = float(value)
    return repr(number) if math.isfinite(number) else None
