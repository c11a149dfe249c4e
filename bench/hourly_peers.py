"""What each step of the hour is held against: the least that anyone would have to do for it."""

import os
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np

from veririsk_assets.contracts import pool_features, pools, raw
from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.surroundings import SURROUNDINGS
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.vocabulary import HORIZONS
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.features.detections import LOOKBACK_HOURS
from veririsk_assets.features.pools import build_features
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.step import House
from veririsk_assets.snapshots.pools import LOOKBACK_HOURS as RAW_HOURS


def panels(house: House, window: Window) -> tuple[Panel, Panel, int]:
    """What the feature step reads."""
    back = window.lookback(pool_features.LOOKBACK_HOURS)
    panel = house.lake.panel(pools.POOL_SNAPSHOTS, pool_features.INPUTS, back)
    return panel, house.lake.panel(SURROUNDINGS, pool_features.SURROUNDING_INPUTS, back, keys=np.array([0])), window.hours


def arithmetic(panel: Panel, market: Panel, hours: int) -> Panel:
    """What it computes."""
    return build_features(panel, market, hours)


def _scan(house: House, table: str, columns: tuple[str, ...], time: str, since: Any, until: Any) -> Any:
    query = f"SELECT {', '.join(columns)} FROM lake.{table} WHERE {time} > ? AND {time} <= ?"
    return house.lake.cursor().execute(query, [naive(since), naive(until)]).fetchnumpy()


def _scan_raw(house: House, window: Window) -> Any:
    columns = ("pool", "pulled_at", "tvl_usd", "apy_pct", "volume_24h_usd")
    return _scan(house, raw.DEFILLAMA_POOLS.sql_name, columns, "pulled_at", window.start - RAW_HOURS * HOUR, window.cutoff)


def _scan_snapshots(house: House, window: Window) -> Any:
    columns = ("as_of", "pool_key", *(f"{name}::FLOAT AS {name}" for name in pool_features.INPUTS))
    return _scan(house, pools.POOL_SNAPSHOTS.sql_name, columns, "as_of", window.end - (pool_features.LOOKBACK_HOURS + 1) * HOUR, window.end)


def _scan_tvl(house: House, window: Window) -> Any:
    columns = ("as_of", "pool_key", "tvl_usd", "input_age_hours")
    return _scan(house, pools.POOL_SNAPSHOTS.sql_name, columns, "as_of", window.start - LOOKBACK_HOURS * HOUR, window.end)


def _matrix(house: House, window: Window, horizon: int) -> tuple[Any, np.ndarray]:
    served = champions.load(house.settings, POOLS, horizon, "1")
    return served, served.matrix(_scan(house, pools.POOL_FEATURES.sql_name, served.features, "as_of", window.start, window.end))


def _margins(house: House, window: Window) -> Any:
    return [served.margin(x) for served, x in (_matrix(house, window, horizon) for horizon in HORIZONS)]


def _contributions(house: House, window: Window) -> Any:
    return [served.contributions(x) for served, x in (_matrix(house, window, horizon) for horizon in HORIZONS)]


def _copied(house: House, _: Window) -> None:
    """The published file, copied and on disk."""
    target = house.settings.mode_home / "copy"
    shutil.copyfile(house.settings.published_file, target)
    handle = os.open(target, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)
    target.unlink()


PEERS: dict[str, tuple[str, Callable[[House, Window], Any]]] = {
    "snapshots": ("DuckDB scan of the raw columns", _scan_raw),
    "features": ("DuckDB scan of the snapshot columns", _scan_snapshots),
    "scores": ("DuckDB scan of the hour's features, margins of both models", _margins),
    "detections": ("DuckDB scan of three days of TVL", _scan_tvl),
    "explanations": ("the same scan, bare TreeSHAP of both models", _contributions),
    "publish": ("copy of the published file, on disk", _copied),
}
