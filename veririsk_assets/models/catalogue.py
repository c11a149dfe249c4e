"""Every model by name: how to make it, what it looks at and which label it learns. Baselines are models."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from veririsk_assets.contracts.pool_features import MODEL_FEATURES, PHASE2_NAMES
from veririsk_assets.models.gradient_boosting import GradientBoosting
from veririsk_assets.models.logistic_regression import LogisticRegression
from veririsk_assets.models.phase2_recipe import phase2_recipe
from veririsk_assets.models.single_column import SingleColumn
from veririsk_assets.models.spec import RiskModel, Spec

CHAMPION_CANDIDATE = "gradient_boosting"
FLOOR = "volatility_logistic"
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


@dataclass(frozen=True)
class Entry:
    """How a model is made. `label` None: the label that the caller asks for."""

    make: Callable[..., RiskModel]
    features: tuple[str, ...] = MODEL_FEATURES
    label: str | None = None


ENTRIES: dict[str, Entry] = {
    "gradient_boosting": Entry(GradientBoosting),
    "logistic_regression": Entry(LogisticRegression),
    FLOOR: Entry(LogisticRegression, VOLATILITY_COLUMNS),
    "phase2_recipe": Entry(phase2_recipe, PHASE2_NAMES, "crash_endpoint"),
    "ewma_volatility_7d": Entry(SingleColumn, ("ewma_volatility_7d",)),
    "ewma_volatility_30d": Entry(SingleColumn, ("ewma_volatility_30d",)),
    "early_warning_score": Entry(SingleColumn, ("early_warning_score",)),
    "persistence_24h": Entry(partial(SingleColumn, -1), ("tvl_change_24h",)),
}
BASELINES = tuple(name for name in ENTRIES if name not in {"gradient_boosting", FLOOR})
CLASSES: dict[str, type[RiskModel]] = {kind.algorithm: kind for kind in (GradientBoosting, LogisticRegression, SingleColumn)}


def spec(name: str, horizon_hours: int, label: str = "crash", **params: Any) -> Spec:
    """The spec of a catalogued model; raises KeyError with the known names."""
    entry = _entry(name)
    return Spec(name, entry.features, horizon_hours, entry.label or label, params)


def make(wanted: Spec) -> RiskModel:
    """An unfitted model."""
    return _entry(wanted.name).make(**wanted.params)


def narrowed(wanted: Spec, available: tuple[str, ...]) -> Spec:
    """The spec without the features that the data does not have."""
    return replace(wanted, features=tuple(name for name in wanted.features if name in available))


def _entry(name: str) -> Entry:
    if name not in ENTRIES:
        raise KeyError(f"no model {name!r}; known: {', '.join(ENTRIES)}")
    return ENTRIES[name]
