"""A small simulated home for tests of the whole path."""

from collections.abc import Callable, Mapping
from datetime import datetime

from veririsk_assets.contracts.windows import HOUR, Window, utc
from veririsk_assets.pipeline.outside import Replayed
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets.simulation.faults import Fault
from veririsk_assets.simulation.market import Market
from veririsk_assets.simulation.transport import SimulatedTransport

START = utc("2025-03-01")
Faults = Callable[[datetime], Mapping[str, Fault]]


class Clock:
    """A run's time that only moves when told."""

    def __init__(self) -> None:
        self.time = utc("2026-11-01T12:30")

    def __call__(self) -> datetime:
        return self.time


def home(settings: Settings, clock: Clock | None = None) -> House:
    return House.open(settings, clock or Clock(), run_id="test")


def outside(house: House, faults: Faults | None = None, pools: int = 8, seed: int = 3) -> Replayed:
    """The market's transport; `faults` says per as_of what goes wrong."""
    market = Market(seed, "harder", pools, None)
    addresses = [("eth", pool.address) for pool in market.pools if pool.onchain == "geckoterminal"]
    return Replayed(house, lambda as_of: SimulatedTransport(market, as_of, faults(as_of) if faults else None), addresses)


def hours(first: int, count: int = 1) -> Window:
    """`count` hours from START + first on."""
    return Window(START + first * HOUR, START + (first + count) * HOUR)
