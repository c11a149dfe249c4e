"""The gate's evidence: recipes judged on pooled walk-forward folds of the rows that a training learns from.

Each fold learns from all rows before its validation window, is calibrated there, and speaks for the test window after it; no
label window crosses from one into the next. Every model speaks for the same rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from veririsk_assets.evaluation.splits import CannotBeHonest, Fold, walk_forward
from veririsk_assets.models.spec import Spec
from veririsk_assets.training.datasets import CannotTrain, Dataset
from veririsk_assets.training.fit import check_floors, train
from veririsk_assets.training.folds import following
from veririsk_assets.training.paired import evidence_of, naive_scores, weeks, with_gains
from veririsk_assets.training.promotion import Evidence, Verdict, verdict

FOLDS = 3
# The later half of the history is tested on; a validation window is as long as a test window.
TESTED_SHARE = 0.5
MIN_TEST_DAYS, MIN_TRAIN_DAYS = 7, 7
DAY = 24
HOUR = np.timedelta64(1, "h")


class NoFolds(CannotTrain):
    """The history is too short, or has too few events, for folds of any model."""


@dataclass(frozen=True)
class Pooled:
    """The test rows of all folds. `probability`: model → out-of-fold probabilities; `naive`: column → its ranking score."""

    label: np.ndarray
    as_of: np.ndarray
    fold: np.ndarray
    probability: dict[str, np.ndarray]
    naive: dict[str, np.ndarray]

    @property
    def text(self) -> str:
        first, last = (str(moment.astype("datetime64[D]")) for moment in (self.as_of[0], self.as_of[-1]))
        return f"{self.fold.max() + 1} walk-forward folds from {first} to {last}, {len(self.label):,} rows with {int(self.label.sum()):,} positive"

    def only(self, rows: np.ndarray) -> "Pooled":
        """Some of the rows."""
        probability, naive = ({name: score[rows] for name, score in scores.items()} for scores in (self.probability, self.naive))
        return Pooled(self.label[rows], self.as_of[rows], self.fold[rows], probability, naive)

    def evidence(self, name: str) -> Evidence:
        """Of a model, or of a naive column."""
        if name in self.naive:
            return evidence_of(name, self.label, self.naive[name], is_probability=False)
        return evidence_of(name, self.label, self.probability[name])

    def judge(self, name: str, champion: str | None) -> Verdict:
        """The gate's verdict on a model against the one that serves otherwise and every naive column; raises KeyError."""
        rivals = self.naive | ({champion: self.probability[champion]} if champion else {})
        candidate = with_gains(self.evidence(name), self.label, self.probability[name], rivals, weeks(self.as_of))
        found = verdict(candidate, self.evidence(champion) if champion else None, [self.evidence(one) for one in self.naive])
        return replace(found, reasons=[f"on {self.text}", *found.reasons])


def forecast_folds(dataset: Dataset, recipes: Mapping[str, Spec], ranks: Mapping[str, float]) -> Pooled:
    """Trains every recipe anew in every fold; `ranks`: the naive columns, with the sign of their risky end. Raises NoFolds, and CannotTrain for a recipe that cannot be trained in one of them."""
    hour = ((dataset.as_of - dataset.as_of[0]) // HOUR).astype(np.int64)
    pieces = _pieces(dataset, hour)
    rows = np.concatenate([np.arange(len(hour))[test] for _, test in pieces])
    probability = {name: np.concatenate([_forecast(fold, test, spec) for fold, test in pieces]) for name, spec in recipes.items()}
    place = np.concatenate([np.full(len(hour[test]), i) for i, (_, test) in enumerate(pieces)])
    naive = naive_scores(ranks, {name: dataset.x[rows, i] for i, name in enumerate(dataset.features)})
    return Pooled(dataset.y[rows], dataset.as_of[rows], place, probability, naive)


def _pieces(dataset: Dataset, hour: np.ndarray) -> list[tuple[Dataset, slice]]:
    """Each fold's training data and test rows; every row has matured, so the panel behind them is a horizon longer."""
    hours = int(hour[-1]) + 1 + dataset.horizon_hours
    test_days = int(TESTED_SHARE * hours / DAY / FOLDS)
    if test_days < MIN_TEST_DAYS:
        raise NoFolds(f"{hours // DAY} days of history give test windows of {test_days} days; {MIN_TEST_DAYS} are needed")
    try:
        folds = walk_forward(hours, FOLDS, test_days * DAY, test_days * DAY, dataset.horizon_hours, MIN_TRAIN_DAYS * DAY)
        pieces = [_piece(dataset, hour, fold) for fold in folds]
        for piece, _ in pieces:
            check_floors(piece)
    except (CannotBeHonest, CannotTrain) as reason:
        raise NoFolds(str(reason)) from reason
    return pieces


def _piece(dataset: Dataset, hour: np.ndarray, fold: Fold) -> tuple[Dataset, slice]:
    """The dataset as this fold's training sees it, and the rows that it speaks for."""

    def part(hours: range) -> slice:
        first, stop = np.searchsorted(hour, (hours.start, hours.stop))
        return slice(int(first), int(stop))

    return replace(dataset, train=part(fold.train), validation=part(fold.validation)), part(fold.test)


def _forecast(fold: Dataset, test: slice, spec: Spec) -> np.ndarray:
    """Probabilities of the test rows, with the features that the fold's training rows know, following the base rate as a served model."""
    trained = train(fold, spec)
    said = trained.served.probability(trained.served.margin(fold.columns(trained.served.features, test)))
    as_of, label = ((column[fold.validation], column[test]) for column in (fold.as_of, fold.y))
    return following(as_of, (trained.probability, said), label, fold.horizon_hours, trained.metrics["base_rate"])
