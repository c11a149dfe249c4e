"""What the gate looks at: recipes judged on pooled walk-forward folds of the rows that a training learns from.

Each fold learns from all rows before its validation window, is calibrated there, and speaks for the test window after it; no
label window crosses from one into the next. Every model speaks for the same rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from veririsk_assets.evaluation.known_rate import known_rate
from veririsk_assets.evaluation.splits import CannotBeHonest, walk_forward
from veririsk_assets.models.spec import Spec
from veririsk_assets.training.datasets import CannotTrain, Dataset
from veririsk_assets.training.fit import check_floors, train
from veririsk_assets.training.folds import Piece, Said, following, out_of_fold, piece_of
from veririsk_assets.training.paired import JudgedRows, hours, naive_scores, results_of, with_gains
from veririsk_assets.training.promotion import Results, Verdict, verdict

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

    rows: JudgedRows
    probability: dict[str, np.ndarray]
    naive: dict[str, np.ndarray]

    @property
    def text(self) -> str:
        label, days = self.rows.label, self.rows.as_of.astype("datetime64[D]")
        return f"{self.rows.fold.max() + 1} walk-forward folds from {days[0]} to {days[-1]}, {len(label):,} rows with {int(label.sum()):,} positive"

    def only(self, rows: np.ndarray) -> "Pooled":
        """Some of the rows."""
        probability, naive = ({name: score[rows] for name, score in scores.items()} for scores in (self.probability, self.naive))
        return Pooled(self.rows.only(rows), probability, naive)

    def results(self, name: str) -> Results:
        """Of a model, or of a naive column."""
        if name in self.naive:
            return results_of(name, self.rows, self.naive[name], is_probability=False)
        return results_of(name, self.rows, self.probability[name])

    def judge(self, name: str, champion: str | None) -> Verdict:
        """The gate's verdict on a model against the one that serves otherwise and every naive column; raises KeyError."""
        rivals = self.naive | ({champion: self.probability[champion]} if champion else {})
        candidate = with_gains(self.results(name), self.rows, self.probability[name], rivals)
        found = verdict(candidate, self.results(champion) if champion else None, [self.results(one) for one in self.naive])
        return replace(found, reasons=[f"on {self.text}", *found.reasons])


def forecast_folds(dataset: Dataset, recipes: Mapping[str, Spec], ranks: Mapping[str, float]) -> Pooled:
    """Trains every recipe anew in every fold; `ranks`: the naive columns, with the sign of their risky end. Raises NoFolds, and CannotTrain for a recipe that cannot be trained in one of them."""
    said = out_of_fold(recipes, pieces_of(dataset), lambda name, piece: _speak(dataset, piece, recipes[name]))
    for reason in said.refused.values():
        raise CannotTrain(reason)
    rows = said.rows
    naive = naive_scores(ranks, {name: dataset.x[rows, i] for i, name in enumerate(dataset.features)})
    known = known_rate(hours(dataset.as_of), dataset.y, dataset.horizon_hours)
    return Pooled(JudgedRows(dataset.y[rows], dataset.as_of[rows], said.fold, known[rows]), said.probability, naive)


def pieces_of(dataset: Dataset) -> list[Piece]:
    """The folds of these rows. Raises NoFolds. Every row has matured, so the panel behind them is a horizon longer."""
    hour = ((dataset.as_of - dataset.as_of[0]) // HOUR).astype(np.int64)
    hours = int(hour[-1]) + 1 + dataset.horizon_hours
    test_days = int(TESTED_SHARE * hours / DAY / FOLDS)
    if test_days < MIN_TEST_DAYS:
        raise NoFolds(f"{hours // DAY} days of history give test windows of {test_days} days; {MIN_TEST_DAYS} are needed")
    try:
        folds = walk_forward(hours, FOLDS, test_days * DAY, test_days * DAY, dataset.horizon_hours, MIN_TRAIN_DAYS * DAY)
        pieces = [piece_of(fold, hour, number) for number, fold in enumerate(folds)]
        for piece in pieces:
            check_floors(as_seen(dataset, piece))
    except (CannotBeHonest, CannotTrain) as reason:
        raise NoFolds(str(reason)) from reason
    return pieces


def as_seen(dataset: Dataset, piece: Piece) -> Dataset:
    """The dataset as this fold's training sees it."""
    return replace(dataset, train=piece.train, validation=piece.validation)


def _speak(dataset: Dataset, piece: Piece, spec: Spec) -> Said:
    """With the features that the fold's training rows know, following the base rate as a served model."""
    trained = train(as_seen(dataset, piece), spec)
    said = trained.served.probability(trained.served.margin(dataset.columns(trained.served.features, piece.test)))
    as_of, label = ((column[piece.validation], column[piece.test]) for column in (dataset.as_of, dataset.y))
    followed = following(as_of, (trained.probability, said), label, dataset.horizon_hours, trained.metrics["base_rate"])
    return Said(trained.probability, followed, said)
