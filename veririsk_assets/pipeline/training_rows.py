"""What a training learns from, read from the lake as of an instant."""

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from veririsk_assets.contracts import pools
from veririsk_assets.contracts.pool_features import FEATURE_NAMES
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.pipeline.step import House

if TYPE_CHECKING:
    from veririsk_assets.training.datasets import Dataset

# How much history a training looks at.
TRAINING_HOURS = 24 * 365
SAMPLED = "(epoch_us(as_of) // 3600000000 + pool_key) % 4 = 0"


def training_rows(house: House, horizon: int, as_of: datetime) -> "Dataset":
    """Every 4th hour of each pool with a label that had matured by `as_of`; the lake thins the rows before they are read.

    Raises CannotTrain where there are none.
    """
    from veririsk_assets.training.datasets import from_frames

    window = Window(as_of - TRAINING_HOURS * HOUR, as_of)
    features = house.lake.read(pools.POOL_FEATURES, window, ["as_of", "pool_key", *FEATURE_NAMES], where=SAMPLED)
    labels = house.lake.read(pools.POOL_LABELS, window, where=f"{SAMPLED} AND horizon_hours = {horizon}")
    return from_frames(features, labels, horizon, trained_as_of=np.datetime64(naive(as_of), "us"))
