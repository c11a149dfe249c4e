"""What sources had said of protocols by the day whose cut-off it serves first: from raw rows, one per name and day."""

import pandas as pd

from veririsk_assets.contracts import raw_protocols as raw
from veririsk_assets.contracts.protocols import LEFT_OUT, PARENT, PROTOCOLS
from veririsk_assets.contracts.raw import DEFILLAMA_PROTOCOLS
from veririsk_assets.contracts.windows import Window, naive
from veririsk_assets.pipeline.known.instants import serving_day
from veririsk_assets.pipeline.step import House
from veririsk_assets.snapshots.protocols import Said

ABOUT = ("protocol_id", "slug", "name", "category", "chain", "gecko_id")
_DAY = serving_day("available_at")
_LEFT_OUT = ", ".join(f"'{name}'" for name in LEFT_OUT)
_IS_ONE = f"protocol_id NOT LIKE '{PARENT}%' AND coalesce(category, '') NOT IN ({_LEFT_OUT})"


def said(house: House, window: Window) -> Said:
    """Rows available by the window's cut-off and after that of the day before it. Of a day that was told live the last word before
    the cut-off counts, of what is told of the past the first: what is rewritten later changes nothing that was said."""
    live, past = "WHERE available_at > $1 AND available_at <= $2", "WHERE available_at > $1 AND available_at <= $2 AND NOT is_provisional"
    bounds = [naive(window.start + window.delay), naive(window.cutoff)]

    def rows(query: str) -> pd.DataFrame:
        return house.lake.sql(query, bounds)

    def last(columns: str) -> str:
        return ", ".join(f"arg_max({name}, available_at) AS {name}" for name in columns.split())

    def first(columns: str) -> str:
        return ", ".join(f"arg_min({name}, pulled_at) AS {name}" for name in columns.split())

    listed = rows(
        f"SELECT protocol_id, {_DAY} AS as_of, max(available_at) AS available_at, {last('tvl_usd chains_count')}, "
        f"arg_max(mcap_usd, available_at) AS market_cap_usd FROM lake.{DEFILLAMA_PROTOCOLS.sql_name} {live} AND {_IS_ONE} GROUP BY 1, 2"
    )
    tvl = rows(
        f"SELECT protocol_id, {_DAY} AS as_of, {first('tvl_usd')}, min_by(available_at, pulled_at) AS available_at FROM lake.{raw.DEFILLAMA_TVL_DAYS.sql_name} {past} GROUP BY 1, 2"
    )
    volumes = _first_of_both(
        rows(
            f"SELECT protocol_id, metric, {_DAY} AS as_of, arg_max(value_24h_usd, available_at) AS value_usd FROM lake.{raw.DEFILLAMA_VOLUMES.sql_name} {live} GROUP BY 1, 2, 3"
        ),
        rows(
            f"SELECT protocol_id, metric, {_DAY} AS as_of, {first('value_usd')} FROM lake.{raw.DEFILLAMA_VOLUME_DAYS.sql_name} {past} GROUP BY 1, 2, 3"
        ),
        ["protocol_id", "metric", "as_of"],
    )
    coins = _first_of_both(
        rows(
            f"SELECT coin_id, {_DAY} AS as_of, {last('price_usd market_cap_usd')} FROM lake.{raw.COINGECKO_TOKENS.sql_name} {live} GROUP BY 1, 2"
        ),
        rows(
            f"SELECT coin_id, {_DAY} AS as_of, {first('price_usd market_cap_usd')} FROM lake.{raw.COINGECKO_COIN_DAYS.sql_name} {past} GROUP BY 1, 2"
        ),
        ["coin_id", "as_of"],
    )
    return Said(listed, tvl, volumes, coins, _about(house, listed, tvl))


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
