"""The recipe of the VeriRisk Phase-2 report, kept as a baseline: deep, never stopped early, classes re-weighted.

Its spec (catalogue) also keeps the report's ten features and its endpoint label.
"""

from typing import Any

from veririsk_assets.models.gradient_boosting import GradientBoosting

RECIPE: dict[str, Any] = {
    "max_depth": 6,
    "eta": 0.05,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
    "min_child_weight": 1.0,
    "lambda": 1.0,
}


def phase2_recipe(seed: int = 7) -> GradientBoosting:
    """XGBoost, 300 trees of depth 6, scale_pos_weight."""
    return GradientBoosting(trees=300, patience=None, is_weighted=True, seed=seed, **RECIPE)
