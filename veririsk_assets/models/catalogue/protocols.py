"""The models of protocols by name: what each looks at. Volatility alone is what has to be beaten."""

from functools import partial

from veririsk_assets.contracts.protocol_features import MODEL_FEATURES
from veririsk_assets.models.catalogue.entries import Catalogue
from veririsk_assets.models.gradient_boosting import SLOW, GradientBoosting
from veririsk_assets.models.logistic_regression import LogisticRegression
from veririsk_assets.models.random_forest import RandomForest
from veririsk_assets.models.single_column import SingleColumn
from veririsk_assets.models.spec import Entry

FLOOR = "volatility_logistic"
VOLATILITY_COLUMNS = ("tvl_vol_7", "tvl_vol_30", "ewma_volatility_30", "downside_30", "worst_day_30", "drawdown_risk")
# What a training tries, the one to prefer first and the floor last.
CANDIDATES = ("gradient_boosting", "random_forest", "logistic_regression", FLOOR)
ENTRIES: dict[str, Entry] = {
    "gradient_boosting": Entry(partial(GradientBoosting, **SLOW), MODEL_FEATURES),
    "random_forest": Entry(RandomForest, MODEL_FEATURES),
    "logistic_regression": Entry(LogisticRegression, MODEL_FEATURES),
    FLOOR: Entry(LogisticRegression, VOLATILITY_COLUMNS),
    "ewma_volatility_30": Entry(SingleColumn, ("ewma_volatility_30",)),
    "tvl_vol_30": Entry(SingleColumn, ("tvl_vol_30",)),
    "early_warning_score": Entry(SingleColumn, ("early_warning_score",)),
    "persistence_7": Entry(partial(SingleColumn, -1), ("tvl_trend_7",)),
}
NAIVE = {"ewma_volatility_30": 1.0, "tvl_vol_30": 1.0, "early_warning_score": 1.0, "tvl_trend_7": -1.0}
CATALOGUE = Catalogue(ENTRIES, CANDIDATES, FLOOR, "crash", NAIVE)
