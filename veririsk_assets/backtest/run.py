"""Walk-forward backtest: every model forecasts exactly the same rows, each by a fit that had not seen them.

A study in, forecasts out; what they are worth is measured in `measure`. No storage but the parts that a stopped
run resumes from, no clock.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from veririsk_assets.backtest.events import study_events
from veririsk_assets.backtest.fit import Candidate, Part, candidate, fit_part
from veririsk_assets.backtest.setting import Setting
from veririsk_assets.backtest.study import Slices, Study, slices
from veririsk_assets.evaluation.splits import Fold, leave_keys_out, require_events, require_matured
from veririsk_assets.training.datasets import CannotTrain

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Forecasts:
    """Out-of-fold probabilities of every model on the rows `rows` (places in the study) of the folds `fold`.

    `unshifted` are those that alerts are decided on, `validation` holds, per model and fold, those that thresholds are chosen on. `refused`: model → reason.
    """

    rows: np.ndarray
    fold: np.ndarray
    probability: dict[str, np.ndarray]
    unshifted: dict[str, np.ndarray]
    validation: dict[str, list[np.ndarray]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Backtest:
    """A study, its folds, the forecasts over time and those on pools that the models never saw (with each row's group)."""

    study: Study
    setting: Setting
    folds: list[Fold]
    forecasts: Forecasts
    unseen: Forecasts | None


@dataclass(frozen=True)
class Parts:
    """Finished predictions of one setting and data as files; `folder` None keeps nothing."""

    folder: Path | None

    def fetch(self, name: str, compute: Callable[[], Part]) -> Part:
        """The stored part, or a new one, stored whole or not at all."""
        if self.folder is None:
            return compute()
        file = self.folder / f"{name}.npz"
        if file.exists():
            with np.load(file, allow_pickle=False) as stored:
                return Part(stored["validation"], stored["test"], stored["unshifted"])
        part = compute()
        self.folder.mkdir(parents=True, exist_ok=True)
        building = file.with_suffix(".building.npz")
        np.savez(building, validation=part.validation, test=part.test, unshifted=part.unshifted)
        building.replace(file)
        return part


def run(
    study: Study,
    setting: Setting,
    parts: Parts = Parts(None),
    progress: Progress = lambda _: None,
    candidates: Sequence[Candidate] | None = None,
) -> Backtest:
    """Raises CannotBeHonest where folds, events or labels would mislead, and CannotTrain where no model can be made.

    `candidates` default to the setting's models.
    """
    folds = setting.walk(study.hours)
    require_matured(study.hour, study.hours, study.horizon_hours)
    events = study_events(study)
    for fold in folds:
        require_events(events.hour_index, fold, study.horizon_hours, setting.event_floor)
    models = list(candidates) if candidates is not None else [candidate(name, study) for name in setting.models]
    over_time = [(f"fold{i}", i, slices(study, fold)) for i, fold in enumerate(folds)]
    forecasts = _forecasts(study, models, over_time, parts, progress)
    left_out = list(_left_out(study, folds, setting))
    models = [model for model in models if model.name in forecasts.probability]
    unseen = _forecasts(study, models, left_out, parts, progress) if left_out else None
    return Backtest(study, setting, folds, forecasts, unseen)


def _left_out(study: Study, folds: list[Fold], setting: Setting) -> Iterator[tuple[str, int, Slices]]:
    """Every fold once per group of pools; the second value is the group. Models never saw the pools that they are judged on."""
    if not setting.pool_groups:
        return
    for g, group in enumerate(leave_keys_out(study.unit, setting.pool_groups, setting.seed)):
        for i, fold in enumerate(folds):
            yield f"pools{g}of{setting.pool_groups}-fold{i}", g, slices(study, fold, group.train, group.test)


def _forecasts(study: Study, models: list[Candidate], pieces: list[tuple[str, int, Slices]], parts: Parts, progress: Progress) -> Forecasts:
    probability, unshifted, validation, refused = {}, {}, {}, {}
    for model in models:
        try:
            made = [_part(study, model, name, rows, parts, progress) for name, _, rows in pieces]
        except CannotTrain as reason:
            refused[model.name] = str(reason)
            continue
        probability[model.name] = np.concatenate([part.test for part in made])
        unshifted[model.name] = np.concatenate([part.unshifted for part in made])
        validation[model.name] = [part.validation for part in made]
    if not probability:
        raise CannotTrain("no model can be made: " + "; ".join(refused.values()))
    rows = np.concatenate([piece.test for _, _, piece in pieces])
    place = np.concatenate([np.full(len(piece.test), i) for _, i, piece in pieces])
    order = np.argsort(rows, kind="stable")
    probability, unshifted = ({name: p[order] for name, p in said.items()} for said in (probability, unshifted))
    return Forecasts(rows[order], place[order], probability, unshifted, validation, refused)


def _part(study: Study, model: Candidate, piece: str, rows: Slices, parts: Parts, progress: Progress) -> Part:
    progress(f"{model.name}, {piece}")
    return parts.fetch(f"{piece}-{model.name}", lambda: fit_part(study, model, rows))
