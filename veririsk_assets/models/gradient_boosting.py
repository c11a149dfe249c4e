"""Gradient-boosted trees (XGBoost): shallow, stopped early on later rows, no class weights unless a recipe asks."""

from math import ceil
from pathlib import Path
from typing import Any, Self

import numpy as np

from veririsk_assets.models.lean_xgboost import xgboost
from veririsk_assets.models.spec import Method, NothingLearnt, Rows

FILE = "model.ubj"
# Boosting meets at a barrier hundreds of times a second: beside one other busy process two threads took 5 to 18 s
# where one takes 1.3. Rows are explained without barriers: there two threads are twice as fast.
FIT_THREADS = 1
PREDICT_THREADS = 2
SHALLOW: dict[str, Any] = {
    "max_depth": 4,
    "eta": 0.08,
    "subsample": 0.8,
    "colsample_bytree": 0.6,
    "min_child_weight": 10.0,
    "lambda": 5.0,
}
# Shallow and slow: what overfits least where events are few (docs/experiments.md).
SLOW: dict[str, Any] = {"trees": 400, "max_depth": 2, "eta": 0.05, "min_child_weight": 50.0}


class GradientBoosting:
    """At most `trees` trees. `patience` is how many trees without gain on validation end the learning; None: never.

    `is_weighted` sets scale_pos_weight to negatives / positives, which ruins probabilities: for recipes only.
    """

    method: Method = "tree_shap"
    algorithm = "gradient_boosting"

    def __init__(self, trees: int = 150, patience: int | None = 20, is_weighted: bool = False, seed: int = 7, **params: Any) -> None:
        self.trees, self.patience, self.is_weighted, self.seed = trees, patience, is_weighted, seed
        self.params = SHALLOW | params
        self.booster: Any = None
        self.fitted: dict[str, Any] = {}

    @property
    def hyperparameters(self) -> dict[str, Any]:
        chosen = {"rounds": self.trees, "patience": self.patience, "is_weighted": self.is_weighted, "seed": self.seed}
        return self.params | chosen | self.fitted

    @property
    def positives_needed(self) -> int:
        """Each side of a split holds `min_child_weight` of Hessian, of which a positive of a rare event brings about 1, where it is drawn."""
        return ceil(2 * self.params["min_child_weight"] / self.params["subsample"])

    def fit(self, x: np.ndarray, y: np.ndarray, validation: Rows) -> Self:
        """Log-loss on `validation` decides how many trees stay. Raises NothingLearnt where no tree splits."""
        params = self.params | {"objective": "binary:logistic", "eval_metric": "logloss", "tree_method": "hist"}
        params |= {"nthread": FIT_THREADS, "seed": self.seed}
        if self.is_weighted:
            params["scale_pos_weight"] = float((len(y) - y.sum()) / max(y.sum(), 1))
        train = xgboost().QuantileDMatrix(_plain(x), y, nthread=FIT_THREADS)
        held = xgboost().QuantileDMatrix(_plain(validation[0]), validation[1], ref=train, nthread=FIT_THREADS)
        watched = [(held, "validation")] if self.patience else []
        booster = xgboost().train(params, train, self.trees, evals=watched, early_stopping_rounds=self.patience, verbose_eval=False)
        kept = booster[: booster.best_iteration + 1] if self.patience else booster
        self.fitted = {"best_iteration": kept.num_boosted_rounds() - 1}
        self.fitted |= {name: params[name] for name in ("scale_pos_weight",) if name in params}
        if not any("[" in tree for tree in kept.get_dump()):
            raise NothingLearnt(f"not enough events: no tree splits on {int(y.sum()):,} positive rows of {len(y):,}")
        self.booster = _reader(kept.save_raw("ubj"))
        return self

    def margin(self, x: np.ndarray) -> np.ndarray:
        return self.booster.inplace_predict(_plain(x), predict_type="margin").astype(np.float64)

    def contributions(self, x: np.ndarray) -> np.ndarray:
        """Exact TreeSHAP. XGBoost's "approximate" mode agrees on the top three reasons in only 44 % of rows."""
        if not len(x):  # it answers with a flat array then
            return np.zeros((0, x.shape[1] + 1))
        return self.booster.predict(xgboost().DMatrix(_plain(x), nthread=PREDICT_THREADS), pred_contribs=True).astype(np.float64)

    def save(self, folder: Path, file: str = FILE) -> None:
        self.booster.save_model(folder / file)

    @classmethod
    def load(cls, folder: Path, file: str = FILE) -> Self:
        model = cls()
        model.booster = _reader(str(folder / file))
        return model


def _reader(source: bytearray | str) -> Any:
    """A booster for prediction from a file or its bytes: a fresh model and a loaded one are the same object."""
    return xgboost().Booster({"nthread": PREDICT_THREADS}, model_file=source)


def _plain(x: np.ndarray) -> np.ndarray:
    """XGBoost refuses infinities: they are unknown to it, as NaN is."""
    return np.where(np.isfinite(x), x, np.nan).astype(np.float32, copy=False)
