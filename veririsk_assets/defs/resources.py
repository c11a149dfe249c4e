"""The house of the process: attached once, shared by every asset of a run.

Here and in every file of `defs/` steps are imported where they run: listing the graph needs neither pandas nor DuckDB.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import dagster as dg

from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import naive
from veririsk_assets.settings import Settings

if TYPE_CHECKING:
    from veririsk_assets.pipeline.known.outside import Outside
    from veririsk_assets.pipeline.step import House


def now() -> datetime:
    return datetime.now(UTC)


class HouseResource(dg.ConfigurableResource):
    """Opens the lake of the settings' source mode; attaching costs a third of a second, so once per process."""

    def open(self, run_id: str = "dagster") -> "House":
        house = _house(Settings().mode_home.as_posix())
        house.lake.run_id = run_id
        return house

    def outside(self, house: "House") -> "Outside":
        return _outside(house.settings.mode_home.as_posix())

    def newest(self, table: Table) -> datetime | None:
        """The newest `as_of` of a table, naive; None when it is empty."""
        span = self.open().lake.span(table)
        return naive(span[1]) if span else None


@lru_cache(maxsize=4)
def _house(_mode_home: str) -> "House":
    from veririsk_assets.pipeline.step import House

    return House.open(Settings(), now)


@lru_cache(maxsize=4)
def _outside(mode_home: str) -> "Outside":
    from veririsk_assets.pipeline.known.outside import outside

    return outside(_house(mode_home))
