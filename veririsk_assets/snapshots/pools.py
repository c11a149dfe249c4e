"""Pools by the hour: the last observation available at each cut-off, on a dense grid.

Raw rows in, rows out. Nothing is estimated or interpolated, and nothing is served for longer than MAX_AGE_HOURS.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pools import POOL_SNAPSHOTS
from veririsk_assets.contracts.vocabulary import entity_key
from veririsk_assets.contracts.windows import DECISION_DELAY, HOUR, Window, naive
from veririsk_assets.panels.as_of import as_of_fill
from veririsk_assets.snapshots import holders, views
from veririsk_assets.snapshots.claims import claims_too_much, held_by_protocol
from veririsk_assets.snapshots.prices import COINS_MAX_AGE_HOURS, OutsidePrices
from veririsk_assets.snapshots.surroundings import MAX_AGE_HOURS, surrounding_rows

# A vanished pool stays on the grid this long, so that every label whose horizon it ends in can see it go.
TOMBSTONE_HOURS = 48
# What a window must read before its start: an observation may serve 6 hours, a 24-hour volume difference and a
# tombstone need two days.
LOOKBACK_HOURS = TOMBSTONE_HOURS + 6
LONG_LOOKBACK_HOURS = {"thegraph_lp_positions": int(holders.MAX_AGE_HOURS), "coingecko_coins": COINS_MAX_AGE_HOURS}
# Nobody waits longer for a source than a pool is kept that fell.
LONGEST_SILENCE_HOURS = 30 * 24
# Reserves have moved on after this: at a price of now they would look out of balance by their age.
RESERVES_MAX_AGE_HOURS = 1.0
# Two observations of about an hour apart tell an hour's volume.
HOUR_TOLERANCE = 0.5
VALUES = tuple(c.name for c in POOL_SNAPSHOTS.columns if c.kind == "float" and c.name not in ("input_age_hours", "protocol_held_usd"))


@dataclass(frozen=True)
class Snapshots:
    """`hourly`: rows of POOL_SNAPSHOTS; `pools`: rows of POOLS without first_seen_at; `surroundings`: rows of SURROUNDINGS.

    Which jumps are suspect depends on the hours before: `judged` adds that.
    """

    hourly: pd.DataFrame
    pools: pd.DataFrame
    surroundings: pd.DataFrame


@dataclass(frozen=True)
class OnGrid:
    """One source on the grid: which raw row serves each hour and pool (-1 = none), and how old it is."""

    view: views.View
    index: np.ndarray
    age_hours: np.ndarray
    has_answered: np.ndarray

    def grid(self, column: str) -> np.ndarray:
        values = self.view.rows[column].to_numpy(dtype=np.float64)
        return np.where(self.index >= 0, values[self.index], np.nan) if len(values) else np.full(self.index.shape, np.nan)

    def words(self, column: str) -> np.ndarray:
        values = self.view.rows[column].to_numpy(dtype=object)
        return np.where(self.index >= 0, values[self.index], "") if len(values) else np.full(self.index.shape, "", dtype=object)


def build_snapshots(
    raw: dict[str, pd.DataFrame], crosswalk: dict[str, str], window: Window, short: dict[str, np.ndarray] | None = None
) -> Snapshots:
    """`raw`: table name → rows available up to the window's cut-off, from LOOKBACK_HOURS before it.

    `crosswalk`: source-native id → the pool id that it is another name of. Tables of LONG_LOOKBACK_HOURS reach further back.
    `short`: source → per hour of the window what its list is short of (`completeness.shortfalls`).
    """
    # An hour of the window looks back to what the hours before it served.
    grid = window.lookback(TOMBSTONE_HOURS)
    seen = {name: view(raw[name]) for name, view in views.VIEWS.items() if len(raw.get(name, ()))}
    about = _about(seen, crosswalk)
    keys = np.sort(about["pool_key"].to_numpy(dtype=np.int64))
    outside = OutsidePrices.of(raw, grid)
    served = [_on_grid(view, crosswalk, grid, keys, (short or {}).get(view.source)) for view in seen.values()]
    columns, answered, doubts = _merge(served, about, keys, outside, grid)
    known = about.set_index("pool_key").reindex(keys)
    lacking = _lacking(known["source"], short or {}, window.hours)
    panel = Panel(grid, keys, columns).tail(window.hours)
    panel.values["tvl_usd"] = np.where((lacking != "") & (panel["tvl_usd"] == 0), np.nan, panel["tvl_usd"])
    present, tombstone = _presence(panel["tvl_usd"], panel["input_age_hours"], answered[-window.hours :])
    doubts = _refuse_claims(panel, doubts[-window.hours :], raw.get("defillama_protocols"), known["protocol"])
    if len(raw.get("thegraph_lp_positions", ())):
        panel.values.update(holders.lp_shares(raw["thegraph_lp_positions"], crosswalk, window, keys))
    hourly = _rows(panel, present, tombstone, known["source"], joined(doubts, lacking))
    return Snapshots(hourly, about, surrounding_rows(raw, outside, window))


def joined(*doubts: np.ndarray) -> np.ndarray:
    """Words beside each other, "; " between them."""
    said = doubts[0].astype(object)
    for more in doubts[1:]:
        said = np.where(said == "", more, np.where(more == "", said, said + "; " + more))
    return said


def _lacking(source: pd.Series, short: dict[str, np.ndarray], hours: int) -> np.ndarray:
    """hours × pools: what the source that names the pool is short of; zeros of such an hour are no values."""
    words = np.full((hours, len(source)), "", dtype=object)
    for name, said in short.items():
        words = np.where((source == name).to_numpy()[None, :], said[:, None], words)
    return words


def _refuse_claims(panel: Panel, doubts: np.ndarray, protocols: pd.DataFrame | None, protocol: pd.Series) -> np.ndarray:
    """A pool that says to hold more than its protocol has no TVL; the doubts say so."""
    held, most = held_by_protocol(protocols, protocol, panel.window)
    panel.values["protocol_held_usd"] = held
    tvl = panel["tvl_usd"]
    too_much = claims_too_much(tvl, most)
    for row, pool in np.argwhere(too_much):
        said = f"it says {tvl[row, pool]:,.0f} USD, its whole protocol holds {most[row, pool]:,.0f}"
        doubts[row, pool] = f"{doubts[row, pool]}; {said}" if doubts[row, pool] else said
    panel.values["tvl_usd"] = np.where(too_much, np.nan, tvl)
    return doubts


def bounds(table: str, window: Window, silent_hours: int = 0) -> list[datetime]:
    """Between which `pulled_at` (exclusive) and `available_at` a window's rows of a raw table lie, naive.

    `silent_hours`: for how long its source had said nothing when the window began, up to LONGEST_SILENCE_HOURS.
    """
    back = LONG_LOOKBACK_HOURS.get(table, LOOKBACK_HOURS) + min(silent_hours, LONGEST_SILENCE_HOURS)
    return [naive(window.start - back * HOUR), naive(window.cutoff)]


def _about(seen: dict[str, views.View], crosswalk: dict[str, str]) -> pd.DataFrame:
    frames = [view.pools[~view.pools["pool_id"].isin(crosswalk)].assign(source=view.source) for view in seen.values()]
    empty = pd.DataFrame(columns=["pool_id", "name", "protocol", "chain", "source"])
    about = pd.concat(frames, ignore_index=True) if frames else empty
    return about.assign(pool_key=[entity_key(pool_id) for pool_id in about["pool_id"]]).astype({"pool_key": "int64"})


def _on_grid(view: views.View, crosswalk: dict[str, str], grid: Window, keys: np.ndarray, short: np.ndarray | None) -> OnGrid:
    """A pool stays for TOMBSTONE_HOURS after it was last named; hours in which its source said nothing, or only half, do not count."""
    pool_ids = view.rows["pool_id"]
    names = {pool_id: entity_key(crosswalk.get(pool_id, pool_id)) for pool_id in pool_ids.unique()}
    row_keys = pool_ids.map(names).to_numpy(dtype=np.int64)
    stamps = {name: view.rows[name].to_numpy(dtype="datetime64[us]") for name in views.STAMPS}
    answered = _answered(stamps["available_at"], grid)
    if short is not None:
        answered[-len(short) :] &= short == ""
    silent = _silent_hours(answered, stamps["available_at"], grid)
    index, age = as_of_fill(stamps["observed_at"], stamps["available_at"], row_keys, grid, keys, float(TOMBSTONE_HOURS + silent.max()))
    stays = age <= TOMBSTONE_HOURS + silent[:, None]
    return OnGrid(view, np.where(stays, index, -1), np.where(stays, age, np.nan), answered)


def _merge(
    served: list[OnGrid], about: pd.DataFrame, keys: np.ndarray, outside: OutsidePrices, grid: Window
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Columns on the grid; for each hour and pool whether the source that names it answered within the hour; and its doubts."""
    shape = (grid.hours, len(keys))
    columns = {name: np.full(shape, np.nan) for name in (*VALUES, "input_age_hours")}
    answered, doubts = np.zeros(shape, dtype=bool), np.full(shape, "", dtype=object)
    owner = about.set_index("pool_key")["source"].reindex(keys).to_numpy()
    for source in served:
        own = owner == source.view.source
        known, doubt = _columns(source, outside)
        for name, values in known.items():
            # The source that names the pool has the first word; its TVL is never mixed with another's.
            keep = own if name == "tvl_usd" else np.ones(len(keys), dtype=bool)
            take = keep & (own | np.isnan(columns[name]))
            columns[name] = np.where(take & ~np.isnan(values), values, columns[name])
        second = ~own & np.isnan(columns["second_tvl_usd"])
        columns["second_tvl_usd"] = np.where(second, known["tvl_usd"], columns["second_tvl_usd"])
        columns["input_age_hours"] = np.where(own, source.age_hours, columns["input_age_hours"])
        doubts = joined(doubts, np.where(own & (source.age_hours <= MAX_AGE_HOURS), source.words("doubt"), ""), doubt)
        answered |= own & source.has_answered[:, None]
    stale = ~(columns["input_age_hours"] <= MAX_AGE_HOURS)
    columns["tvl_usd"] = np.where(stale, np.nan, columns["tvl_usd"])
    return columns, answered, doubts


def _columns(source: OnGrid, outside: OutsidePrices) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What a source knows on the grid, and what is to be doubted of the outside prices of its tokens."""
    fresh = source.age_hours <= MAX_AGE_HOURS
    rows = source.view.rows
    values = {name: np.where(fresh, source.grid(name), np.nan) for name in VALUES if name in rows}
    doubt = np.full(source.index.shape, "", dtype=object)
    if "volume_usd_cum" in rows:
        values |= _volumes(source)
    if "reserve0" in rows:
        with np.errstate(divide="ignore", invalid="ignore"):
            values["price_ratio"] = np.where(values["reserve0"] > 0, values["reserve1"] / values["reserve0"], np.nan)
        priced, doubt = outside.of_sides(rows, source.index, values)
        current = source.age_hours <= RESERVES_MAX_AGE_HOURS
        values |= priced | {name: np.where(current, priced[name], np.nan) for name in ("reserve0_usd", "reserve1_usd") if name in priced}
    return values, doubt


def _volumes(source: OnGrid) -> dict[str, np.ndarray]:
    """Differences of the cumulative volume. An hour's needs two observations, and they lie about an hour apart: one that
    serves two hours knows nothing of what was traded between them, and after a gap nobody knows in which hour it was.
    """
    total = np.where(source.age_hours <= MAX_AGE_HOURS, source.grid("volume_usd_cum"), np.nan)
    day, hour = np.full(total.shape, np.nan), np.full(total.shape, np.nan)
    day[24:] = _traded(total[24:], total[:-24])
    apart = 1.0 + source.age_hours[:-1] - source.age_hours[1:]
    is_hour = (source.index[1:] != source.index[:-1]) & (np.abs(apart - 1.0) <= HOUR_TOLERANCE)
    hour[1:] = np.where(is_hour, _traded(total[1:], total[:-1]), np.nan)
    return {"volume_24h_usd": day, "volume_1h_usd": hour}


def _traded(later: np.ndarray, earlier: np.ndarray) -> np.ndarray:
    """The difference; NaN where the total fell: it was counted anew."""
    return np.where(later >= earlier, later - earlier, np.nan)


def _answered(available_at: np.ndarray, grid: Window) -> np.ndarray:
    """Hours at whose cut-off the source had answered within the last hour."""
    pulls = np.unique(available_at)
    cutoffs = grid.as_ofs + np.timedelta64(DECISION_DELAY)
    last = np.searchsorted(pulls, cutoffs, side="right") - 1
    age = cutoffs - pulls[np.maximum(last, 0)]
    return (last >= 0) & (age <= np.timedelta64(1, "h"))


def _silent_hours(answered: np.ndarray, available_at: np.ndarray, grid: Window) -> np.ndarray:
    """Per hour of the grid, for how many hours the source has not answered in full."""
    hours = np.arange(len(answered))
    last = np.maximum.accumulate(np.where(answered, hours, -1))
    earlier = available_at[available_at <= grid.as_ofs[0]]
    before = (grid.as_ofs[0] - earlier.max()) / np.timedelta64(1, "h") if len(earlier) else 0.0
    silent = np.where(last >= 0, hours - last, hours + before)
    return np.minimum(silent, LONGEST_SILENCE_HOURS)


def _presence(tvl: np.ndarray, age: np.ndarray, answered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which rows exist and which of them are tombstones: gone, though the source answers in full."""
    seen = ~np.isnan(age)
    return seen, seen & np.isnan(tvl) & answered & (age > MAX_AGE_HOURS)


def _rows(panel: Panel, present: np.ndarray, tombstone: np.ndarray, source: pd.Series, doubts: np.ndarray) -> pd.DataFrame:
    frame = panel.frame("pool_key", present)
    frame["source"] = source.reindex(frame["pool_key"]).to_numpy()
    frame["is_tombstone"] = tombstone[present]
    frame["is_suspect"], frame["taken_back_hours"] = False, 0
    said = doubts[present]
    said[said == ""] = None
    frame["doubt"] = said
    return frame[POOL_SNAPSHOTS.names]
