"""The models of pools by name: how to make each, what it looks at and which label it learns. Baselines are models."""

from functools import partial
from typing import Any

from veririsk_assets.contracts.pool_features import MODEL_FEATURES, PHASE2_NAMES
from veririsk_assets.models.catalogue.entries import Catalogue
from veririsk_assets.models.gradient_boosting import SLOW, GradientBoosting
from veririsk_assets.models.logistic_regression import LogisticRegression
from veririsk_assets.models.phase2_recipe import phase2_recipe
from veririsk_assets.models.single_column import SingleColumn
from veririsk_assets.models.spec import Entry
from veririsk_assets.models.two_heads import LABELS, TwoHeads

CHAMPION_CANDIDATE = "gradient_boosting"
TWO_HEADS = "two_heads"
FLOOR = "volatility_logistic"
# What a training tries, the one to prefer first and the floor last.
CANDIDATES = (CHAMPION_CANDIDATE, TWO_HEADS, FLOOR)
# Volatility in all its spans: what is known to rank real pools, and hard to overfit.
VOLATILITY_COLUMNS = (
    "volatility_24h",
    "abs_return_mean_7d",
    "ewma_volatility_7d",
    "ewma_volatility_30d",
    "downside_semideviation_7d",
    "downside_semideviation_30d",
    "worst_return_7d",
)
# What LP supply tells: it is known where any of them is. The first needs the shortest history.
LP_COLUMNS = (
    "lp_supply_change_6h", "hours_since_burn_5pct", "hours_since_burn_20pct", "hours_since_mint_5pct", "hours_since_mint_20pct",
    "lp_supply_change_24h", "lp_supply_change_7d", "lp_supply_volatility_7d", "lp_largest_burn_7d", "lp_largest_mint_7d",
    "lp_largest_burn_30d", "lp_largest_mint_30d", "lp_mint_concentration_30d", "lp_hot_money_ratio_30d", "lp_supply_to_max_30d",
    "lp_price_change_24h", "lp_price_volatility_7d",
)  # fmt: skip


def two_heads(features: tuple[str, ...], **params: Any) -> TwoHeads:
    """Shallow and slow heads on columns of these names."""
    return TwoHeads([features.index(name) for name in LP_COLUMNS if name in features], **(SLOW | params))


ENTRIES: dict[str, Entry] = {
    "gradient_boosting": Entry(GradientBoosting, MODEL_FEATURES),
    TWO_HEADS: Entry(two_heads, MODEL_FEATURES, label="crash", also=LABELS, has_names=True, needs=LP_COLUMNS[:1]),
    "logistic_regression": Entry(LogisticRegression, MODEL_FEATURES),
    FLOOR: Entry(LogisticRegression, VOLATILITY_COLUMNS),
    "phase2_recipe": Entry(phase2_recipe, PHASE2_NAMES, "crash_endpoint"),
    "ewma_volatility_7d": Entry(SingleColumn, ("ewma_volatility_7d",)),
    "ewma_volatility_30d": Entry(SingleColumn, ("ewma_volatility_30d",)),
    "early_warning_score": Entry(SingleColumn, ("early_warning_score",)),
    "persistence_24h": Entry(partial(SingleColumn, -1), ("tvl_change_24h",)),
}
# No forecast: whether a drop that has begun is or becomes a fall. It learns from rows with one under way only.
DETECTION = "detection"
DETECTION_COLUMNS = (
    "drop_ratio", "begun_hours", "tvl_change_1h", "tvl_change_6h", "tvl_acceleration", "volatility_24h", "ewma_volatility_7d",
    "worst_return_7d", "drawdown_7d", "lp_supply_change_6h", "lp_price_change_24h", "market_median_change_24h",
    "market_share_falling_24h", "eth_return_24h", "log_tvl", "input_age_hours",
)  # fmt: skip
# Of depth 2, 4 and a line, the best Brier skill on the recorded inner folds (.646, .638, .640).
DETECTION_ENTRY = Entry(partial(GradientBoosting, max_depth=2), DETECTION_COLUMNS, label="fall")
# Ranks without any learning, and which end is the risky one.
NAIVE = {"ewma_volatility_7d": 1.0, "ewma_volatility_30d": 1.0, "early_warning_score": 1.0, "tvl_change_24h": -1.0}
CATALOGUE = Catalogue(ENTRIES, CANDIDATES, FLOOR, "crash", NAIVE, {DETECTION: DETECTION_ENTRY})
BASELINES = CATALOGUE.baselines
spec = CATALOGUE.spec
