"""Folds, whoever asks for them: models fitted on earlier rows, calibrated on the rows after them, and what they say of those that follow."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from veririsk_assets.evaluation.splits import Fold
from veririsk_assets.models.calibration import Calibration, calibrate_prudently
from veririsk_assets.models.recalibration import followed
from veririsk_assets.models.spec import NothingLearnt, RiskModel, Rows
from veririsk_assets.training.datasets import CannotTrain


@dataclass(frozen=True)
class Piece:
    """Row places of one fold: to fit on, to calibrate, stop and set thresholds on, to judge on. `group` numbers what it is told under."""

    name: str
    group: int
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Said:
    """Calibrated probabilities of the validation rows and of the test rows of one piece.

    `unshifted`: the test rows before they follow the base rate. Alerts are decided on these, or a turn of the market would
    spend the budget of a year. `rank`: what ranks the test rows; None: their probabilities. A single column ranks by itself.
    """

    validation: np.ndarray
    test: np.ndarray
    unshifted: np.ndarray
    rank: np.ndarray | None = None


@dataclass(frozen=True)
class Forecasts:
    """Out-of-fold probabilities of every model on the test rows `rows` (places, ascending) of the pieces' groups `fold`.

    `piece`: which of the pieces, and so which fit, a row is of; scores of two are not ranked against each other. `rank` ranks within one.
    `unshifted` are those that alerts are decided on, `validation` holds, per model and piece, those that thresholds are chosen on. `refused`: model → reason.
    """

    rows: np.ndarray
    fold: np.ndarray
    piece: np.ndarray
    probability: dict[str, np.ndarray]
    unshifted: dict[str, np.ndarray]
    rank: dict[str, np.ndarray]
    validation: dict[str, list[np.ndarray]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def piece_of(
    fold: Fold, hour: np.ndarray, number: int, name: str = "", learn: np.ndarray | None = None, judge: np.ndarray | None = None
) -> Piece:
    """The rows of a fold, whose hours are `hour` (ascending): of all entities, or of masks of rows to learn from and to judge on."""

    def part(hours: range, of: np.ndarray | None) -> np.ndarray:
        rows = np.arange(*np.searchsorted(hour, (hours.start, hours.stop)))
        return rows if of is None else rows[of[rows]]

    return Piece(name, number, part(fold.train, learn), part(fold.validation, learn), part(fold.test, judge))


def out_of_fold(names: Iterable[str], pieces: Sequence[Piece], speak: Callable[[str, Piece], Said]) -> Forecasts:
    """What each model says of every test row, by a fit that had not seen it. A model that `speak` cannot train in one piece is refused."""
    made: dict[str, list[Said]] = {}
    refused: dict[str, str] = {}
    for name in names:
        try:
            made[name] = [speak(name, piece) for piece in pieces]
        except CannotTrain as reason:
            refused[name] = str(reason)
    rows = np.concatenate([piece.test for piece in pieces])
    order = np.argsort(rows, kind="stable")
    group, number = (
        np.concatenate([np.full(len(piece.test), of) for of, piece in zip(numbers, pieces, strict=True)])[order]
        for numbers in ([piece.group for piece in pieces], range(len(pieces)))
    )

    def joined(part: Callable[[Said], np.ndarray]) -> dict[str, np.ndarray]:
        return {name: np.concatenate([part(one) for one in said])[order] for name, said in made.items()}

    probability, unshifted = joined(lambda said: said.test), joined(lambda said: said.unshifted)
    rank = joined(lambda said: said.test if said.rank is None else said.rank)
    validation = {name: [one.validation for one in said] for name, said in made.items()}
    return Forecasts(rows[order], group, number, probability, unshifted, rank, validation, refused)


@dataclass(frozen=True)
class Fitted:
    """A model with its calibration, and its uncalibrated log-odds of the rows that this was chosen on."""

    model: RiskModel
    calibration: Calibration
    margin: np.ndarray

    @property
    def held(self) -> np.ndarray:
        """Calibrated probabilities of the rows that the calibration was chosen on."""
        return self.calibration(self.margin)

    def probability(self, x: np.ndarray) -> np.ndarray:
        return self.calibration(self.model.margin(x))


def fit_calibrated(model: RiskModel, train: Rows, stop: Rows, held: Rows | None = None) -> Fitted:
    """Fits on `train`; `stop` may end the learning; calibrates on `held`, in order of time, whose labels are one column (by default `stop`). Raises CannotTrain where nothing was learnt."""
    try:
        model = model.fit(*train, stop)
    except NothingLearnt as reason:
        raise CannotTrain(str(reason)) from reason
    x, label = held or stop
    margin = model.margin(x)
    return Fitted(model, calibrate_prudently(margin, label), margin)


def following(
    as_of: tuple[np.ndarray, np.ndarray],
    said: tuple[np.ndarray, np.ndarray],
    label: tuple[np.ndarray, np.ndarray],
    horizon_hours: int,
    usual: float,
) -> np.ndarray:
    """Probabilities of the test rows, each day's moved by what rows before them, whose labels had matured by then, say of the base rate.

    Pairs are of validation and test rows; `usual`: the base rate that the calibration knows.
    """
    hour = np.concatenate(as_of).astype("datetime64[h]").astype(np.int64)
    return followed(hour, np.concatenate(said), np.concatenate(label), horizon_hours, usual)[len(said[0]) :]
