"""Rows from the future: what a live home was told while the machine's clock was ahead.

They are set aside before anything believes them: at the start of a fetch, of an hourly run and of a publication. Their hours
are free again, to be pulled when they come. Simulated and recorded homes have a time of their own; nothing is moved there.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from veririsk_assets.contracts import monitoring, raw
from veririsk_assets.contracts.catalogue import PULLS, TABLES
from veririsk_assets.contracts.models import CALIBRATION_SHIFTS, CHAMPIONS
from veririsk_assets.contracts.systems import SYSTEMS
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import CLOCK_SKEW, HOUR, floor_hour, naive
from veririsk_assets.lake import aside
from veririsk_assets.pipeline.step import House
from veririsk_assets.wire.budget import Budget

RULE = "from the future"
# A row counts as of its table's time, but for these. Who serves from a later hour on is a person's choice, if it was made by now.
MOMENTS: dict[Table, str] = {table: table.time for table in TABLES if table is not monitoring.QUARANTINE} | {
    raw.SOURCE_STATUS: "greatest(as_of, pulled_at)",
    **{system.labelled: "matured_at" for system in SYSTEMS if system.labelled},
    CHAMPIONS: "decided_at",
    CALIBRATION_SHIFTS: "greatest(valid_from, decided_at)",
}
# More hours than this are no visit of a wrong clock; without an earlier hour that vouches for the present one, fewer.
MOST_HOURS, MOST_HOURS_ALONE = 48, 3


class ClockBehind(ValueError):
    """The lake holds more after the clock's time than a clock that was ahead can have brought."""


def set_aside(house: House) -> dict[str, int]:
    """Moves rows from the future to monitoring/quarantine; how many, by table.

    Where the lake's pulls run on without a hole past the clock's time, it is the clock that is behind: nothing is moved.
    Raises ClockBehind where so many lie after it that a run would write into a past that it knows nothing of.
    """
    if house.settings.source != "live":
        return {}
    present = house.now() + CLOCK_SKEW
    held = aside.later(house.lake, MOMENTS, present)
    if not held:
        return {}
    past, future = _pulled_hours(house, present)
    if is_too_much(past, future):
        raise ClockBehind(
            f"the clock says {house.now():%Y-%m-%d %H:%M} UTC, but the lake holds {len(future)} hours of pulls after it, up to "
            f"{future[-1]:%Y-%m-%d %H:%M}: set the clock right; nothing was changed"
        )
    if runs_on(past, future):
        return {}
    Budget(house.state).bring_back(house.now())
    return aside.set_aside(house.lake, {table: MOMENTS[table] for table in held}, present, RULE)


def is_too_much(past: datetime | None, future: Sequence[datetime]) -> bool:
    """Whether so many hours with pulls after the present speak against the clock; `past`: the last hour up to it."""
    return len(future) > (MOST_HOURS_ALONE if past is None else MOST_HOURS)


def runs_on(past: datetime | None, future: Sequence[datetime]) -> bool:
    """Whether the pulls run on past the present hour by hour: a clock that was ahead has left a hole before them."""
    return past is not None and bool(future) and all(later - earlier == HOUR for earlier, later in pairwise([past, *future]))


def _pulled_hours(house: House, present: datetime) -> tuple[datetime | None, list[datetime]]:
    """The last hour with a pull up to the present, and every hour with a pull after it."""
    pulls = " UNION ALL ".join(f"SELECT pulled_at FROM lake.{table.sql_name}" for table in PULLS)
    newest = house.lake.sql(f"SELECT max(pulled_at) AS newest FROM ({pulls}) WHERE pulled_at <= ?", [naive(present)])["newest"].iloc[0]
    after = house.lake.sql(f"SELECT DISTINCT pulled_at FROM ({pulls}) WHERE pulled_at > ?", [naive(present)])["pulled_at"]
    future = sorted({floor_hour(stamp.to_pydatetime()) for stamp in after})
    return (None if newest != newest else floor_hour(newest.to_pydatetime())), future
