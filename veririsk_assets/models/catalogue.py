"""Every model by name: how to make it, what it looks at and which label it learns. Baselines are models."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from veririsk_assets.contracts.pool_features import MODEL_FEATURES, PHASE2_NAMES
from veririsk_assets.models.gradient_boosting import SLOW, GradientBoosting
from veririsk_assets.models.logistic_regression import LogisticRegression
from veririsk_assets.models.phase2_recipe import phase2_recipe
from veririsk_assets.models.single_column import SingleColumn
from veririsk_assets.models.spec import RiskModel, Spec
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


@dataclass(frozen=True)
class Entry:
    """How a model is made. `label` None: the label that the caller asks for; `also`: what it learns beside it.

    `has_names`: `make` gets the names of its columns first. `needs`: columns without which it cannot say what it is there for.
    """

    make: Callable[..., RiskModel]
    features: tuple[str, ...] = MODEL_FEATURES
    label: str | None = None
    also: tuple[str, ...] = ()
    has_names: bool = False
    needs: tuple[str, ...] = ()


def two_heads(features: tuple[str, ...], **params: Any) -> TwoHeads:
    """Shallow and slow heads on columns of these names."""
    return TwoHeads([features.index(name) for name in LP_COLUMNS if name in features], **(SLOW | params))


ENTRIES: dict[str, Entry] = {
    "gradient_boosting": Entry(GradientBoosting),
    TWO_HEADS: Entry(two_heads, label="crash", also=LABELS, has_names=True, needs=LP_COLUMNS[:1]),
    "logistic_regression": Entry(LogisticRegression),
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
BASELINES = tuple(name for name in ENTRIES if name not in CANDIDATES)
CLASSES: dict[str, type[RiskModel]] = {kind.algorithm: kind for kind in (GradientBoosting, TwoHeads, LogisticRegression, SingleColumn)}


def spec(name: str, horizon_hours: int, label: str = "crash", **params: Any) -> Spec:
    """The spec of a catalogued model; raises KeyError with the known names."""
    entry = _entry(name)
    return Spec(name, entry.features, horizon_hours, entry.label or label, params, entry.also)


def make(wanted: Spec) -> RiskModel:
    """An unfitted model."""
    entry = _entry(wanted.name)
    return entry.make(*([wanted.features] if entry.has_names else []), **wanted.params)


def narrowed(wanted: Spec, available: tuple[str, ...]) -> Spec:
    """The spec without the features that the data does not have."""
    return replace(wanted, features=tuple(name for name in wanted.features if name in available))


def lacking(wanted: Spec) -> tuple[str, ...]:
    """Columns that its model needs and the spec does not have."""
    return tuple(name for name in _entry(wanted.name).needs if name not in wanted.features)


def _entry(name: str) -> Entry:
    if name == DETECTION:
        return DETECTION_ENTRY
    if name not in ENTRIES:
        raise KeyError(f"no model {name!r}; known: {', '.join(ENTRIES)}")
    return ENTRIES[name]
