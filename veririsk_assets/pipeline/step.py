"""What every step gets and gives. A step reads, computes and stores; it knows nothing of Dagster."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from veririsk_assets.lake.catalog import Catalog
from veririsk_assets.lake.lake import Lake, Written
from veririsk_assets.lake.state import State
from veririsk_assets.settings import Settings


@dataclass(frozen=True)
class StepResult:
    """`rows` stored, `quarantined` faults, `refused` rows among them that were not stored, and what a person would like to know."""

    rows: int = 0
    quarantined: int = 0
    changed: bool = True
    metadata: dict[str, Any] = field(default_factory=dict)
    refused: int = 0

    @classmethod
    def of(cls, written: Written, **metadata: Any) -> "StepResult":
        about = {"lake_snapshot_id": written.snapshot_id, **metadata}
        return cls(written.rows, written.quarantined, written.changed, about, written.refused)

    @property
    def quarantined_ratio(self) -> float:
        return self.quarantined / max(self.rows + self.quarantined, 1)


def together(done: Mapping[str, StepResult]) -> StepResult:
    """What one step did for several systems, by name; of one alone its own result."""
    results = list(done.values())
    if len(results) == 1:
        return results[0]
    about = {f"{name}_{key}": value for name, one in done.items() for key, value in one.metadata.items()}
    rows, quarantined, refused = (sum(getattr(one, name) for one in results) for name in ("rows", "quarantined", "refused"))
    return StepResult(rows, quarantined, any(one.changed for one in results), about, refused)


@dataclass(frozen=True)
class House:
    """What steps share: settings, the lake, small state, and the time of the run."""

    settings: Settings
    lake: Lake
    state: State
    now: Callable[[], datetime]

    @classmethod
    def open(cls, settings: Settings, now: Callable[[], datetime], run_id: str = "cli", read_only: bool = False) -> "House":
        """Opens the home of the settings' source mode. Raises EmptyLakeError when reading a home without a lake."""
        from veririsk_assets.contracts.catalogue import TABLES

        # Compiled kernels are kept in the home: the package may lie where nobody can write.
        os.environ.setdefault("NUMBA_CACHE_DIR", str(settings.home.expanduser().resolve() / "numba"))
        catalog = Catalog.of(settings)
        return cls(settings, Lake(catalog, TABLES, now, run_id, read_only), State(catalog), now)

    def close(self) -> None:
        self.lake.close()


@contextmanager
def opened(read_only: bool = False) -> Iterator[House]:
    """The home of the environment's settings on the real clock, for one command."""
    house = House.open(Settings(), lambda: datetime.now(UTC), read_only=read_only)
    try:
        yield house
    finally:
        house.close()
