"""What a home still owes of a window, hour by hour and table by table: the newest row of one table proves nothing of the others.

An hour that has nothing to say (no pool, no known TVL, no score) owes nothing of what would be made from it. Every step
writes its window in one commit, so an hour with any row of a table has all of them.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise

import numpy as np
import pandas as pd

from veririsk_assets.contracts import pools, raw, systems
from veririsk_assets.contracts.detections import POOL_DETECTIONS
from veririsk_assets.contracts.monitoring import SHADOW_SCORES
from veririsk_assets.contracts.surroundings import SURROUNDINGS
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.vocabulary import HORIZONS
from veririsk_assets.contracts.windows import HOUR, Window, naive, utc
from veririsk_assets.pipeline import champions
from veririsk_assets.pipeline.endpoints import ENDPOINTS
from veririsk_assets.pipeline.step import House
from veririsk_assets.snapshots.pools import LOOKBACK_HOURS

Hours = set[datetime]
# What says that a pool exists.
POOL_FEEDS = (raw.DEFILLAMA_POOLS, raw.GECKOTERMINAL_POOLS, raw.THEGRAPH_PAIRS)
SAID = (pools.POOL_SCORES, pools.POOL_EXPLANATIONS, POOL_DETECTIONS, SHADOW_SCORES)


def runs(hours: Iterable[datetime]) -> list[Window]:
    """Neighbouring hours (`as_of`) as windows, in order."""
    ordered = sorted(hours)
    breaks = [i + 1 for i, (earlier, later) in enumerate(pairwise(ordered)) if later - earlier > HOUR]
    edges = [0, *breaks, len(ordered)]
    return [Window(ordered[first] - HOUR, ordered[last - 1]) for first, last in pairwise(edges) if last > first]


def unloaded(house: House, window: Window) -> Hours:
    """Hours about which a source was not asked yet, or whose snapshots or features are not there."""
    asked = _hours(house, raw.SOURCE_STATUS, window, _every_endpoint())
    grid = _hours(house, pools.POOL_SNAPSHOTS, window)
    without_pools = (asked & _hours(house, SURROUNDINGS, window)) - grid
    known = _hours(house, pools.POOL_SNAPSHOTS, window, "tvl_usd IS NOT NULL")
    with_features = _hours(house, pools.POOL_FEATURES, window)
    done = (asked & grid) - (known - with_features) | without_pools.difference(_fed(house, window, without_pools))
    return {hour.as_of for hour in window.each()} - done


def unsaid(house: House, window: Window, table: Table) -> Hours:
    """Loaded hours of which a table of SAID lacks what it would say."""
    stored = _hours(house, table, window)
    if table is pools.POOL_EXPLANATIONS:
        return _hours(house, pools.POOL_SCORES, window, "risk_score IS NOT NULL") - stored
    if table is SHADOW_SCORES:
        return set().union(*(_without_shadow(house, window, horizon) for horizon in HORIZONS))
    return _hours(house, pools.POOL_SNAPSHOTS, window) - stored


def unlabelled(house: House, window: Window) -> Hours:
    """Hours with features whose horizons had passed by the window's end and that have no label of one of them."""
    missing: Hours = set()
    for horizon in HORIZONS:
        if window.hours > horizon:
            matured = Window(window.start, window.end - horizon * HOUR)
            missing |= _hours(house, pools.POOL_FEATURES, matured) - _hours(house, pools.POOL_LABELS, matured, f"horizon_hours = {horizon}")
    return missing


def any_owed(house: House, window: Window) -> Hours:
    """Hours that owe anything at all."""
    return unloaded(house, window).union(*(unsaid(house, window, table) for table in SAID))


def first_unfinished(house: House, window: Window) -> datetime | None:
    """The first hour of the window that owes anything, from its first scored hour on: what was loaded unscored before stays so."""
    scored = _hours(house, pools.POOL_SCORES, window)
    return min((hour for hour in any_owed(house, window) if hour >= min(scored)), default=None) if scored else None


def unscored_after(house: House, moment: datetime, hours: int) -> Window | None:
    """The hours right after an instant that have features and no score yet, at most so many."""
    window = Window(moment, moment + hours * HOUR)
    free = _hours(house, pools.POOL_FEATURES, window) - _hours(house, pools.POOL_SCORES, window)
    found = runs(free)
    return found[0] if found and found[0].start == moment else None


def _hours(house: House, table: Table, window: Window, where: str = "true") -> Hours:
    grouped = where if where.startswith("GROUP") else f"AND ({where}) GROUP BY as_of"
    query = f"SELECT as_of FROM lake.{table.sql_name} WHERE as_of > ? AND as_of <= ? {grouped}"
    return {utc(stamp.to_pydatetime()) for stamp in house.lake.sql(query, [naive(window.start), naive(window.end)])["as_of"]}


def _every_endpoint() -> str:
    return f"GROUP BY as_of HAVING count(DISTINCT endpoint) FILTER (endpoint IN {tuple(one.table.name for one in ENDPOINTS)}) = {len(ENDPOINTS)}"


def _fed(house: House, window: Window, hours: Hours) -> Iterator[datetime]:
    """Those of the hours that a pool could be known in: a feed has a row within the look-back of snapshots."""
    if not hours:
        return
    pulls = " UNION ALL ".join(f"SELECT pulled_at FROM lake.{table.sql_name}" for table in POOL_FEEDS)
    query = (
        f"SELECT DISTINCT time_bucket(INTERVAL 1 HOUR, pulled_at) AS as_of FROM ({pulls}) WHERE pulled_at > ? AND pulled_at <= ? ORDER BY 1"
    )
    bounds = [naive(window.start - LOOKBACK_HOURS * HOUR), naive(window.end + HOUR)]
    fed = house.lake.sql(query, bounds)["as_of"].to_numpy(dtype="datetime64[us]")
    for hour in hours:
        newest = np.searchsorted(fed, np.datetime64(naive(hour), "us"), side="right")
        if newest and fed[newest - 1] > np.datetime64(naive(hour - LOOKBACK_HOURS * HOUR), "us"):
            yield hour


def _without_shadow(house: House, window: Window, horizon: int) -> Hours:
    """Hours through which a challenger waited and nothing was said in its shadow. One that came at an hour's end waits from the next on."""
    grid = sorted(_hours(house, pools.POOL_SNAPSHOTS, window))
    if not grid:
        return set()
    line_up = champions.line_up(house, systems.POOLS, horizon)
    waiting: list[dict[datetime, str]] = []
    for shift in (HOUR, 0 * HOUR):
        rows = pd.DataFrame({"as_of": [pd.Timestamp(naive(hour - shift)) for hour in grid], "hour": grid})
        waiting.append({hour: pair.challenger for pair, part in line_up.parts(rows) for hour in part["hour"] if pair.challenger})
    shadowed = _hours(house, SHADOW_SCORES, window, f"system = '{systems.POOLS.name}' AND horizon_hours = {horizon}")
    return {
        hour
        for hour, version in waiting[1].items()
        if waiting[0].get(hour) == version
        and hour not in shadowed
        and champions.folder(house.settings, systems.POOLS, horizon, version).exists()
    }
