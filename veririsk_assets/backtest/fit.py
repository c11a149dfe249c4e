"""One model on one fold: fit on train, calibrate on validation, say probabilities for validation and test."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from veririsk_assets.backtest.committee import Committee
from veririsk_assets.backtest.setting import COMMITTEE, ONSET_HEAD, SHIFTED_EWMA, SLOW_BOOSTING
from veririsk_assets.backtest.study import ONSET, Slices, Study
from veririsk_assets.contracts.pool_features import MODEL_FEATURES
from veririsk_assets.models.catalogue import pools as catalogue
from veririsk_assets.models.gradient_boosting import SLOW, GradientBoosting
from veririsk_assets.models.single_column import SingleColumn
from veririsk_assets.models.two_heads import LABELS
from veririsk_assets.training.datasets import CannotTrain, well_known
from veririsk_assets.training.fit import MIN_TRAIN_EVENTS, MIN_TRAIN_ROWS, MIN_VALIDATION_EVENTS
from veririsk_assets.training.folds import fit_calibrated, following

STUDY_LABEL = "the study's own label"
# Models of the backtest alone: nothing of them is served.
BACKTEST_MODELS: dict[str, tuple[Callable[[tuple[str, ...]], Any], tuple[str, ...]]] = {
    SLOW_BOOSTING: (lambda _: GradientBoosting(**SLOW), (STUDY_LABEL,)),
    ONSET_HEAD: (lambda _: GradientBoosting(), (ONSET,)),
    COMMITTEE: (Committee, (STUDY_LABEL, *LABELS)),
    SHIFTED_EWMA: (lambda _: SingleColumn(), (STUDY_LABEL,)),
}
BACKTEST_FEATURES = {SHIFTED_EWMA: ("ewma_volatility_7d",)}


@dataclass(frozen=True)
class Candidate:
    """A model to judge. `labels` are what it learns: one, or several columns; `features` in the order it wants them.

    `make` gets the features that the training rows know. `is_shifted`: its probabilities follow the base rate by the
    labels that mature on the way, as those of a served model do; the named baselines stay as they are known.
    """

    name: str
    make: Callable[[tuple[str, ...]], Any]
    features: tuple[str, ...]
    labels: tuple[str, ...]
    is_shifted: bool = True


@dataclass(frozen=True)
class Part:
    """Calibrated probabilities of the validation rows and of the test rows of one fold.

    `unshifted`: the test rows before they follow the base rate. Alerts are decided on these, or a turn of the market would
    spend the budget of a year.
    """

    validation: np.ndarray
    test: np.ndarray
    unshifted: np.ndarray


def candidate(name: str, study: Study) -> Candidate:
    """A catalogued model or one of `BACKTEST_MODELS`; raises KeyError with the names of the catalogue."""
    if name in BACKTEST_MODELS:
        make, labels = BACKTEST_MODELS[name]
        known = BACKTEST_FEATURES.get(name, tuple(feature for feature in study.features if feature in MODEL_FEATURES))
        return Candidate(name, make, known, tuple(study.label if one == STUDY_LABEL else one for one in labels))
    spec = catalogue.spec(name, study.horizon_hours, study.label)
    return Candidate(name, lambda names: replace(spec, features=names).make(), spec.features, spec.labels, name not in catalogue.BASELINES)


def fit_part(study: Study, model: Candidate, rows: Slices) -> Part:
    """Raises CannotTrain where rows, positives or features are too few."""
    y = np.column_stack([study.labels[label] for label in model.labels])
    columns = _columns(study, model, rows.train, y)
    train, held = rows.train[np.isfinite(y[rows.train]).any(axis=1)], rows.validation[np.isfinite(y[rows.validation]).any(axis=1)]
    _check(study, y, train, held, model)
    y = y[:, 0] if len(model.labels) == 1 else y
    x = study.x[:, columns]
    names = tuple(study.features[place] for place in columns)
    validation, test = rows.validation, rows.test
    fitted = fit_calibrated(model.make(names), (x[train], y[train]), (x[held], y[held]), (x[validation], study.y[validation]))
    held_said, said = fitted.held, fitted.probability(x[test])
    if not model.is_shifted:
        return Part(held_said, said, said)
    as_of, label = ((column[validation], column[test]) for column in (study.as_of, study.y))
    return Part(held_said, following(as_of, (held_said, said), label, study.horizon_hours, float(label[0].mean())), said)


def _columns(study: Study, model: Candidate, train: np.ndarray, y: np.ndarray) -> list[int]:
    """Places of the model's features that the training rows know well enough."""
    places = [study.features.index(name) for name in model.features if name in study.features]
    if not len(train) or not places:
        raise CannotTrain(f"{model.name}: no training row or none of its features")
    known = well_known(study.x[train][:, places], y[train])
    kept = [place for place, keep in zip(places, known, strict=True) if keep]
    if not kept:
        raise CannotTrain(f"{model.name}: its features are null in more than half of the training rows")
    return kept


def _check(study: Study, y: np.ndarray, train: np.ndarray, held: np.ndarray, model: Candidate) -> None:
    counts = (
        (len(train), MIN_TRAIN_ROWS, "training rows"),
        (int(np.nansum(y[train], axis=0).min()), MIN_TRAIN_EVENTS, "positive training rows"),
        (int(np.nansum(y[held], axis=0).min()), 1, "positive validation rows of each of its labels"),
        (int(study.y[held].sum()), MIN_VALIDATION_EVENTS, f"validation rows with {study.label}"),
    )
    for count, floor, what in counts:
        if count < floor:
            raise CannotTrain(f"{model.name}: {count:,} {what}; {floor:,} are needed")
