"""What a training learns from, read from the lake as of an instant."""

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.windows import HOUR, SAMPLED_HOURS, Window, floor_step, naive
from veririsk_assets.pipeline.step import House
from veririsk_assets.pipeline.systems import catalogue_of

if TYPE_CHECKING:
    from veririsk_assets.training.datasets import Dataset


def sampled(system: System, key: str = "") -> str:
    """The condition that keeps every 4th hour of each entity, at another hour for each: next hours say nearly the same. Of days it keeps all.

    `key`: the column with the system's key, where it is called otherwise.
    """
    return f"(epoch_us(as_of) // 3600000000 + {key or system.key}) % {SAMPLED_HOURS} = 0" if system.step_hours < SAMPLED_HOURS else "true"


def seen_by(system: System, as_of: datetime) -> Window:
    """The history that a training as of then looks at."""
    end = floor_step(as_of, system.step_hours)
    return Window(end - system.history_days * 24 * HOUR, end, system.step_hours)


def training_rows(house: House, system: System, horizon: int, as_of: datetime) -> "Dataset":
    """Rows of each entity (of hours every 4th) with a label that had matured by `as_of`; the lake thins the rows before they are read.

    Raises CannotTrain where there are none.
    """
    from veririsk_assets.training.datasets import from_frames

    window, every = seen_by(system, as_of), SAMPLED_HOURS if system.step_hours < SAMPLED_HOURS else 1
    features = house.lake.read(system.features, window, ["as_of", system.key, *system.feature_names], where=sampled(system))
    labels = house.lake.read(system.labels, window, where=f"{sampled(system)} AND horizon_hours = {horizon}")
    others = catalogue_of(system).others
    until = np.datetime64(naive(as_of), "us")
    return from_frames(features, labels, system.key, horizon, system.label, until, system.feature_names, every, others)
