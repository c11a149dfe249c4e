"""The outside world of one source mode: for an hour, a wire whose clock and transport belong together."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from veririsk_assets.contracts.paths import write_whole
from veririsk_assets.contracts.pools import PAIR_PREFIX
from veririsk_assets.contracts.windows import PULL_DELAY, floor_hour, utc
from veririsk_assets.lake.catalog import file_lock
from veririsk_assets.pipeline.known.crosswalk import crosswalk
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets.sources.universe import named_addresses
from veririsk_assets.wire.clock import Clock, FixedClock, SystemClock
from veririsk_assets.wire.session import Wire

if TYPE_CHECKING:
    from veririsk_assets.sources.recorded import RecordedMarket

MARKET_FILE = "market.json"
NO_RECORDED_DIR = "the recorded source needs VERIRISK_RECORDED_DIR: a folder with pool_reserves_4h.parquet"


class Outside(Protocol):
    """Where an hour's data comes from. `addresses`: the (network, address) pairs to ask for; None: the named ones."""

    @property
    def addresses(self) -> list[tuple[str, str]] | None: ...

    def wire(self, as_of: datetime, patience_seconds: float = math.inf, until: datetime | None = None) -> Wire | None:
        """A wire that can be asked about `as_of`; None when this hour cannot be asked about any more.

        Its deadline is the settings', or `patience_seconds` where that is shorter, and never after `until`.
        """


@dataclass(frozen=True)
class Live:
    """The real world: it only knows now."""

    house: House

    @property
    def addresses(self) -> list[tuple[str, str]] | None:
        """The report's named pools, and those that a reviewed crosswalk names on a chain."""
        linked = [pool_id.split(":", 1) for pool_id in crosswalk(simulated=False) if not pool_id.startswith(PAIR_PREFIX)]
        return sorted({*named_addresses(), *((network, address) for network, address in linked)})

    def wire(self, as_of: datetime, patience_seconds: float = math.inf, until: datetime | None = None) -> Wire | None:
        if floor_hour(self.house.now()) != utc(as_of):
            return None
        return _wire(self.house, SystemClock(), None, patience_seconds, until)


@dataclass(frozen=True)
class Replayed:
    """A simulated or recorded market: `transport(as_of)` answers as the world would have at that hour."""

    house: House
    transport: Callable[[datetime], Any]
    addresses: list[tuple[str, str]] | None = None

    def wire(self, as_of: datetime, patience_seconds: float = math.inf, until: datetime | None = None) -> Wire | None:
        return _wire(self.house, FixedClock(as_of + PULL_DELAY), self.transport(as_of), patience_seconds, until)


def outside(house: House, end: datetime | None = None) -> Outside:
    """The settings' source. `end` fixes the hour at which a new simulated market's forced pools are in trouble."""
    source = house.settings.source
    if source == "live":
        return Live(house)
    return _simulated(house, end) if source == "simulated" else Replayed(house, recorded_market(house.settings).transport)


def _wire(house: House, clock: Clock, adapter: Any, patience_seconds: float, until: datetime | None) -> Wire:
    settings = house.settings
    adapters = {"https://": adapter, "http://": adapter} if adapter is not None else None
    deadline_seconds = min(settings.pull_deadline_seconds, patience_seconds)
    return Wire(clock, adapters, house.state, user_agent=settings.user_agent, deadline_seconds=deadline_seconds, until=until)


def _simulated(house: House, end: datetime | None) -> Replayed:
    from veririsk_assets.simulation.transport import SimulatedTransport

    market = simulated_market(house.settings, end)
    addresses = [("eth", pool.address) for pool in market.pools if pool.onchain == "geckoterminal"]
    return Replayed(house, lambda as_of: SimulatedTransport(market, as_of), addresses)


def simulated_market(settings: Settings, end: datetime | None = None) -> Any:
    """The home's market. Its seed, variant, size and forced end are fixed at the first use of the home."""
    from veririsk_assets.simulation.market import Market

    file = settings.mode_home / MARKET_FILE
    if not file.exists():
        chosen = {
            "seed": settings.seed,
            "variant": settings.variant,
            "pools": settings.pools,
            "forced_end": end.isoformat() if end else None,
        }
        _write_once(file, json.dumps(chosen, indent=2))
    fixed = json.loads(file.read_text())
    forced_end = utc(fixed["forced_end"]) if fixed["forced_end"] else None
    return Market(fixed["seed"], fixed["variant"], fixed["pools"], forced_end)


def _write_once(file: Path, text: str) -> None:
    """By the first of several runs: the others go by what it wrote."""
    with file_lock(file.with_suffix(".lock")):
        if not file.exists():
            write_whole(file, text)


def recorded_market(settings: Settings) -> "RecordedMarket":
    """Raises ValueError or FileNotFoundError where there is none that can be used."""
    from veririsk_assets.sources.recorded import RecordedMarket

    if settings.recorded_dir is None:
        raise ValueError(NO_RECORDED_DIR)
    return RecordedMarket(settings.recorded_dir)
