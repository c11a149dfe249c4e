"""What sources had said of protocols by the day whose cut-off it serves first: from raw rows, one per name and day."""

import pandas as pd

from veririsk_assets.contracts import raw_protocols as raw
from veririsk_assets.contracts.protocols import LEFT_OUT, PARENT, PROTOCOLS
from veririsk_assets.contracts.raw import DEFILLAMA_PROTOCOLS
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import Window, naive
from veririsk_assets.pipeline.known.instants import serving_day
from veririsk_assets.pipeline.step import House
from veririsk_assets.snapshots.protocols import Said

ABOUT = ("protocol_id", "slug", "name", "category", "chain", "gecko_id")
_DAY = serving_day("available_at")
_LEFT_OUT = ", ".join(f"'{name}'" for name in LEFT_OUT)
_IS_ONE = f"protocol_id NOT LIKE '{PARENT}%' AND coalesce(category, '') NOT IN ({_LEFT_OUT})"


LIVE = "available_at > ? AND available_at <= ?"
PAST = f"{LIVE} AND NOT is_provisional"


def said(house: House, window: Window) -> Said:
    """Rows available by the window's cut-off and after that of the day before it. Of a day that was told live the last word before
    the cut-off counts, of what is told of the past the first: what is rewritten later changes nothing that was said."""

    def rows(table: Table, names: str, where: str, *values: str) -> pd.DataFrame:
        query = f"SELECT {names}, {_DAY} AS as_of, {', '.join(values)} FROM lake.{table.sql_name} WHERE {where} GROUP BY {names}, as_of"
        return house.lake.sql(query, [naive(window.start + window.delay), naive(window.cutoff)])

    def both(live: Table, past: Table, names: str, told: tuple[str, ...], later: tuple[str, ...]) -> pd.DataFrame:
        found = rows(live, names, LIVE, *told), rows(past, names, PAST, *later)
        return _first_of_both(*found, [*names.split(", "), "as_of"])

    values = _last("tvl_usd"), _last("chains_count"), _last("mcap_usd", "market_cap_usd"), "max(available_at) AS available_at"
    listed = rows(DEFILLAMA_PROTOCOLS, "protocol_id", f"{LIVE} AND {_IS_ONE}", *values)
    tvl = rows(raw.DEFILLAMA_TVL_DAYS, "protocol_id", PAST, _first("tvl_usd"), _first("available_at", "first_available_at"))
    tvl = tvl.rename(columns={"first_available_at": "available_at"})
    sums = (_last("value_24h_usd", "value_usd"),), (_first("value_usd"),)
    volumes = both(raw.DEFILLAMA_VOLUMES, raw.DEFILLAMA_VOLUME_DAYS, "protocol_id, metric", *sums)
    prices = tuple(tuple(one(name) for name in ("price_usd", "market_cap_usd")) for one in (_last, _first))
    coins = both(raw.COINGECKO_TOKENS, raw.COINGECKO_COIN_DAYS, "coin_id", *prices)
    return Said(listed, tvl, volumes, coins, _about(house, listed, tvl))


def _last(column: str, name: str = "") -> str:
    return f"arg_max({column}, available_at) AS {name or column}"


def _first(column: str, name: str = "") -> str:
    return f"arg_min({column}, pulled_at) AS {name or column}"


def _first_of_both(live: pd.DataFrame, past: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    return pd.concat([live, past], ignore_index=True).drop_duplicates(key) if len(live) and len(past) else live if len(live) else past


def _about(house: House, listed: pd.DataFrame, tvl: pd.DataFrame) -> pd.DataFrame:
    """What a protocol was called when it was first heard of: of those that hold enough, or did."""
    columns = "defillama_id AS protocol_id, protocol_id AS slug, name, category, chain, gecko_id"
    known = house.lake.sql(f"SELECT {columns} FROM lake.{PROTOCOLS.sql_name} ORDER BY 1")
    large = listed.loc[listed["tvl_usd"] >= house.settings.min_tvl_usd, "protocol_id"]
    new = sorted({*large, *tvl["protocol_id"]} - set(known["protocol_id"]))
    if not new:
        return known
    told = ", ".join(f"arg_min({name}, pulled_at) AS {name}" for name in ABOUT[1:])
    found = house.lake.sql(
        f"SELECT protocol_id, {told} FROM lake.{DEFILLAMA_PROTOCOLS.sql_name} WHERE protocol_id IN (SELECT unnest($1)) GROUP BY 1 ORDER BY 1",
        [new],
    )
    found = found.assign(name=found["name"].fillna(found["slug"]))
    return pd.concat([known, found], ignore_index=True) if len(known) else found
