"""Pairs that were large enough once are asked about while they fall: the floor of a query must not hide a crash."""

from datetime import timedelta

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.pipeline.known.once_a_day import Ask
from veririsk_assets.pipeline.step import House
from veririsk_assets.sources import thegraph

FOLLOWED_FOR = timedelta(days=30)


def pairs(house: House, window: Window) -> Ask:
    """The pairs above the floor, and those that were in an answer of the last 30 days. A replayed market names all its pairs by itself."""
    if house.settings.source != "live":
        return lambda wire, settings, _: thegraph.pairs(wire, settings)
    known = house.lake.sql(
        # As long as a pair is asked for by its id it is in the answers: what counts is when it was last above the floor.
        f"SELECT pair FROM lake.{raw.THEGRAPH_PAIRS.sql_name} WHERE pulled_at > ? AND pulled_at <= ? AND reserve_usd >= ? GROUP BY pair ORDER BY pair",
        [naive(window.end - FOLLOWED_FOR), naive(window.end + HOUR), thegraph.LEAVING_SHARE * house.settings.min_tvl_usd],
    )["pair"].tolist()
    return lambda wire, settings, _: thegraph.pairs(wire, settings, known)
