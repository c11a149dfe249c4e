"""Protocol snapshots: what was known of each protocol when a day began. Arrays and frames in, frames out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from veririsk_assets.contracts.panel import Panel, to_panel
from veririsk_assets.contracts.protocols import PROTOCOL_SNAPSHOTS
from veririsk_assets.contracts.vocabulary import entity_key
from veririsk_assets.contracts.windows import Window

SOURCE = "defillama"
# On the grid while it held the floor on any of so many days: longer than any label over its fall takes to mature.
KEPT_DAYS = 30
# DeFiLlama itself takes such a rise of a pool within a day for an error of its adapter.
SUSPECT_RISE = 5.0
# A list that names fewer of those known in the week before is cut off: who is missing from it is not gone.
WHOLE_SHARE, WEEK = 0.9, 7
HOUR = np.timedelta64(3600 * 10**6, "us")
VALUES = ("tvl_usd", "price_usd", "market_cap_usd", "volume_usd", "fees_usd", "chains_count")


@dataclass(frozen=True)
class Said:
    """Rows by the day whose cut-off they serve first (`as_of`), one per name and day.

    listed: protocol_id, as_of, available_at, tvl_usd, market_cap_usd, gecko_id, category, chains_count (told live). tvl: protocol_id,
    as_of, available_at, tvl_usd (told later). volumes: protocol_id, metric, as_of, value_usd. coins: coin_id, as_of, price_usd,
    market_cap_usd. Where both tell of a day, what was told live comes first. about: protocol_id, slug, name, category, chain, gecko_id.
    """

    listed: pd.DataFrame
    tvl: pd.DataFrame
    volumes: pd.DataFrame
    coins: pd.DataFrame
    about: pd.DataFrame


def build_snapshots(said: Said, before: pd.DataFrame, window: Window, floor_usd: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Entities, and rows of snapshots/daily_protocols for the window's days.

    before: as_of, protocol_key, tvl_usd of the KEPT_DAYS before. A protocol is on the grid from the day on which it holds the floor, and
    for KEPT_DAYS after it last did.
    """
    about = said.about.assign(protocol_key=[entity_key(f"{SOURCE}:{one}") for one in said.about["protocol_id"]]).sort_values("protocol_key")
    keys = about["protocol_key"].to_numpy(dtype=np.int64)
    if not len(keys):
        return _entities(about), pd.DataFrame(columns=PROTOCOL_SNAPSHOTS.names)
    key_of = pd.Series(keys, index=about["protocol_id"])
    values = _values(said, about, key_of, window, keys)
    whole = _with_before(before, values["tvl_usd"], window, keys)
    is_short = _is_short(whole, values["is_listed"])
    row, column = np.nonzero(_on_grid(whole, floor_usd))
    frame = pd.DataFrame({"as_of": window.as_ofs[row], "protocol_key": keys[column]} | {name: values[name][row, column] for name in VALUES})
    frame["available_at"] = values["available_at"][row, column]
    frame["input_age_hours"] = values["input_age_hours"][row, column]
    frame["is_tombstone"] = (values["is_gone"] & ~is_short)[row, column]
    frame["category"] = about["category"].to_numpy()[column]
    frame["source"] = SOURCE
    frame["doubt"] = _doubts(whole, values["is_gone"] & is_short)[row, column]
    frame["chains_count"] = frame["chains_count"].astype("Int64")
    return _entities(about), frame[PROTOCOL_SNAPSHOTS.names]


def _values(said: Said, about: pd.DataFrame, key_of: pd.Series, window: Window, keys: np.ndarray) -> dict[str, np.ndarray]:
    """VALUES, available_at, input_age_hours, is_listed and is_gone, days × protocols."""
    live, told = (_grid(rows, key_of, window, keys, ("tvl_usd", "stamp")) for rows in (_stamped(said.listed), _stamped(said.tvl)))
    is_live = ~np.isnan(live["tvl_usd"])
    stamp = np.where(is_live, live["stamp"], np.where(np.isnan(told["tvl_usd"]), np.nan, told["stamp"]))
    cutoffs = _hours(window.as_ofs + np.timedelta64(window.delay))[:, None]
    as_of = _hours(window.as_ofs)[:, None]
    listed = _grid(said.listed.assign(there=1.0), key_of, window, keys, ("market_cap_usd", "chains_count", "there"))
    coins = _of_coins(said, about, window)
    volumes = {
        name: _grid(said.volumes[said.volumes["metric"] == metric], key_of, window, keys, ("value_usd",))["value_usd"]
        for metric, name in (("dexs", "volume_usd"), ("fees", "fees_usd"))
    }
    someone = ~np.isnan(listed["there"]).all(axis=1, keepdims=True)
    tvl = np.where(is_live, live["tvl_usd"], told["tvl_usd"])
    return {
        "tvl_usd": tvl,
        "price_usd": coins["price_usd"],
        "market_cap_usd": np.where(np.isnan(coins["market_cap_usd"]), listed["market_cap_usd"], coins["market_cap_usd"]),
        "chains_count": listed["chains_count"],
        "available_at": _stamps(stamp),
        # A value that was told later is of the day's beginning.
        "input_age_hours": np.where(np.isnan(tvl), np.nan, cutoffs - np.where(is_live, stamp, as_of)),
        "is_listed": ~np.isnan(listed["there"]),
        "is_gone": someone & np.isnan(listed["there"]) & np.isnan(tvl),
        **volumes,
    }


def _of_coins(said: Said, about: pd.DataFrame, window: Window) -> Mapping[str, np.ndarray]:
    """Price and market capitalisation, days × protocols: of protocols that share a token the same."""
    names = ("price_usd", "market_cap_usd")
    coins = pd.Index(np.unique(said.coins["coin_id"].to_numpy(dtype=str)) if len(said.coins) else [])
    found = _grid(
        said.coins.rename(columns={"coin_id": "protocol_id"}),
        pd.Series(np.arange(len(coins)), index=coins, dtype=np.int64),
        window,
        np.arange(len(coins)),
        names,
    )
    place = coins.get_indexer(about["gecko_id"].astype(object).where(about["gecko_id"].notna(), ""))
    padded = {name: np.column_stack([values, np.full(window.steps, np.nan)]) for name, values in found.items()}
    return {name: values[:, place] for name, values in padded.items()}  # -1: the last column, of nobody


def _grid(rows: pd.DataFrame, key_of: pd.Series, window: Window, keys: np.ndarray, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Columns on the grid, float64: stamps and dollars need it."""
    out = {name: np.full((window.steps, len(keys)), np.nan) for name in names}
    if not len(rows) or not len(keys):
        return out
    key = rows["protocol_id"].map(key_of)
    step = (rows["as_of"].to_numpy(dtype="datetime64[us]") - window.as_ofs[0]) // np.timedelta64(window.step)
    inside = key.notna().to_numpy() & (step >= 0) & (step < window.steps)
    at = step[inside], np.searchsorted(keys, key[inside].to_numpy(dtype=np.int64))
    for name in names:
        out[name][at] = rows[name].to_numpy(dtype=np.float64, na_value=np.nan)[inside]
    return out


def _stamped(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(stamp=_hours(rows["available_at"].to_numpy(dtype="datetime64[us]")))


def _hours(stamps: np.ndarray) -> np.ndarray:
    return np.asarray(stamps.astype("datetime64[us]").astype(np.float64) / HOUR.astype(np.float64))


def _stamps(hours: np.ndarray) -> np.ndarray:
    known = np.isfinite(hours)
    stamps = np.round(np.where(known, hours, 0.0) * HOUR.astype(np.float64)).astype(np.int64).astype("datetime64[us]")
    return np.where(known, stamps, np.datetime64("NaT", "us"))


def _with_before(before: pd.DataFrame, tvl: np.ndarray, window: Window, keys: np.ndarray) -> np.ndarray:
    earlier = Window(window.start - KEPT_DAYS * window.step, window.start, window.step_hours)
    known: Panel = to_panel(before, "protocol_key", ["tvl_usd"], earlier, keys)
    return np.concatenate([known["tvl_usd"], tvl.astype(np.float32)])


def _is_short(whole: np.ndarray, is_listed: np.ndarray) -> np.ndarray:
    """Days (as a column) whose list is cut off; a list that follows no known day is whole."""
    known, days = ~np.isnan(whole), len(is_listed)
    was_known = np.logical_or.reduce([known[KEPT_DAYS - ago : KEPT_DAYS - ago + days] for ago in range(1, WEEK + 1)])
    return np.asarray((is_listed & was_known).sum(axis=1) < WHOLE_SHARE * was_known.sum(axis=1))[:, None]


def _on_grid(whole: np.ndarray, floor_usd: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        large = np.concatenate([np.zeros((1, whole.shape[1])), np.cumsum(whole >= floor_usd, axis=0)])
    return np.asarray((large[KEPT_DAYS + 1 :] - large[: -KEPT_DAYS - 1]) > 0)


def _doubts(whole: np.ndarray, is_cut_off: np.ndarray) -> np.ndarray:
    """Of a rise that no day brings and nobody has taken back yet, and of who is missing from a list that is cut off."""
    last = whole[KEPT_DAYS - 1 :]
    words = np.full(is_cut_off.shape, None, dtype=object)
    words[is_cut_off] = "its source's list is cut off that day"
    with np.errstate(divide="ignore", invalid="ignore"):
        rose = (last[1:] / last[:-1] >= SUSPECT_RISE) & (last[:-1] > 0)
    for row, key in np.argwhere(rose):
        words[row, key] = f"TVL went from {last[row, key]:,.0f} to {last[row + 1, key]:,.0f} USD in one day"
    return words


def _entities(about: pd.DataFrame) -> pd.DataFrame:
    named = about.rename(columns={"protocol_id": "defillama_id"}).rename(columns={"slug": "protocol_id"})
    return named.drop_duplicates("protocol_key", ignore_index=True)
