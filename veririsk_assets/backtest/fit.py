"""One model on one fold: fit on train, calibrate on validation, say probabilities for validation and test rows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from veririsk_assets.backtest.committee import Committee
from veririsk_assets.backtest.setting import COMMITTEE, ONSET_HEAD, SHIFTED_EWMA, SLOW_BOOSTING
from veririsk_assets.backtest.study import ONSET, Study
from veririsk_assets.contracts.pool_features import MODEL_FEATURES
from veririsk_assets.models.catalogue import pools as catalogue
from veririsk_assets.models.catalogue.entries import Catalogue
from veririsk_assets.models.gradient_boosting import SLOW, GradientBoosting
from veririsk_assets.models.single_column import SingleColumn
from veririsk_assets.models.two_heads import LABELS
from veririsk_assets.training.datasets import CannotTrain, Dataset
from veririsk_assets.training.fit import MIN_TRAIN_EVENTS, MIN_TRAIN_ROWS, MIN_VALIDATION_EVENTS
from veririsk_assets.training.folds import Piece, Said, fit_calibrated, following
from veririsk_assets.training.paired import ranked

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


def candidate(name: str, study: Study) -> Candidate:
    """A catalogued model or one of `BACKTEST_MODELS`; raises KeyError with the names of the catalogue."""
    if name in BACKTEST_MODELS:
        make, labels = BACKTEST_MODELS[name]
        known = BACKTEST_FEATURES.get(name, tuple(feature for feature in study.rows.features if feature in MODEL_FEATURES))
        return Candidate(name, make, known, tuple(study.rows.label if one == STUDY_LABEL else one for one in labels))
    return catalogued(catalogue.CATALOGUE, name, study)


def catalogued(models: Catalogue, name: str, study: Study) -> Candidate:
    """A model of a system's catalogue; raises KeyError with their names."""
    spec = models.spec(name, study.rows.horizon_hours, study.rows.label)
    return Candidate(name, lambda names: replace(spec, features=names).make(), spec.features, spec.labels, name not in models.baselines)


def speak(study: Study, model: Candidate, piece: Piece) -> Said:
    """Raises CannotTrain where rows, positives or features are too few."""
    y = study.rows.targets(model.labels, slice(None))
    train, held = (part[np.isfinite(y[part]).any(axis=1)] for part in (piece.train, piece.validation))
    rows = replace(study.rows, train=train, validation=held)
    names = _usable(rows, model)
    made = model.make(names)
    _check(rows, y, model, made.positives_needed)
    y = y[:, 0] if len(model.labels) == 1 else y
    (x, held_x, validation_x, test_x) = (rows.columns(names, part) for part in (train, held, piece.validation, piece.test))
    label = study.rows.y
    fitted = fit_calibrated(made, (x, y[train]), (held_x, y[held]), (validation_x, label[piece.validation]))
    held_said, said = fitted.held, fitted.probability(test_x)
    if not model.is_shifted:
        return Said(held_said, said, said, _raw(fitted.model, test_x))
    as_of, became = ((column[piece.validation], column[piece.test]) for column in (study.rows.as_of, label))
    return Said(held_said, following(as_of, (held_said, said), became, study.rows.horizon_hours, float(became[0].mean())), said)


def _raw(model: Any, x: np.ndarray) -> np.ndarray | None:
    """A single column ranks by itself: a calibration that ties its values is not to make it a weaker rival."""
    return ranked(model.sign * x[:, 0].astype(np.float64)) if isinstance(model, SingleColumn) else None


def _usable(rows: Dataset, model: Candidate) -> tuple[str, ...]:
    """The model's features that the training rows know well enough, in the order in which it wants them."""
    known = [name for name in model.features if name in rows.features]
    if not len(rows.as_of[rows.train]) or not known:
        raise CannotTrain(f"{model.name}: no training row or none of its features")
    usable = rows.usable(model.labels)
    kept = tuple(name for name in known if name in usable)
    if not kept:
        raise CannotTrain(f"{model.name}: its features are null in more than half of the training rows")
    return kept


def _check(rows: Dataset, y: np.ndarray, model: Candidate, positives_needed: int) -> None:
    train, held = rows.train, rows.validation
    counts = (
        (len(y[train]), MIN_TRAIN_ROWS, "training rows"),
        (int(np.nansum(y[train], axis=0).min()), max(MIN_TRAIN_EVENTS, positives_needed), "positive training rows"),
        (int(np.nansum(y[held], axis=0).min()), 1, "positive validation rows of each of its labels"),
        (int(rows.y[held].sum()), MIN_VALIDATION_EVENTS, f"validation rows with {rows.label}"),
    )
    for count, floor, what in counts:
        if count < floor:
            raise CannotTrain(f"{model.name}: {count:,} {what}; {floor:,} are needed")
