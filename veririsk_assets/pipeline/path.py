"""The path from raw to published, declared once and in order. Assets, jobs, replay, freshness checks and the documents are made from it.

Light to import: a step's function is loaded when it is first called.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from veririsk_assets.contracts.models import CALIBRATION_SHIFTS, CHAMPIONS, MODEL_VERSIONS, PERFORMANCE
from veririsk_assets.contracts.monitoring import SHADOW_SCORES
from veririsk_assets.contracts.systems import SYSTEMS, System
from veririsk_assets.contracts.tables import Table

if TYPE_CHECKING:
    from veririsk_assets.pipeline.step import StepResult

# scoring: with every step of the system's clock; learning: each day, what has matured; training: each week; review: each day.
# The first two are made of a window, the last two as of an instant.
Cadence = Literal["scoring", "learning", "training", "review"]
WINDOWED: tuple[Cadence, ...] = ("scoring", "learning")


@dataclass(frozen=True)
class Late:
    """A function of `pipeline/`, named as `module:function` and imported when it is called: with the house, a system, and when."""

    name: str

    def function(self) -> "Callable[..., StepResult]":
        module, _, function = self.name.partition(":")
        found: Callable[..., StepResult] = getattr(import_module(f"veririsk_assets.pipeline.{module}"), function)
        return found

    def __call__(self, house: Any, system: System, when: Any) -> "StepResult":
        return self.function()(house, system, when)


@dataclass(frozen=True)
class OwnStep:
    """How a system makes a table of its own, by its binding."""

    table: Table

    def __call__(self, house: Any, system: System, when: Any) -> "StepResult":
        from veririsk_assets.pipeline.systems import bound

        return bound(system).also[self.table](house, when)


@dataclass(frozen=True)
class Step:
    """One table of the path: what it is made from, when, by which function, and for which systems (several where they share it).

    `beside`: tables that it writes too; `may_be_silent`: an instant without a row owes none. Its asset is `stage/name`; a shared table's is made once per step of time.
    """

    table: Table
    reads: tuple[Table, ...]
    cadence: Cadence
    run: Late | OwnStep
    systems: tuple[System, ...]
    beside: tuple[Table, ...] = ()
    may_be_silent: bool = False

    @property
    def step_hours(self) -> int:
        """Of the fastest clock among its systems."""
        return min(system.step_hours for system in self.systems)

    def make(self, house: Any, when: Any) -> "StepResult":
        """The table of all its systems; of several, what is said of each carries its name."""
        from veririsk_assets.pipeline.step import together

        return together({system.name: self.run(house, system, when) for system in self.systems})

    @property
    def key(self) -> tuple[str, str]:
        """Of its asset."""
        is_apart = self.table.is_shared and self.cadence in WINDOWED and self.step_hours > 1
        return (self.table.stage, f"daily_{self.table.name}") if is_apart else self.table.asset_key


def path_of(system: System) -> Iterator[Step]:
    """What is a system's own: its tables, in the order in which they are made."""
    own = (system,)
    yield Step(system.snapshots, system.feeds, "scoring", Late("known.snapshots:store_snapshots"), own, (system.entities, *system.beside))
    yield Step(system.features, (system.snapshots,), "scoring", Late("known.features:store_features"), own)
    if system.learns:
        yield Step(system.labels, (system.snapshots,), "learning", Late("learning.labels:store_labels"), own)
    yield Step(system.scores, (system.features,), "scoring", Late("saying.scores:store_scores"), own)
    yield Step(system.explanations, (system.scores, system.features), "scoring", Late("saying.explanations:store_explanations"), own)
    yield from (Step(one.table, one.reads, "scoring", OwnStep(one.table), own, may_be_silent=one.may_be_silent) for one in system.also)


def shared_path(systems: tuple[System, ...]) -> Iterator[Step]:
    """What systems that learn share; what is made with every step of a clock, once per clock."""
    learning = tuple(system for system in systems if system.learns)
    if not learning:
        return
    names = ("snapshots", "features", "labels", "scores")
    snapshots, features, labels, scores = (tuple(getattr(one, name) for one in learning) for name in names)
    yield Step(
        CALIBRATION_SHIFTS,
        (*labels, *features, *snapshots, MODEL_VERSIONS),
        "learning",
        Late("learning.recalibration:daily_shifts"),
        learning,
    )
    yield Step(MODEL_VERSIONS, (*labels, *features), "training", Late("learning.train:train"), learning, (CHAMPIONS,))
    for hours in sorted({system.step_hours for system in learning}):
        clock = tuple(system for system in learning if system.step_hours == hours)
        reads = tuple(table for system in clock for table in (system.scores, system.features))
        yield Step(SHADOW_SCORES, reads, "scoring", Late("saying.shadow:shadow_scores"), clock)
    yield Step(PERFORMANCE, (*scores, SHADOW_SCORES, *labels), "review", Late("saying.performance:judge_scores"), learning)


def path(systems: tuple[System, ...]) -> tuple[Step, ...]:
    return (*(step for system in systems for step in path_of(system)), *shared_path(systems))


PATH = path(SYSTEMS)


def saying(system: System) -> list[Step]:
    """What is made from features with every step of the clock: scores first, then what explains or doubts them."""
    return [
        step
        for step in PATH
        if system in step.systems and step.cadence == "scoring" and step.table not in (system.snapshots, system.features)
    ]


def knowing(system: System) -> list[Step]:
    """What is known before anything is said: snapshots, then features."""
    return [step for step in PATH if step.table in (system.snapshots, system.features)]
