"""Each system with the functions that are its own: rooms never meet, so they are put together here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from veririsk_assets.contracts.systems import POOLS, System
from veririsk_assets.contracts.windows import HOUR, Window
from veririsk_assets.pipeline import detections
from veririsk_assets.pipeline.step import House
from veririsk_assets.pipeline.training_rows import TRAINING_HOURS

if TYPE_CHECKING:
    from veririsk_assets.training.datasets import Dataset


def _nothing_more(_house: House, choice: Any, _dataset: "Dataset", _as_of: datetime) -> Any:
    return choice.winner.served


@dataclass(frozen=True)
class Bound:
    """`equip`: the served model of a training's choice with what the system's versions carry besides; by default nothing."""

    system: System
    equip: Callable[[House, Any, "Dataset", datetime], Any] = _nothing_more


def _with_causes_and_detection(house: House, choice: Any, dataset: "Dataset", as_of: datetime) -> Any:
    from veririsk_assets.training.companions import equipped

    winner = equipped(choice.winner.served, choice.trained, dataset)
    return detections.equipped(house, winner, Window(as_of - TRAINING_HOURS * HOUR, as_of))


BOUND = {one.system.name: one for one in (Bound(POOLS, _with_causes_and_detection),)}


def bound(system: System) -> Bound:
    return BOUND[system.name]
