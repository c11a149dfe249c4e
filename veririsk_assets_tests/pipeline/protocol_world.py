"""A simulated home whose protocols tell their past, and worlds that tell it otherwise."""

import atexit
import json
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from shutil import copytree, rmtree
from tempfile import mkdtemp
from typing import Any

import pandas as pd
from requests import PreparedRequest, Response

from veririsk_assets.contracts.protocols import PROTOCOL_SNAPSHOTS
from veririsk_assets.contracts.systems import PROTOCOLS
from veririsk_assets.contracts.windows import HOUR, Window
from veririsk_assets.pipeline import replay
from veririsk_assets.pipeline.known.outside import Replayed
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets.simulation.market import Market
from veririsk_assets.simulation.transport import SimulatedTransport
from veririsk_assets_tests.pipeline.world import START, Clock

DAY = 24 * HOUR
DAYS = 4
# What a reply becomes: (path, parsed body) → body.
Told = Callable[[str, Any], Any]


@cache
def market() -> Market:
    return Market(3, "harder", 8, None)


class Transport(SimulatedTransport):
    """The simulated hosts; `told` changes what they say."""

    def __init__(self, as_of: datetime, told: Told | None = None) -> None:
        super().__init__(market(), as_of)
        self._told = told

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        answer = super().send(request, *args, **kwargs)
        if self._told is None or "llama.fi" not in (request.url or ""):
            return answer
        body = self._told((request.url or "").partition("llama.fi")[2], json.loads(answer.content))
        return self._response(request, answer.status_code, json.dumps(body).encode())


def world(house: House, told: Told | None = None) -> Replayed:
    addresses = [("eth", pool.address) for pool in market().pools if pool.onchain == "geckoterminal"]
    return Replayed(house, lambda as_of: Transport(as_of, told), addresses)


def home(folder: Path) -> House:
    clock = Clock()
    return House.open(Settings(home=folder, pools=8, seed=3, max_protocols=300), clock, run_id="test")


@cache
def _made() -> Path:
    folder = Path(mkdtemp(prefix="veririsk-protocols-"))
    atexit.register(rmtree, folder, ignore_errors=True)
    house = home(folder)
    # Hours from midnight on: the first pull of a day is the one that counts.
    replay.load(house, world(house), Window(START - HOUR, START + DAYS * DAY))
    house.close()
    return folder


def lived(folder: Path) -> House:
    """A home with the hours up to START + DAYS and the whole past of protocols: a copy of one that is made once."""
    copytree(_made(), folder, dirs_exist_ok=True)
    return home(folder)


def days(first: int, count: int = 1) -> Window:
    """`count` days whose `as_of` are START + first … on."""
    return Window(START + (first - 1) * DAY, START + (first - 1 + count) * DAY, PROTOCOLS.step_hours)


def rows_of(house: House, window: Window | None = None) -> pd.DataFrame:
    return house.lake.read(PROTOCOL_SNAPSHOTS, window)


def key_of(house: House, slug: str) -> int:
    known = house.lake.read(PROTOCOLS.entities)
    return int(known.loc[known["protocol_id"] == slug, "protocol_key"].iloc[0])
