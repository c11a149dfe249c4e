"""Stages scores and explanations: what is said about each pool, why, and what has begun. The work is done in `scoring/`."""

from typing import TYPE_CHECKING

from veririsk_assets.contracts.detections import POOL_DETECTIONS
from veririsk_assets.contracts.pools import POOL_EXPLANATIONS, POOL_FEATURES, POOL_SCORES, POOL_SNAPSHOTS
from veririsk_assets.contracts.windows import Window
from veririsk_assets.defs.plots import score_histogram
from veririsk_assets.defs.stage import step_asset

if TYPE_CHECKING:
    from veririsk_assets.pipeline.step import House, StepResult


def scores(house: "House", window: Window) -> "StepResult":
    from veririsk_assets.pipeline.scores import hourly_pool_scores

    return hourly_pool_scores(house, window)


def explanations(house: "House", window: Window) -> "StepResult":
    from veririsk_assets.pipeline.scores import hourly_pool_explanations

    return hourly_pool_explanations(house, window)


def detections(house: "House", window: Window) -> "StepResult":
    from veririsk_assets.pipeline.detections import hourly_pool_detections

    return hourly_pool_detections(house, window)


ASSETS = [
    step_asset(POOL_SCORES, scores, [POOL_FEATURES], plot=score_histogram),
    step_asset(POOL_EXPLANATIONS, explanations, [POOL_SCORES, POOL_FEATURES]),
    step_asset(POOL_DETECTIONS, detections, [POOL_SNAPSHOTS, POOL_FEATURES]),
]
