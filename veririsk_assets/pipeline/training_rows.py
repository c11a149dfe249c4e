"""What a training learns from, read from the lake as of an instant."""

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.windows import HOUR, SAMPLED_HOURS, Window, naive
from veririsk_assets.pipeline.step import House
from veririsk_assets.pipeline.systems import catalogue_of

if TYPE_CHECKING:
    from veririsk_assets.training.datasets import Dataset

# How much history a training looks at.
TRAINING_HOURS = 24 * 365


def sampled(key: str) -> str:
    """The condition that keeps every 4th hour of each entity, at another hour for each: next hours say nearly the same."""
    return f"(epoch_us(as_of) // 3600000000 + {key}) % {SAMPLED_HOURS} = 0"


def training_rows(house: House, system: System, horizon: int, as_of: datetime) -> "Dataset":
    """Every 4th hour of each entity with a label that had matured by `as_of`; the lake thins the rows before they are read.

    Raises CannotTrain where there are none.
    """
    from veririsk_assets.training.datasets import from_frames

    window = Window(as_of - TRAINING_HOURS * HOUR, as_of)
    features = house.lake.read(system.features, window, ["as_of", system.key, *system.feature_names], where=sampled(system.key))
    labels = house.lake.read(system.labels, window, where=f"{sampled(system.key)} AND horizon_hours = {horizon}")
    others = catalogue_of(system).others
    until = np.datetime64(naive(as_of), "us")
    return from_frames(features, labels, system.key, horizon, system.label, until, system.feature_names, others=others)
