"""The ten features of the report against the ways people usually compute them: one run, the same data, results kept.

    python -m bench.features [POOLS]

Prints a table and writes nothing but a temporary Parquet file. Exits with 1 where somebody disagrees with the naive loop. Everybody starts from data in memory, except the bare scan and
DuckDB, which start from that file; `read + features` starts from it too.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from veririsk_assets.contracts.panel import Panel, scatter
from veririsk_assets.contracts.pool_features import FEATURE_NAMES, INPUTS, LOOKBACK_HOURS, PHASE2_NAMES, SURROUNDING_INPUTS
from veririsk_assets.contracts.windows import Window
from veririsk_assets.features.early_warning import SIGNALS, early_warning_score, terms
from veririsk_assets.features.pools import build_features, known_tvl, phase2_features
from veririsk_assets.panels.rolling import Over, returns

POOLS, HOURS, SAMPLE = 2_000, 2_160, 100
ONE_HOUR_POOLS = 20_000
COLUMNS = ("tvl_usd", "reserve0_usd", "reserve1_usd", "volume_1h_usd")
NINE = PHASE2_NAMES[:-1]
Frame = pd.DataFrame
Times = dict[str, np.ndarray]  # wall and processor seconds


def walks(hours: int, pools: int) -> Panel:
    """Random walks with 1 % gaps."""
    rng = np.random.default_rng(7)

    def walk(size: float) -> np.ndarray:
        return np.exp(np.cumsum(rng.standard_normal((hours, pools), dtype=np.float32) * np.float32(size), axis=0, dtype=np.float32))

    tvl, uneven = 1e6 * walk(0.01), rng.random((hours, pools), dtype=np.float32) * np.float32(0.3)
    tvl[rng.random((hours, pools), dtype=np.float32) < 0.01] = np.nan
    inputs = {"tvl_usd": tvl, "reserve0_usd": tvl * (1 + uneven) / 2, "reserve1_usd": tvl * (1 - uneven) / 2}
    inputs |= {"volume_1h_usd": tvl * (uneven + 1) / 50, "volume_24h_usd": tvl / 3, "price_ratio": walk(0.005), "lp_supply": walk(0.004)}
    inputs |= {"apy": uneven, "input_age_hours": uneven, "price0_usd": walk(0.006), "price1_usd": walk(0.003)}
    inputs |= {"lp_top1_share": uneven, "lp_top5_share": uneven * 2, "taken_back_hours": np.zeros_like(uneven)}
    window = Window.ending("2026-03-31", hours)
    return Panel(window, np.arange(pools), {name: inputs[name].astype(np.float32) for name in INPUTS})


def ours(panel: Panel) -> dict[str, np.ndarray]:
    tvl = known_tvl(panel)
    features = phase2_features(panel, tvl, returns(tvl), Over(panel.window.hours))
    return features | {"early_warning_score": early_warning_score(features)}


def naive(rows: Frame) -> Frame:
    """A loop over pools, pandas inside: how the report does it."""
    parts = []
    for key in rows["pool_key"].unique():
        pool = rows[rows["pool_key"] == key].copy()
        _columns(pool, pool["tvl_usd"], pool["volume_1h_usd"], lambda x, h, known: x.rolling(h, known), lambda x, h: x.shift(h))
        parts.append(pool)
    return pd.concat(parts)


def groupby(rows: Frame) -> Frame:
    """One frame, windows by groupby."""
    rows, key = rows.copy(), rows["pool_key"]
    by_key = lambda x: x.groupby(key, sort=False)  # noqa: E731
    _columns(rows, rows["tvl_usd"], rows["volume_1h_usd"], lambda x, h, known: by_key(x).rolling(h, known), lambda x, h: by_key(x).shift(h))
    return rows


def _columns(rows: Frame, tvl: pd.Series, volume: pd.Series, rolling: Callable, shift: Callable) -> None:
    def window(x: pd.Series, hours: int, what: str) -> np.ndarray:
        # 90 % of the hours and both end points.
        known = x.notna() & shift(x, hours - 1).notna()
        return np.where(known, getattr(rolling(x, hours, int(np.ceil(0.9 * hours))), what)().to_numpy(), np.nan)

    moves = tvl / shift(tvl, 1) - 1
    rows["tvl_change_6h"], rows["tvl_change_24h"] = tvl / shift(tvl, 6) - 1, tvl / shift(tvl, 24) - 1
    rows["tvl_acceleration"] = rows["tvl_change_6h"] - shift(rows["tvl_change_6h"], 6)
    rows["volume_spike_ratio"] = volume / window(volume, 24, "mean")
    rows["reserve_imbalance"] = (rows["reserve0_usd"] - rows["reserve1_usd"]).abs() / (rows["reserve0_usd"] + rows["reserve1_usd"])
    rows["reserve_imbalance_rate"] = rows["reserve_imbalance"] - shift(rows["reserve_imbalance"], 6)
    rows["volatility_6h"], rows["volatility_24h"] = window(moves, 6, "std"), window(moves, 24, "std")
    rows["volatility_ratio"] = rows["volatility_6h"] / rows["volatility_24h"]
    rows["early_warning_score"] = sum(terms({s.feature: rows[s.feature].to_numpy() for s in SIGNALS}).values())


def with_polars(rows: object) -> object:
    import polars as pl

    by, tvl, volume = "pool_key", pl.col("tvl_usd"), pl.col("volume_1h_usd")
    imbalance = (pl.col("reserve0_usd") - pl.col("reserve1_usd")).abs() / (pl.col("reserve0_usd") + pl.col("reserve1_usd"))

    def window(x: object, hours: int, what: str) -> object:
        value = getattr(x, f"rolling_{what}")(hours, min_samples=int(np.ceil(0.9 * hours))).over(by)
        return pl.when(x.is_not_null() & x.shift(hours - 1).over(by).is_not_null()).then(value)

    done = (
        rows.lazy()
        .with_columns(moves=(tvl / tvl.shift(1).over(by) - 1), reserve_imbalance=imbalance)
        .with_columns(
            tvl_change_6h=tvl / tvl.shift(6).over(by) - 1,
            tvl_change_24h=tvl / tvl.shift(24).over(by) - 1,
            volume_spike_ratio=volume / window(volume, 24, "mean"),
            reserve_imbalance_rate=pl.col("reserve_imbalance") - pl.col("reserve_imbalance").shift(6).over(by),
            volatility_6h=window(pl.col("moves"), 6, "std"),
            volatility_24h=window(pl.col("moves"), 24, "std"),
        )
        .with_columns(tvl_acceleration=pl.col("tvl_change_6h") - pl.col("tvl_change_6h").shift(6).over(by))
        .with_columns(volatility_ratio=pl.col("volatility_6h") / pl.col("volatility_24h"))
        .collect()
    )
    points = sum(terms({s.feature: done[s.feature].to_numpy() for s in SIGNALS}).values())
    return done.with_columns(early_warning_score=pl.Series(points))


WINDOWS_SQL = """
WITH moves AS (
    SELECT *, tvl_usd / lag(tvl_usd) OVER w - 1 AS move, tvl_usd / lag(tvl_usd, 6) OVER w - 1 AS tvl_change_6h,
        tvl_usd / lag(tvl_usd, 24) OVER w - 1 AS tvl_change_24h,
        abs(reserve0_usd - reserve1_usd) / (reserve0_usd + reserve1_usd) AS reserve_imbalance
    FROM read_parquet('{file}') WINDOW w AS (PARTITION BY pool_key ORDER BY hour)
)
SELECT hour, pool_key, tvl_change_6h, tvl_change_24h, reserve_imbalance,
    tvl_change_6h - lag(tvl_change_6h, 6) OVER w AS tvl_acceleration,
    CASE WHEN lag(volume_1h_usd, 23) OVER w IS NOT NULL AND count(volume_1h_usd) OVER day >= 22
        THEN volume_1h_usd / avg(volume_1h_usd) OVER day END AS volume_spike_ratio,
    reserve_imbalance - lag(reserve_imbalance, 6) OVER w AS reserve_imbalance_rate,
    CASE WHEN count(move) OVER quarter = 6 THEN stddev_samp(move) OVER quarter END AS volatility_6h,
    CASE WHEN move IS NOT NULL AND lag(move, 23) OVER w IS NOT NULL AND count(move) OVER day >= 22
        THEN stddev_samp(move) OVER day END AS volatility_24h,
    volatility_6h / volatility_24h AS volatility_ratio
FROM moves
WINDOW w AS (PARTITION BY pool_key ORDER BY hour), quarter AS (w ROWS 5 PRECEDING), day AS (w ROWS 23 PRECEDING)
"""


def with_duckdb(file: Path) -> Frame:
    found = duckdb.sql(WINDOWS_SQL.format(file=file)).fetchnumpy()
    rows = {name: np.ma.filled(column.astype(np.float64), np.nan) if name in NINE else column for name, column in found.items()}
    return rows | {"early_warning_score": sum(terms({s.feature: rows[s.feature] for s in SIGNALS}).values())}


def scan(file: Path) -> dict[str, np.ndarray]:
    """The needed columns from the file into numpy, as float32 with NaN: what any of these must do first."""
    found = duckdb.sql(f"SELECT hour, pool_key, {', '.join(COLUMNS)} FROM read_parquet('{file}')").fetchnumpy()
    return {name: np.ma.filled(column, np.nan) if name in COLUMNS else np.asarray(column) for name, column in found.items()}


def read_and_compute(file: Path, window: Window) -> dict[str, np.ndarray]:
    rows = scan(file)
    return ours(scatter(rows["hour"], rows["pool_key"], {name: rows[name] for name in COLUMNS}, window))


def timed(seconds: Times, name: str, work: Callable, repeats: int = 1) -> object:
    """Result of the last run; the best wall time, and the best processor time, go to `seconds`."""
    seconds[name] = np.full(2, np.inf)
    for _ in range(repeats):
        result = None  # the last one's memory is free before the next one's
        start = np.array([time.perf_counter(), time.process_time()])
        result = work()
        seconds[name] = np.minimum(seconds[name], [time.perf_counter(), time.process_time()] - start)
    return result


def differs(expected: np.ndarray, found: np.ndarray) -> float:
    """Largest difference beyond rounding, in units of the tolerance; infinite where one knows and the other does not."""
    if (np.isnan(expected) != np.isnan(found)).any():
        return float("inf")
    return float(np.nanmax(np.abs(expected - found) / (1e-4 + 1e-3 * np.abs(expected)), initial=0.0))


def agree(names: tuple[str, ...], expected: dict[str, np.ndarray], found: dict[str, np.ndarray], who: str) -> None:
    wrong = {name: d for name in names if (d := differs(expected[name], np.asarray(found[name], dtype=np.float64))) > 1}
    if wrong:
        sys.exit(f"{who} disagrees with the naive loop: {wrong}")


def by_pool(values: dict[str, np.ndarray], pools: int) -> dict[str, np.ndarray]:
    """Arrays hours × pools as the rows of the first `pools` pools, pool after pool."""
    return {name: value[:, :pools].T.ravel() for name, value in values.items()}


def compare(file: Path, pools: int, hours: int) -> None:
    import polars as pl

    panel = walks(hours, pools)
    columns = by_pool({c: panel[c] for c in COLUMNS}, pools)
    hour, key = np.tile(np.arange(hours), pools), np.repeat(np.arange(pools), hours)
    rows = pd.DataFrame({"hour": hour, "pool_key": key} | columns)
    # As the lake holds it: by hour, then pool.
    pl.from_pandas(rows).sort("hour", "pool_key").write_parquet(file)
    frame = pl.from_pandas(rows)

    seconds: Times = {}
    timed(seconds, "first", lambda: ours(panel))
    found = timed(seconds, "ours", lambda: ours(panel), 5)
    timed(seconds, "scan", lambda: scan(file), 5)
    timed(seconds, "read + features", lambda: read_and_compute(file, panel.window), 3)
    looped = min(SAMPLE, pools)
    sample = rows[rows["pool_key"] < looped]
    truth = timed(seconds, "sample", lambda: naive(sample))
    seconds["naive pandas loop"] = seconds["sample"] * pools / looped
    grouped = timed(seconds, "pandas groupby", lambda: groupby(rows))
    polars = timed(seconds, "polars", lambda: with_polars(frame), 2)
    duck = timed(seconds, "DuckDB windows", lambda: with_duckdb(file), 2)

    expected, count = {name: truth[name].to_numpy() for name in PHASE2_NAMES}, len(truth)
    agree(PHASE2_NAMES, expected, by_pool(found, looped), "ours")
    agree(PHASE2_NAMES, expected, {n: grouped[n].to_numpy()[:count] for n in PHASE2_NAMES}, "pandas groupby")
    agree(PHASE2_NAMES, expected, {n: polars[n].to_numpy()[:count] for n in PHASE2_NAMES}, "polars")
    order = np.lexsort((duck["hour"], duck["pool_key"]))[:count]
    agree(PHASE2_NAMES, expected, {n: duck[n][order] for n in PHASE2_NAMES}, "DuckDB windows")
    report(seconds, pools, hours)


def report(seconds: Times, pools: int, hours: int) -> None:
    print(f"{len(PHASE2_NAMES)} features, {pools:,} pools × {hours:,} hours, {os.cpu_count()} cores; all agree with the naive loop\n")
    print(f"{'':20} {'wall s':>8} {'× ours':>8} {'processor s':>12} {'× ours':>8}")
    for name in ("naive pandas loop", "pandas groupby", "DuckDB windows", "polars", "scan", "read + features", "ours"):
        (wall, cpu), (wall_ratio, cpu_ratio) = seconds[name], seconds[name] / seconds["ours"]
        print(f"{name:20} {wall:8.3f} {wall_ratio:8.1f} {cpu:12.3f} {cpu_ratio:8.1f}")
    scan_ratio, loop_ratio = (seconds["ours"] / seconds["scan"])[0], (seconds["naive pandas loop"] / seconds["ours"])[0]
    print(f"\nwall: ours / scan {scan_ratio:.2f} (target ≤ 3), naive / ours {loop_ratio:.0f} (target ≥ 30), load {os.getloadavg()[0]:.1f}")
    print(
        f"the naive loop: {min(SAMPLE, pools)} pools, scaled; the first call of ours took {seconds['first'][0]:.1f} s (compiles, or loads what was)"
    )


def one_hour(pools: int = ONE_HOUR_POOLS) -> None:
    panel = walks(LOOKBACK_HOURS + 1, pools)
    market = Panel(panel.window, np.array([0]), dict.fromkeys(SURROUNDING_INPUTS, panel["price_ratio"][:, :1]))
    seconds: Times = {}
    build_features(panel, market, 1)
    timed(seconds, "hour", lambda: build_features(panel, market, 1), 5)
    print(
        f"one hour, {pools:,} pools, all {len(FEATURE_NAMES)} features, {LOOKBACK_HOURS} h before: {seconds['hour'][0]:.3f} s (target ≤ 0.5)"
    )


def main(pools: int = POOLS, hours: int = HOURS) -> None:
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder) / "snapshots.parquet", pools, hours)
    one_hour(ONE_HOUR_POOLS * pools // POOLS or 1)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
