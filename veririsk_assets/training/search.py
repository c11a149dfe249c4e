"""Hyperparameters by a budgeted search: optuna proposes, inner purged folds judge.

What is searched on is the history before the first validation row of the gate's own folds: rows that the gate judges on have
chosen nothing. Seeded, pruned by successive halving, and gone on with where it stopped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from veririsk_assets.evaluation.metrics import average_precision
from veririsk_assets.models.catalogue.entries import Catalogue
from veririsk_assets.models.spec import Spec
from veririsk_assets.training.datasets import CannotTrain, Dataset
from veririsk_assets.training.fit import train
from veririsk_assets.training.folds import Piece
from veririsk_assets.training.walk_forward import as_seen, pieces_of

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import Trial

SEED = 7
Space = Callable[["Trial"], dict[str, Any]]


def _boosting(trial: "Trial") -> dict[str, Any]:
    return {
        "trees": trial.suggest_int("n_estimators", 50, 600, log=True),
        "max_depth": trial.suggest_int("max_depth", 2, 6),
        "eta": trial.suggest_float("learning_rate", 0.01, 0.3, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
    }


def _forest(trial: "Trial") -> dict[str, Any]:
    return {
        "n_estimators": trial.suggest_int("n_estimators", 50, 200, log=True),
        "max_depth": trial.suggest_int("max_depth", 4, 12),
        "min_samples_split": trial.suggest_int("min_samples_split", 10, 400, log=True),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 5, 200, log=True),
    }


def _line(trial: "Trial") -> dict[str, Any]:
    penalty = trial.suggest_categorical("penalty", ["l2", "l1"])
    solvers = {"l2": ["lbfgs", "newton-cholesky"], "l1": ["liblinear", "saga"]}[penalty]
    return {
        "strength": trial.suggest_float("C", 1e-4, 10.0, log=True),
        "penalty": penalty,
        "solver": trial.suggest_categorical(f"solver of {penalty}", solvers),
    }


# Algorithm → what of it is searched, by the names of the documentation.
SPACES: Mapping[str, Space] = {"gradient_boosting": _boosting, "random_forest": _forest, "logistic_regression": _line}


@dataclass(frozen=True)
class Tried:
    """One proposal: its hyperparameters, the mean AP of the inner folds, and each of them as far as it came."""

    number: int
    params: Mapping[str, Any]
    value: float
    folds: tuple[float, ...]
    is_pruned: bool


@dataclass(frozen=True)
class Found:
    """`params` are the model's own arguments: empty where nothing was better than what the catalogue has, which was tried too, and where
    no proposal could be judged on every fold (`value` is NaN)."""

    name: str
    params: Mapping[str, Any]
    value: float
    usual: float
    tried: tuple[Tried, ...]


@dataclass(frozen=True)
class Budget:
    """How many proposals at most, and for how long at most, for one model."""

    trials: int
    seconds: float


def searchable(catalogue: Catalogue) -> tuple[str, ...]:
    """Candidates that have hyperparameters to search; the floor is what it is."""
    return tuple(name for name in catalogue.candidates if name != catalogue.floor and name in SPACES)


def before_the_gate(dataset: Dataset) -> Dataset:
    """The rows before the first validation row of the gate's folds. Raises CannotTrain where there are none."""
    rows = pieces_of(dataset)[0].train
    others = {name: column[rows] for name, column in dataset.others.items()}
    early = replace(dataset, x=dataset.x[rows], y=dataset.y[rows], as_of=dataset.as_of[rows], key=dataset.key[rows], others=others)
    return replace(early, train=slice(None), validation=slice(0, 0))


def search(dataset: Dataset, catalogue: Catalogue, name: str, budget: Budget, journal: Path) -> Found:
    """The best of at most `budget` proposals on inner folds; `journal`: where they are kept, so that a search that was stopped goes on.

    Raises CannotTrain where the history before the gate's folds is too short.
    """
    early = before_the_gate(dataset)
    pieces, study = pieces_of(early), _study(name, journal)

    def objective(trial: "Trial") -> float:
        # What the catalogue has comes first: a search is only worth what it adds to that.
        params = SPACES[name](trial) if any(_is_usual(one) for one in _ended(study)) else {}
        trial.set_user_attr("arguments", params)
        return _judged(trial, early, pieces, catalogue.spec(name, early.horizon_hours, early.label, **params))

    # One that a kill left half-way is no try.
    left = budget.trials - len(_ended(study))
    if left > 0:
        study.optimize(objective, n_trials=left, timeout=budget.seconds)
    return _found(name, _ended(study))


def _ended(study: "Study") -> list[Any]:
    return [trial for trial in study.trials if trial.state.is_finished() and "arguments" in trial.user_attrs]


def _is_usual(trial: Any) -> bool:
    return not trial.user_attrs["arguments"]


def _study(name: str, journal: Path) -> "Study":
    """Its proposals so far; what comes next is seeded by how many there are."""
    import optuna
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal.parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name=name,
        storage=optuna.storages.JournalStorage(JournalFileBackend(str(journal))),
        load_if_exists=True,
        direction="maximize",
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2),
    )
    study.sampler = optuna.samplers.TPESampler(seed=SEED + len(study.trials))
    return study


def _judged(trial: "Trial", early: Dataset, pieces: Sequence[Piece], spec: Spec) -> float:
    """The mean AP of the inner folds. Raises TrialPruned where it is left behind, or cannot be trained in one."""
    from optuna import TrialPruned

    values: list[float] = []
    for step, piece in enumerate(pieces):
        try:
            trained = train(as_seen(early, piece), spec)
        except CannotTrain:
            raise TrialPruned from None
        margin = trained.served.margin(early.columns(trained.served.features, piece.test))
        values.append(float(average_precision(early.y[piece.test], margin)))
        trial.set_user_attr("folds", values)
        trial.report(float(np.mean(values)), step)
        if trial.should_prune() and step + 1 < len(pieces):
            raise TrialPruned
    return float(np.mean(values))


def _found(name: str, trials: list[Any]) -> Found:
    tried = tuple(
        Tried(one.number, one.user_attrs["arguments"], _value(one), tuple(one.user_attrs.get("folds", ())), one.state.name != "COMPLETE")
        for one in trials
    )
    whole = [one for one in tried if not one.is_pruned]
    if not whole:
        return Found(name, {}, float("nan"), float("nan"), tried)
    best = max(whole, key=lambda one: one.value)
    usual = next((one.value for one in whole if not one.params), float("nan"))
    return Found(name, best.params, best.value, usual, tried)


def _value(trial: Any) -> float:
    return float("nan") if trial.value is None else float(trial.value)
