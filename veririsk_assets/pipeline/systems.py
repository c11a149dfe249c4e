"""Each system with the functions that are its own: rooms never meet, so they are put together here, one binding per system."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import Window
from veririsk_assets.pipeline.step import House, StepResult

if TYPE_CHECKING:
    from veririsk_assets.models.catalogue.entries import Catalogue
    from veririsk_assets.pipeline.known.endpoints import Endpoint
    from veririsk_assets.scoring.phrases.phrase import Phrase
    from veririsk_assets.training.datasets import Dataset

# System → the module whose BOUND is its binding; loaded when it is first asked for.
BINDINGS = {"pools": "veririsk_assets.pipeline.pools", "protocols": "veririsk_assets.pipeline.protocols"}


@dataclass(frozen=True)
class Built:
    """`entities`: what the keys stand for; `tables`: rows of the system's snapshots and of what it writes beside them."""

    entities: pd.DataFrame
    tables: dict[Table, pd.DataFrame]


@dataclass(frozen=True)
class Snapshots:
    """`build(house, window, earlier)` from raw rows. `raw_hours`: for how long one serves.

    `earlier`: columns of the rows of the `earlier_steps` before the window that it looks at, by table.
    """

    build: Callable[[House, Window, Mapping[Table, pd.DataFrame]], Built]
    raw_hours: int
    earlier: Mapping[Table, tuple[str, ...]] = field(default_factory=dict)
    earlier_steps: int = 0


@dataclass(frozen=True)
class Features:
    """`build(panel, surroundings, steps)` from a panel of `inputs` and one of `surroundings`, both with the look-back before."""

    build: Callable[[Panel, Panel, int], Panel]
    inputs: tuple[str, ...]
    surroundings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Labels:
    """`build(panel, horizon, steps, beyond)` from a panel of `inputs` that begins `back` steps earlier, all counted in steps.

    Where a label can only be told later, its panel says how many `waited_hours`; at most `beyond` steps.
    """

    build: Callable[[Panel, int, int, int], Panel]
    inputs: tuple[str, ...]
    back: int = 0
    beyond: int = 0


def _no_outlook(_house: House) -> Iterator[str]:
    return iter(())


def _nothing_more(_house: House, choice: Any, _dataset: "Dataset", _as_of: datetime) -> Any:
    return choice.winner.served


@dataclass(frozen=True)
class Bound:
    """A system's own functions and words.

    rule: features → points by signal, which add up to the early-warning score; phrases: what features are called in sentences.
    catalogue, equip: its models, and the served model of a training's choice with what its versions carry besides.
    outlook: what is still to come of what its sources tell of their past, and when a model can learn from it.
    endpoints: what fills the raw tables that only it brings; also: how the tables of its own are made.
    """

    system: System
    snapshots: Snapshots
    features: Features
    rule: Callable[[Mapping[str, np.ndarray]], Mapping[str, np.ndarray]]
    phrases: "Mapping[str, Phrase]"
    labels: Labels | None = None
    catalogue: "Catalogue | None" = None
    equip: Callable[[House, Any, "Dataset", datetime], Any] = _nothing_more
    outlook: Callable[[House], Iterator[str]] = _no_outlook
    endpoints: "tuple[Endpoint, ...]" = ()
    also: Mapping[Table, Callable[[House, Window], StepResult]] = field(default_factory=dict)


def bound(system: System) -> Bound:
    """The system's binding. Raises KeyError where it has none."""
    found: Bound = import_module(BINDINGS[system.name]).BOUND
    return found


def catalogue_of(system: System) -> "Catalogue":
    """Raises KeyError where the system learns nothing."""
    found = bound(system).catalogue
    if found is None:
        raise KeyError(f"the system {system.name} has no catalogue of models")
    return found
