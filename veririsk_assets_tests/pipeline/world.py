"""A small simulated home for tests of the whole path."""

import atexit
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from shutil import copytree, rmtree
from tempfile import mkdtemp

from veririsk_assets.contracts.windows import HOUR, Window, utc
from veririsk_assets.pipeline import replay
from veririsk_assets.pipeline.known.outside import Replayed
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets.simulation.faults import Fault
from veririsk_assets.simulation.market import Market
from veririsk_assets.simulation.transport import SimulatedTransport

START, LIVED = utc("2025-03-01"), 30
Faults = Callable[[datetime], Mapping[str, Fault]]


class Clock:
    """A run's time that only moves when told."""

    def __init__(self) -> None:
        self.time = utc("2026-11-01T12:30")

    def __call__(self) -> datetime:
        return self.time


def home(settings: Settings, clock: Clock | None = None) -> House:
    return House.open(settings, clock or Clock(), run_id="test")


@cache
def _made(scored: bool) -> Path:
    """A home of LIVED plain hours, made once for all tests of a process."""
    folder = Path(mkdtemp(prefix="veririsk-lived-"))
    atexit.register(rmtree, folder, ignore_errors=True)
    house = home(Settings(home=folder))
    (replay.score_window if scored else replay.load)(house, outside(house), hours(0, LIVED))
    house.close()
    return folder


def lived(settings: Settings, clock: Clock | None = None, scored: bool = False) -> House:
    """A home in which the first LIVED hours of the plain market are loaded, or scored: a copy of one that is made once."""
    copytree(_made(scored), settings.home, dirs_exist_ok=True)
    return home(settings, clock)


def outside(house: House, faults: Faults | None = None, pools: int = 8, seed: int = 3) -> Replayed:
    """The market's transport; `faults` says per as_of what goes wrong."""
    market = Market(seed, "harder", pools, None)
    addresses = [("eth", pool.address) for pool in market.pools if pool.onchain == "geckoterminal"]
    return Replayed(house, lambda as_of: SimulatedTransport(market, as_of, faults(as_of) if faults else None), addresses)


def hours(first: int, count: int = 1) -> Window:
    """`count` hours from START + first on."""
    return Window(START + first * HOUR, START + (first + count) * HOUR)
