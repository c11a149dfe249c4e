"""Random forest: grown by scikit-learn, kept and read as an XGBoost model of the same trees, never pickled.

Its share of votes is no log-odds. The margin is the line through the forest's own base rate, logit(b) + (share - b) / (b (1 - b)):
it ranks as the share does, calibration does the rest, and the exact TreeSHAP values of the trees add up to it.
"""

import json
from math import ceil
from typing import Any, Self

import numpy as np

from veririsk_assets.models.gradient_boosting import GradientBoosting
from veririsk_assets.models.lean_xgboost import xgboost
from veririsk_assets.models.logistic_line import logit
from veririsk_assets.models.spec import NothingLearnt, Rows

GROW_THREADS = 2
# More rows make a tree slower and hardly better: the others see the rest.
ROWS_A_TREE = 10_000
CHOSEN: dict[str, Any] = {
    "n_estimators": 100,
    "max_depth": 8,
    "min_samples_split": 40,
    "min_samples_leaf": 20,
    "max_features": 0.2,
    "max_samples": 0.7,
}


class RandomForest(GradientBoosting):
    """Parameters are scikit-learn's own names. Nothing is weighted: probabilities are to be right."""

    algorithm = "random_forest"

    def __init__(self, seed: int = 7, **params: Any) -> None:
        super().__init__(seed=seed)
        self.params = CHOSEN | params

    @property
    def hyperparameters(self) -> dict[str, Any]:
        return self.params | {"seed": self.seed}

    @property
    def positives_needed(self) -> int:
        """Both leaves of a split hold `min_samples_leaf` of the rows that a tree draws: fewer positives could not fill one."""
        return ceil(2 * self.params["min_samples_leaf"] / (self.params["max_samples"] or 1.0))

    def fit(self, x: np.ndarray, y: np.ndarray, validation: Rows) -> Self:  # noqa: ARG002 - nothing stops a forest early
        """Raises NothingLearnt where no tree splits."""
        from sklearn.ensemble import RandomForestClassifier

        known = np.where(np.isfinite(x), x, np.nan).astype(np.float32)
        drawn = self.params | {"max_samples": min(self.params["max_samples"] or 1.0, ROWS_A_TREE / len(y))}
        forest = RandomForestClassifier(**drawn, random_state=self.seed, n_jobs=GROW_THREADS).fit(known, y > 0)
        grown = [tree.tree_ for tree in forest.estimators_]
        if len(forest.classes_) < 2 or all(tree.node_count == 1 for tree in grown):
            raise NothingLearnt(f"not enough events: no tree splits on {int(y.sum()):,} positive rows of {len(y):,}")
        self.booster = _booster(grown, float(np.mean(y)), x.shape[1])
        return self


def _booster(grown: list[Any], base_rate: float, features: int) -> Any:
    """The trees as a booster, whose margin is the sum of their leaves."""
    frame = xgboost().train(
        {"objective": "binary:logistic", "base_score": 0.5, "max_depth": 1, "nthread": 1},
        xgboost().DMatrix(np.zeros((2, features), dtype=np.float32), np.array([0.0, 1.0])),
        1,
    )
    model = json.loads(frame.save_raw("json"))
    inner = model["learner"]["gradient_booster"]["model"]
    inner["trees"] = [_tree(tree, number, base_rate, len(grown), features) for number, tree in enumerate(grown)]
    inner["tree_info"], inner["iteration_indptr"] = [0] * len(grown), list(range(len(grown) + 1))
    inner["gbtree_model_param"]["num_trees"] = str(len(grown))
    return xgboost().Booster({"nthread": 2}, model_file=bytearray(json.dumps(model).encode()))


def _tree(tree: Any, number: int, base_rate: float, trees: int, features: int) -> dict[str, Any]:
    """One tree in XGBoost's JSON. scikit-learn goes left at x ≤ threshold, XGBoost at x < condition."""
    order, left = _siblings_together(tree.children_left, tree.children_right)
    nodes, is_leaf = len(order), left < 0
    share = tree.value[order, 0, -1] / tree.value[order, 0].sum(axis=1)
    leaf = (logit(base_rate) + (share - base_rate) / (base_rate * (1.0 - base_rate))) / trees
    parents = np.full(nodes, 2**31 - 1, dtype=np.int64)
    for side in (0, 1):
        parents[left[~is_leaf] + side] = np.flatnonzero(~is_leaf)
    nothing = [0] * nodes
    return {
        "id": number,
        "left_children": left.tolist(),
        "right_children": np.where(is_leaf, -1, left + 1).tolist(),
        "parents": parents.tolist(),
        "split_indices": np.maximum(tree.feature[order], 0).tolist(),
        "split_conditions": np.where(is_leaf, leaf, _just_above(tree.threshold[order])).tolist(),
        "split_type": nothing,
        "default_left": tree.missing_go_to_left[order].astype(int).tolist(),
        "base_weights": leaf.tolist(),
        "loss_changes": [0.0] * nodes,
        "sum_hessian": tree.weighted_n_node_samples[order].tolist(),
        "categories": [],
        "categories_nodes": [],
        "categories_segments": [],
        "categories_sizes": [],
        "tree_param": {"num_deleted": "0", "num_feature": str(features), "num_nodes": str(nodes), "size_leaf_vector": "1"},
    }


def _siblings_together(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's nodes level by level, and where each one's left child then stands (-1: a leaf). XGBoost takes the next for the right one."""
    order, children = [0], []
    for node in order:  # grows while it is walked
        children.append(len(order) if left[node] >= 0 else -1)
        order += [int(left[node]), int(right[node])] if left[node] >= 0 else []
    return np.array(order), np.array(children)


def _just_above(threshold: np.ndarray) -> np.ndarray:
    """The smallest float32 above: a float32 value is below it exactly where it is at most the threshold.

    A threshold of infinity parts what is known from what is not: every known value is below the largest number there is.
    """
    near = np.minimum(threshold, np.nextafter(np.finfo(np.float32).max, np.float32(0))).astype(np.float32)
    near = np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)
    return np.nextafter(near, np.float32(np.inf)).astype(np.float64)
