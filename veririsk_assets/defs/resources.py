"""The house of the process: attached once, shared by every asset of a run."""

from datetime import UTC, datetime
from functools import lru_cache

import dagster as dg

from veririsk_assets.pipeline.outside import Outside, outside
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings


def now() -> datetime:
    return datetime.now(UTC)


class HouseResource(dg.ConfigurableResource):
    """Opens the lake of the settings' source mode; attaching costs a third of a second, so once per process."""

    def open(self, run_id: str = "dagster") -> House:
        house = _house(Settings().mode_home.as_posix())
        house.lake.run_id = run_id
        return house

    def outside(self, house: House) -> Outside:
        return _outside(house.settings.mode_home.as_posix())


@lru_cache(maxsize=4)
def _house(_mode_home: str) -> House:
    return House.open(Settings(), now)


@lru_cache(maxsize=4)
def _outside(mode_home: str) -> Outside:
    return outside(_house(mode_home))
