"""Small recordings as careful and careless writers make them: one market, many files."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

FILE = "pool_reserves_4h.parquet"
POOLS = ("usdc&weth", "aave&weth", "bat&weth", "dai&weth")
FIRST = pd.Timestamp("2021-05-01T00:03:07")


def market(hours: int = 200, step_hours: int = 4) -> pd.DataFrame:
    """Rows sorted by pool and time; no value is said twice."""
    stamps = pd.date_range(FIRST, periods=hours // step_hours, freq=f"{step_hours}h").astype("datetime64[us]")
    frames = []
    for place, pool in enumerate(POOLS):
        tvl = 2e6 + 1e5 * place + 1e3 * np.arange(len(stamps))
        tokens = dict(zip(("token0", "token1"), pool.split("&"), strict=True))
        values = {"reserve0": tvl / 2, "reserve1": tvl / 4000, "tvl_usd": tvl, "volume_usd_cum": tvl / 7, "tx_count_cum": tvl // 1e3}
        frames.append(pd.DataFrame({"dex": "uni", "pool": pool, **tokens, "ts": stamps, **values, "lp_supply": 1e3 + place}))
    return pd.concat(frames, ignore_index=True)


def write(rows: pd.DataFrame, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(folder / FILE)
    return folder


def _stamped(make: Callable[[pd.Series], object]) -> Callable[[pd.DataFrame, Path], Path]:
    return lambda rows, folder: write(rows.assign(ts=make(rows["ts"])), folder)


def _counts(unit: str, kind: type = int) -> Callable[[pd.DataFrame, Path], Path]:
    return _stamped(lambda ts: ts.astype(f"datetime64[{unit}]").astype("int64").astype(kind))


def _arrow(rows: pd.DataFrame, folder: Path, name: str, column: pa.Array) -> Path:
    table = pa.Table.from_pandas(rows)
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.set_column(table.schema.get_field_index(name), name, column), folder / FILE)
    return folder


def _decimals(rows: pd.DataFrame, folder: Path) -> Path:
    return _arrow(rows, folder, "tvl_usd", pa.array([Decimal(f"{value:.6f}") for value in rows["tvl_usd"]], pa.decimal128(38, 6)))


def _parts(rows: pd.DataFrame, folder: Path) -> Path:
    """Of writers that disagree about types, with the notes that such folders have."""
    inside = folder / FILE / "batch"
    inside.mkdir(parents=True)
    half = len(rows) // 2
    rows.iloc[half:].to_parquet(inside / "part-1.parquet")
    one = rows.iloc[:half].assign(ts=lambda r: r["ts"].astype("int64"), tvl_usd=lambda r: r["tvl_usd"].astype(str))
    one.astype({"pool": "category"}).to_parquet(inside / "part-0.parquet")
    (folder / FILE / "_SUCCESS").touch()
    (inside / ".part-0.parquet.crc").write_bytes(b"crc")
    return folder


def _hive(rows: pd.DataFrame, folder: Path) -> Path:
    rows.to_parquet(folder / FILE, partition_cols=["dex", "pool"])
    return folder


def _named_folder(rows: pd.DataFrame, folder: Path) -> Path:
    """Neither is the path of a recording a part of it."""
    return write(rows, folder / "pool=other" / "ts=never")


SAME: dict[str, Callable[[pd.DataFrame, Path], Path]] = {
    **{f"counts_{unit}": _counts(unit) for unit in ("s", "ms", "us", "ns")},
    **{f"floats_{unit}": _counts(unit, float) for unit in ("s", "ms", "us", "ns")},
    **{f"texts_{unit}": _counts(unit, str) for unit in ("s", "ms", "us", "ns")},
    "offset": _stamped(lambda ts: (ts + pd.Timedelta(hours=2)).dt.strftime("%Y-%m-%dT%H:%M:%S+02:00")),
    "zone_as_word": _stamped(lambda ts: ts.dt.strftime("%Y-%m-%d %H:%M:%S UTC")),
    "zoned": _stamped(lambda ts: ts.dt.tz_localize("UTC").dt.tz_convert("America/New_York")),
    "unsorted": lambda rows, folder: write(rows.sample(frac=1, random_state=1), folder),
    "index": lambda rows, folder: write(rows.set_index("ts"), folder),
    "two_indexes": lambda rows, folder: write(rows.set_index(["pool", "ts"]), folder),
    "categories": lambda rows, folder: write(rows.astype(dict.fromkeys(("dex", "pool", "token0"), "category")), folder),
    "bytes": lambda rows, folder: write(rows.assign(pool=rows["pool"].str.encode("utf-8")), folder),
    "blanks": lambda rows, folder: write(rows.assign(pool=" " + rows["pool"]), folder),
    "decimals": _decimals,
    "texts": lambda rows, folder: write(rows.astype({"tvl_usd": str, "lp_supply": str}), folder),
    "whole": lambda rows, folder: write(rows.astype({"tvl_usd": "int64", "tx_count_cum": "int32"}), folder),
    "parts": _parts,
    "hive": _hive,
    "named_folder": _named_folder,
}
