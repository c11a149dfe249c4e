"""Stages scores and explanations: what is said about each pool, and why. The work is done in `scoring/`."""

from veririsk_assets.contracts.pools import POOL_EXPLANATIONS, POOL_FEATURES, POOL_SCORES
from veririsk_assets.defs.plots import score_histogram
from veririsk_assets.defs.stage import hourly_asset
from veririsk_assets.pipeline.scores import hourly_pool_explanations, hourly_pool_scores

ASSETS = [
    hourly_asset(POOL_SCORES, hourly_pool_scores, [POOL_FEATURES], plot=score_histogram),
    hourly_asset(POOL_EXPLANATIONS, hourly_pool_explanations, [POOL_SCORES, POOL_FEATURES]),
]
