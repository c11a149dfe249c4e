"""Every class that a fitted model can be, by the name under which its artefact knows it."""

from veririsk_assets.models.gradient_boosting import GradientBoosting
from veririsk_assets.models.logistic_regression import LogisticRegression
from veririsk_assets.models.random_forest import RandomForest
from veririsk_assets.models.single_column import SingleColumn
from veririsk_assets.models.spec import RiskModel
from veririsk_assets.models.two_heads import TwoHeads

CLASSES: dict[str, type[RiskModel]] = {
    kind.algorithm: kind for kind in (GradientBoosting, RandomForest, TwoHeads, LogisticRegression, SingleColumn)
}
