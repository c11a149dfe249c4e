"""What a home still owes of a window, step by step and table by table: the newest row of one table proves nothing of the others.

An instant that has nothing to say (no entity, no known measure, no score) owes nothing of what would be made from it. Every step
writes its window in one commit, so an instant with any row of a table has all of them.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise

import numpy as np
import pandas as pd

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.monitoring import SHADOW_SCORES
from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import HOUR, Window, naive, utc
from veririsk_assets.pipeline.known.endpoints import every_endpoint
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.path import saying
from veririsk_assets.pipeline.step import House
from veririsk_assets.pipeline.systems import bound

Instants = set[datetime]


def runs(instants: Iterable[datetime], step_hours: int = 1) -> list[Window]:
    """Neighbouring instants (`as_of`) as windows, in order."""
    ordered, step = sorted(instants), step_hours * HOUR
    breaks = [i + 1 for i, (earlier, later) in enumerate(pairwise(ordered)) if later - earlier > step]
    edges = [0, *breaks, len(ordered)]
    return [Window(ordered[first] - step, ordered[last - 1], step_hours) for first, last in pairwise(edges) if last > first]


def unpulled(house: House, window: Window) -> Instants:
    """Hours about which a source was not asked yet."""
    return {hour.as_of for hour in window.each()} - _asked(house, window)


def unloaded(house: House, system: System, window: Window) -> Instants:
    """Instants about which a source was not asked yet, or whose snapshots or features are not there."""
    asked = _asked(house, window)
    grid = _instants(house, system.snapshots, window)
    empty = asked - grid
    for table in system.beside:
        empty &= _instants(house, table, window)
    known = _instants(house, system.snapshots, window, f"{system.measure} IS NOT NULL")
    with_features = _instants(house, system.features, window)
    done = (asked & grid) - (known - with_features) | empty.difference(_fed(house, system, window, empty))
    return {step.as_of for step in window.each()} - done


def unsaid(house: House, system: System, window: Window, table: Table) -> Instants:
    """Loaded instants of which a table lacks what it would say."""
    if table is SHADOW_SCORES:
        return set().union(*(_without_shadow(house, system, window, horizon) for horizon in system.horizons))
    stored = _instants(house, table, window)
    if table is system.explanations:
        return _instants(house, system.scores, window, "risk_score IS NOT NULL") - stored
    return _instants(house, system.snapshots, window) - stored


def unlabelled(house: House, system: System, window: Window) -> Instants:
    """Instants with features whose horizons had passed by the window's end and that have no label of one of them."""
    missing: Instants = set()
    for horizon in system.horizons:
        if window.hours > horizon:
            matured = Window(window.start, window.end - horizon * HOUR, window.step_hours)
            labelled = _instants(house, system.labels, matured, f"horizon_hours = {horizon}")
            missing |= _instants(house, system.features, matured) - labelled
    return missing


def any_owed(house: House, system: System, window: Window) -> Instants:
    """Instants that owe anything at all."""
    return unloaded(house, system, window).union(
        *(unsaid(house, system, window, step.table) for step in saying(system) if not step.may_be_silent)
    )


def first_unfinished(house: House, system: System, window: Window) -> datetime | None:
    """The first instant of the window that owes anything, from its first scored one on: what was loaded unscored before stays so."""
    scored = _instants(house, system.scores, window)
    return min((at for at in any_owed(house, system, window) if at >= min(scored)), default=None) if scored else None


def unscored_after(house: House, system: System, moment: datetime, steps: int) -> Window | None:
    """The instants right after one that have features and no score yet, at most so many."""
    window = Window(moment, moment + steps * system.step_hours * HOUR, system.step_hours)
    free = _instants(house, system.features, window) - _instants(house, system.scores, window)
    gaps = runs(free, system.step_hours)
    return gaps[0] if gaps and gaps[0].start == moment else None


def _instants(house: House, table: Table, window: Window, where: str = "true") -> Instants:
    grouped = where if where.startswith("GROUP") else f"AND ({where}) GROUP BY as_of"
    query = f"SELECT as_of FROM lake.{table.sql_name} WHERE as_of > ? AND as_of <= ? {grouped}"
    return {utc(stamp.to_pydatetime()) for stamp in house.lake.sql(query, [naive(window.start), naive(window.end)])["as_of"]}


def _asked(house: House, window: Window) -> Instants:
    """Hours about which every endpoint was asked."""
    names = tuple(one.table.name for one in every_endpoint())
    all_of_them = f"GROUP BY as_of HAVING count(DISTINCT endpoint) FILTER (endpoint IN {names}) = {len(names)}"
    return _instants(house, raw.SOURCE_STATUS, window, all_of_them)


def _fed(house: House, system: System, window: Window, instants: Instants) -> Iterator[datetime]:
    """Those of the instants that an entity could be known in: a feed that names some has a row within the look-back of snapshots."""
    if not instants:
        return
    back = bound(system).snapshots.raw_hours * HOUR
    pulls = " UNION ALL ".join(f"SELECT pulled_at FROM lake.{table.sql_name}" for table in system.named_by)
    query = (
        f"SELECT DISTINCT time_bucket(INTERVAL 1 HOUR, pulled_at) AS as_of FROM ({pulls}) WHERE pulled_at > ? AND pulled_at <= ? ORDER BY 1"
    )
    bounds = [naive(window.start - back), naive(window.end + HOUR)]
    fed = house.lake.sql(query, bounds)["as_of"].to_numpy(dtype="datetime64[us]")
    for at in instants:
        newest = np.searchsorted(fed, np.datetime64(naive(at), "us"), side="right")
        if newest and fed[newest - 1] > np.datetime64(naive(at - back), "us"):
            yield at


def _without_shadow(house: House, system: System, window: Window, horizon: int) -> Instants:
    """Instants through which a challenger waited and nothing was said in its shadow. One that came at a step's end waits from the next on."""
    grid = sorted(_instants(house, system.snapshots, window))
    if not grid:
        return set()
    line_up = champions.line_up(house, system, horizon)
    waiting: list[dict[datetime, str]] = []
    for shift in (window.step, 0 * HOUR):
        rows = pd.DataFrame({"as_of": [pd.Timestamp(naive(at - shift)) for at in grid], "at": grid})
        waiting.append({at: pair.challenger for pair, part in line_up.parts(rows) for at in part["at"] if pair.challenger})
    shadowed = _instants(house, SHADOW_SCORES, window, f"system = '{system.name}' AND horizon_hours = {horizon}")
    return {
        at
        for at, version in waiting[1].items()
        if waiting[0].get(at) == version and at not in shadowed and champions.folder(house.settings, system, horizon, version).exists()
    }
