"""The recorded pools, read once for every command: rows that can be believed, sorted by pair and time, and what was left out."""

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts import raw
from veririsk_assets.sources.recorded_columns import shown
from veririsk_assets.sources.recorded_parquet import SUFFIX, version_of
from veririsk_assets.sources.recorded_rows import LeftOut, Shape, read_rows
from veririsk_assets.sources.recorded_span import far_from_the_rest, fault_of

FILE_NAME = f"pool_reserves_4h{SUFFIX}"
# What a live subgraph may say of a pair a recorded one may.
SAID_BY_PAIRS = {name: name for name in ("reserve0", "reserve1", "lp_supply", "volume_usd_cum", "tx_count_cum")} | {
    "tvl_usd": "reserve_usd"
}
SHAPE = Shape(
    time="ts",
    key=("dex", "pool"),
    texts=("token0", "token1"),
    numbers={name: raw.THEGRAPH_PAIRS.column(said) for name, said in SAID_BY_PAIRS.items()},
)


@dataclass(frozen=True)
class Recording:
    """Rows by (pair, time). `spans`: first and past-the-last row of each pair; `at`: UTC, datetime64[us]; `values` as in the file.

    `left_out` says in one sentence what of the file is not here; empty where all of it is.
    """

    ids: np.ndarray
    dexs: np.ndarray
    pools: np.ndarray
    tokens: tuple[np.ndarray, np.ndarray]
    at: np.ndarray
    seconds: np.ndarray
    values: dict[str, np.ndarray]
    spans: list[tuple[int, int]]
    left_out: str

    @property
    def first_second(self) -> int:
        return int(self.seconds.min())

    @property
    def last_second(self) -> int:
        return int(self.seconds.max())

    def pair_json(self, row: int) -> str:
        """One row as a pair of The Graph. `recorded` is ours: a reply has one block time, a recorded row its own."""
        said = {name: _decimal(values[row]) for name, values in self.values.items()}
        values = {
            "reserve0": said["reserve0"],
            "reserve1": said["reserve1"],
            "reserveUSD": said["tvl_usd"],
            "totalSupply": said["lp_supply"],
            "volumeUSD": said["volume_usd_cum"],
            "txCount": said["tx_count_cum"],
        }
        return self._pair(row, values, timestamp=int(self.seconds[row]))

    def silent_json(self, row: int) -> str:
        """The pair of a row where nothing is recorded of it: its name alone, at the time of the block."""
        return self._pair(row, {})

    def _pair(self, row: int, values: dict[str, str | None], **recorded: int) -> str:
        tokens = {f"token{side}": {"symbol": self.tokens[side][row]} for side in (0, 1)}
        pair = {"id": self.ids[row]} | tokens | values | {"recorded": recorded | {"dex": self.dexs[row]}}
        return json.dumps(pair, separators=(",", ":"))


def located(path: Path) -> tuple[Path, Path | None]:
    """The recorded file, which may be a folder of parts, and the folder that may hold evidence beside it: a file alone has none."""
    inside = path / FILE_NAME
    if inside.exists():
        return inside, path
    if path.is_file() or (path.is_dir() and path.suffix == SUFFIX):
        return path, None
    raise FileNotFoundError(f"no recorded file: {path} has no {FILE_NAME}")


def recording(path: Path) -> Recording:
    """Raises FileNotFoundError, or ValueError that says what is wrong with the file."""
    file, _ = located(path)
    return _recording(file.resolve(), version_of(file))


@lru_cache(maxsize=4)
def _recording(file: Path, version: tuple[tuple[str, int, int], ...]) -> Recording:  # noqa: ARG001 - a changed file is read again
    rows, left_out = read_rows(file, SHAPE)
    if not len(rows):
        raise ValueError(f"{file} has no rows")
    rows = _of_one_time(file, rows, left_out)
    # A provider without a price says 0 of a pool that is not empty.
    is_unpriced = (rows["tvl_usd"] == 0) & (rows["reserve0"] > 0) & (rows["reserve1"] > 0)
    left_out.forget(rows, "tvl_usd", is_unpriced.to_numpy(), "0 beside reserves")
    return _sorted(rows, left_out.sentence(file))


def _of_one_time(file: Path, rows: pd.DataFrame, left_out: LeftOut) -> pd.DataFrame:
    """Without the few rows that are far from all others. Raises ValueError where the rest is torn apart."""
    at = rows["at"].to_numpy(dtype="datetime64[us]")
    is_far = far_from_the_rest(at)
    rows = left_out.drop(rows, is_far, f"far from all others, as of {shown(at[np.argmax(is_far)])}").reset_index(drop=True)
    fault = fault_of(at[~is_far])
    if fault:
        raise ValueError(f"{file} cannot be used: {fault}")
    return rows


def _sorted(rows: pd.DataFrame, left_out: str) -> Recording:
    at = rows["at"].to_numpy(dtype="datetime64[us]")
    ids = _ids(rows)
    order = np.lexsort((at, ids))
    ids, at = ids[order], at[order]
    starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]])
    spans = list(zip(starts.tolist(), [*starts[1:].tolist(), len(ids)], strict=True))
    texts = {name: _texts(rows[name])[order] for name in ("dex", "pool", "token0", "token1")}
    ordered = {name: rows[name].to_numpy()[order] for name in SHAPE.numbers}
    # Rounded up: a row is never seen before its time.
    seconds = -(-at.astype(np.int64) // 10**6)
    return Recording(ids, texts["dex"], texts["pool"], (texts["token0"], texts["token1"]), at, seconds, ordered, spans, left_out)


def _ids(rows: pd.DataFrame) -> np.ndarray:
    """The pool's name; with its dex where two dexs have a pool of that name."""
    is_shared = rows.groupby("pool")["dex"].transform("nunique").to_numpy() > 1
    return np.where(is_shared, _texts(rows["dex"]) + ":" + _texts(rows["pool"]), _texts(rows["pool"])).astype(object)


def _texts(column: pd.Series) -> np.ndarray:
    return column.astype(object).where(column.notna(), "").to_numpy(dtype=object)


def _decimal(value: Any) -> str | None:
    number = float(value)
    return repr(number) if math.isfinite(number) else None
