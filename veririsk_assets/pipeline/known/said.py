"""What the sources had said by an hour: rows of raw tables for the snapshots, and how much of its list each source gave."""

from datetime import datetime

import numpy as np
import pandas as pd

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.pipeline.known.instants import serving_hour
from veririsk_assets.pipeline.step import House
from veririsk_assets.snapshots import completeness
from veririsk_assets.snapshots import pools as snapshots

AVAILABLE = "pulled_at > ? AND available_at <= ?"
# Where a row came from says nothing of a pool.
UNREAD = ("source", "endpoint", "observed_kind", "payload_hash")
# How each source of pools names one, and its TVL.
LISTS: dict[str, tuple[Table, str, str]] = {
    "defillama": (raw.DEFILLAMA_POOLS, "pool", "tvl_usd"),
    "geckoterminal": (raw.GECKOTERMINAL_POOLS, "network || ':' || address", "reserve_usd"),
    "thegraph": (raw.THEGRAPH_PAIRS, "pair", "reserve_usd"),
}
# Protocols that pools name; the rest of DeFiLlama's thousands says nothing of a pool.
PROTOCOLS_NAMED = " UNION ".join(
    f"SELECT DISTINCT replace({column}, '_', '-') FROM lake.{table.sql_name} WHERE {AVAILABLE}"
    for table, column in ((raw.DEFILLAMA_POOLS, "project"), (raw.GECKOTERMINAL_POOLS, "dex"), (raw.THEGRAPH_PAIRS, "dex"))
)


def raw_rows(house: House, window: Window) -> dict[str, pd.DataFrame]:
    """Table name → rows that were available by the window's cut-off, from the look-back of the snapshots on."""
    silent = _silent_hours(house, window)
    return {table.name: _read(house, table, window, snapshots.bounds(table.name, window, silent.get(table.name, 0))) for table in raw.FEEDS}


def _read(house: House, table: Table, window: Window, bounds: list[datetime]) -> pd.DataFrame:
    columns = [name for name in table.names if name not in UNREAD]
    if table is raw.DEFILLAMA_PROTOCOLS:
        return house.lake.read(
            table, columns=columns, where=f"{AVAILABLE} AND slug IN ({PROTOCOLS_NAMED})", parameters=[*bounds, *3 * bounds]
        )
    if table is not raw.DEFILLAMA_POOLS:
        return house.lake.read(table, columns=columns, where=AVAILABLE, parameters=bounds)
    # Before the first cut-off only a pool's last word can serve: one row of the look-back's 54 (its values are levels, not sums).
    first = [bounds[0], naive(Window.ending(window.start + HOUR).cutoff)]
    last_word = f"SELECT (pool, max(pulled_at)) FROM lake.{table.sql_name} WHERE {AVAILABLE} GROUP BY pool"
    where = f"{AVAILABLE} AND (available_at > ? OR (pool, pulled_at) IN ({last_word}))"
    return house.lake.read(table, columns=columns, where=where, parameters=[*bounds, first[1], *first])


def _silent_hours(house: House, window: Window) -> dict[str, int]:
    """For how long each source of pools had said nothing when the window began; missing where it has not for longer than anybody waits."""
    newest = (
        f"SELECT '{table.name}' AS name, max(available_at) AS said_at FROM lake.{table.sql_name} WHERE available_at > $1 AND available_at <= $2"
        for table, _, _ in LISTS.values()
    )
    since = window.start - (snapshots.LONGEST_SILENCE_HOURS + snapshots.LOOKBACK_HOURS) * HOUR
    said = house.lake.sql(" UNION ALL ".join(newest), [naive(since), naive(window.start)]).dropna()
    return {name: int(np.ceil((naive(window.start) - at.to_pydatetime()) / HOUR)) for name, at in said.itertuples(index=False)}


def shortfalls(house: House, window: Window) -> dict[str, np.ndarray]:
    """Source → per hour of the window what its list is short of. A recording says a row once: how much it names cannot be counted."""
    if house.settings.source == "recorded":
        return {}
    hour = serving_hour("available_at")
    bounds = [naive(window.lookback(window.hours + completeness.USUAL_HOURS).start), naive(window.cutoff)]
    counts = (
        f"(SELECT '{source}' AS source, {hour} AS as_of, count(DISTINCT {name}) AS named_count, "
        f"count(DISTINCT {name}) FILTER ({value} > 0) AS valued_count FROM lake.{table.sql_name} "
        "WHERE pulled_at > $1 AND available_at <= $2 GROUP BY ALL)"
        for source, (table, name, value) in LISTS.items()
    )
    return completeness.shortfalls(house.lake.sql(" UNION ALL ".join(counts), bounds), window)
