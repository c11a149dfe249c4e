"""Pools by the hour: the last observation available at each cut-off, on a dense grid.

Raw rows in, rows out. Nothing is estimated or interpolated, and nothing is served for longer than MAX_AGE_HOURS.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pools import MARKET_SNAPSHOTS, POOL_SNAPSHOTS
from veririsk_assets.contracts.vocabulary import pool_key
from veririsk_assets.contracts.windows import Window
from veririsk_assets.panels.as_of import as_of_fill
from veririsk_assets.snapshots import views

MAX_AGE_HOURS = 6.0
# A vanished pool stays on the grid this long, so that every label whose horizon it ends in can see it go.
TOMBSTONE_HOURS = 48
# What a window must read before its start: an observation may serve 6 hours, a 24-hour volume difference and a
# tombstone need two days.
LOOKBACK_HOURS = TOMBSTONE_HOURS + 6
VALUES = tuple(c.name for c in POOL_SNAPSHOTS.columns if c.kind == "float" and c.name != "input_age_hours")


@dataclass(frozen=True)
class Snapshots:
    """`hourly`: rows of POOL_SNAPSHOTS; `pools`: rows of POOLS without first_seen_at; `markets`: rows of MARKET_SNAPSHOTS."""

    hourly: pd.DataFrame
    pools: pd.DataFrame
    markets: pd.DataFrame


@dataclass(frozen=True)
class Served:
    """One source on the grid: which raw row serves each hour and pool (-1 = none), and how old it is."""

    view: views.View
    index: np.ndarray
    age_hours: np.ndarray

    def grid(self, column: str) -> np.ndarray:
        values = self.view.rows[column].to_numpy(dtype=np.float64)
        return np.where(self.index >= 0, values[self.index], np.nan) if len(values) else np.full(self.index.shape, np.nan)


def build_snapshots(raw: dict[str, pd.DataFrame], crosswalk: dict[str, str], window: Window) -> Snapshots:
    """`raw`: table name → rows available up to the window's cut-off, from LOOKBACK_HOURS before it.

    `crosswalk`: source-native id → the pool id that it is another name of.
    """
    # An hour of the window looks back to what the hours before it served.
    grid = window.lookback(TOMBSTONE_HOURS)
    seen = {name: view(raw[name]) for name, view in views.VIEWS.items() if len(raw.get(name, ()))}
    about = _about(seen, crosswalk)
    keys = np.sort(about["pool_key"].to_numpy(dtype=np.int64))
    prices = views.prices(raw["coingecko_markets"]) if len(raw.get("coingecko_markets", ())) else None
    columns, primary = _merge([_serve(view, crosswalk, grid, keys) for view in seen.values()], about, keys, prices, grid)
    panel = Panel(grid, keys, columns).tail(window.hours)
    present, tombstone = _presence(columns["tvl_usd"], columns["input_age_hours"], primary, window.hours)
    hourly = _rows(panel, present, tombstone, about.set_index("pool_key")["source"])
    return Snapshots(hourly, about, _markets(prices, window))


def _about(seen: dict[str, views.View], crosswalk: dict[str, str]) -> pd.DataFrame:
    frames = [view.pools[~view.pools["pool_id"].isin(crosswalk)].assign(source=view.source) for view in seen.values()]
    empty = pd.DataFrame(columns=["pool_id", "name", "protocol", "chain", "source"])
    about = pd.concat(frames, ignore_index=True) if frames else empty
    return about.assign(pool_key=[pool_key(pool_id) for pool_id in about["pool_id"]]).astype({"pool_key": "int64"})


def _serve(view: views.View, crosswalk: dict[str, str], grid: Window, keys: np.ndarray) -> Served:
    pool_ids = view.rows["pool_id"]
    names = {pool_id: pool_key(crosswalk.get(pool_id, pool_id)) for pool_id in pool_ids.unique()}
    row_keys = pool_ids.map(names).to_numpy(dtype=np.int64)
    stamps = {name: view.rows[name].to_numpy(dtype="datetime64[us]") for name in views.STAMPS}
    index, age = as_of_fill(stamps["observed_at"], stamps["available_at"], row_keys, grid, keys, float(TOMBSTONE_HOURS))
    return Served(view, index, age)


def _merge(
    served: list[Served], about: pd.DataFrame, keys: np.ndarray, prices: pd.DataFrame | None, grid: Window
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Columns on the grid, and for each hour and pool whether the source that names it answered within the hour."""
    shape = (grid.hours, len(keys))
    columns = {name: np.full(shape, np.nan) for name in (*VALUES, "input_age_hours")}
    answered = np.zeros(shape, dtype=bool)
    owner = about.set_index("pool_key")["source"].reindex(keys).to_numpy()
    for source in served:
        own = owner == source.view.source
        known = _columns(source, prices, grid)
        for name, values in known.items():
            # The source that names the pool has the first word; its TVL is never mixed with another's.
            keep = own if name == "tvl_usd" else np.ones(len(keys), dtype=bool)
            take = keep & (own | np.isnan(columns[name]))
            columns[name] = np.where(take & ~np.isnan(values), values, columns[name])
        columns["input_age_hours"] = np.where(own, source.age_hours, columns["input_age_hours"])
        answered |= own & _answered(source, grid)[:, None]
    stale = ~(columns["input_age_hours"] <= MAX_AGE_HOURS)
    for name in VALUES:
        columns[name] = np.where(stale & (name == "tvl_usd"), np.nan, columns[name])
    return columns, answered


def _columns(source: Served, prices: pd.DataFrame | None, grid: Window) -> dict[str, np.ndarray]:
    fresh = source.age_hours <= MAX_AGE_HOURS
    rows = source.view.rows
    values = {name: np.where(fresh, source.grid(name), np.nan) for name in VALUES if name in rows}
    if "volume_usd_cum" in rows:
        values |= _volumes(source)
    if "reserve0" in rows:
        with np.errstate(divide="ignore", invalid="ignore"):
            values["price_ratio"] = np.where(values["reserve0"] > 0, values["reserve1"] / values["reserve0"], np.nan)
        values |= _outside_values(source, values, prices, grid)
    return values


def _volumes(source: Served) -> dict[str, np.ndarray]:
    """Differences of the cumulative volume; an hour's volume is known only where two pulls lie about an hour apart."""
    total = np.where(source.age_hours <= MAX_AGE_HOURS, source.grid("volume_usd_cum"), np.nan)
    day, hour = np.full(total.shape, np.nan), np.full(total.shape, np.nan)
    day[24:] = np.maximum(total[24:] - total[:-24], 0.0)
    hourly = (source.age_hours[1:] < 1.5) & (source.age_hours[:-1] < 1.5)
    hour[1:] = np.where(hourly, np.maximum(total[1:] - total[:-1], 0.0), np.nan)
    return {"volume_24h_usd": day, "volume_1h_usd": hour}


def _outside_values(source: Served, values: dict[str, np.ndarray], prices: pd.DataFrame | None, grid: Window) -> dict[str, np.ndarray]:
    if prices is None:
        return {}
    symbols, table = price_grid(prices, grid)
    result: dict[str, np.ndarray] = {}
    for side in ("0", "1"):
        tokens = views.token_prices(source.view.rows[f"token{side}"])
        column = np.searchsorted(symbols, tokens)
        known = (column < len(symbols)) & (symbols[np.minimum(column, len(symbols) - 1)] == tokens)
        served = np.where(source.index >= 0, np.where(known, column, len(symbols))[source.index], len(symbols))
        padded = np.column_stack([table, np.full(grid.hours, np.nan)])
        price = padded[np.arange(grid.hours)[:, None], served]
        result |= {f"price{side}_usd": price, f"reserve{side}_usd": price * values[f"reserve{side}"]}
    return result


def price_grid(prices: pd.DataFrame, grid: Window, column: str = "price_usd") -> tuple[np.ndarray, np.ndarray]:
    """Sorted tickers, and their outside prices on the grid (hours × tickers), at most MAX_AGE_HOURS old."""
    symbols, codes = np.unique(prices["symbol"].to_numpy(dtype=object), return_inverse=True)
    stamps = [prices[name].to_numpy(dtype="datetime64[us]") for name in ("observed_at", "available_at")]
    index, _ = as_of_fill(stamps[0], stamps[1], codes.astype(np.int64), grid, np.arange(len(symbols)), MAX_AGE_HOURS)
    values = prices[column].to_numpy(dtype=np.float64)
    return symbols, np.where(index >= 0, values[index], np.nan)


def _answered(source: Served, grid: Window) -> np.ndarray:
    """Hours at whose cut-off the source had answered within the last hour."""
    pulls = np.unique(source.view.rows["available_at"].to_numpy(dtype="datetime64[us]"))
    cutoffs = grid.as_ofs + np.timedelta64(30, "m")
    last = np.searchsorted(pulls, cutoffs, side="right") - 1
    age = cutoffs - pulls[np.maximum(last, 0)]
    return (last >= 0) & (age <= np.timedelta64(1, "h"))


def _presence(tvl: np.ndarray, age: np.ndarray, answered: np.ndarray, hours: int) -> tuple[np.ndarray, np.ndarray]:
    """Which rows exist (seen within TOMBSTONE_HOURS) and which of them are tombstones: gone, though the source answers."""
    seen = ~np.isnan(age[-hours:])
    return seen, seen & np.isnan(tvl[-hours:]) & answered[-hours:] & (age[-hours:] > MAX_AGE_HOURS)


def _rows(panel: Panel, present: np.ndarray, tombstone: np.ndarray, source: pd.Series) -> pd.DataFrame:
    frame = panel.frame(present)
    frame["source"] = source.reindex(frame["pool_key"]).to_numpy()
    frame["is_tombstone"] = tombstone[present]
    return frame[POOL_SNAPSHOTS.names]


def _markets(prices: pd.DataFrame | None, window: Window) -> pd.DataFrame:
    rows = pd.DataFrame({"as_of": window.as_ofs} | dict.fromkeys(MARKET_SNAPSHOTS.names[1:], np.nan))
    if prices is None:
        return rows
    symbols, table = price_grid(prices, window)
    _, caps = price_grid(prices, window, "market_cap_usd")
    eth = table[:, symbols == "eth"]
    known = ~np.isnan(caps).all(axis=1)
    return rows.assign(eth_price_usd=eth[:, 0] if eth.shape[1] else np.nan, market_cap_usd=np.where(known, np.nansum(caps, axis=1), np.nan))
