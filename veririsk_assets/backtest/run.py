"""Walk-forward backtest: every model forecasts exactly the same rows, each by a fit that had not seen them.

A study in, forecasts out; what they are worth is measured in `measure`. No storage but the parts that a stopped
run resumes from, no clock.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from veririsk_assets.backtest.events import study_events
from veririsk_assets.backtest.fit import Candidate, candidate, speak
from veririsk_assets.backtest.setting import Setting
from veririsk_assets.backtest.study import Study
from veririsk_assets.evaluation.splits import Fold, leave_keys_out, require_events, require_matured
from veririsk_assets.training.datasets import CannotTrain
from veririsk_assets.training.folds import Forecasts, Piece, Said, out_of_fold, piece_of

Progress = Callable[[str], None]


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

    def fetch(self, name: str, compute: Callable[[], Said]) -> Said:
        """The stored part, or a new one, stored whole or not at all."""
        if self.folder is None:
            return compute()
        file = self.folder / f"{name}.npz"
        if file.exists():
            with np.load(file, allow_pickle=False) as stored:
                return Said(stored["validation"], stored["test"], stored["unshifted"], stored.get("rank"))
        part = compute()
        self.folder.mkdir(parents=True, exist_ok=True)
        building = file.with_suffix(".building.npz")
        np.savez(building, **{name: value for name, value in vars(part).items() if value is not None})
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
    require_matured(study.hour, study.hours, study.rows.horizon_hours)
    events = study_events(study)
    for fold in folds:
        require_events(events.hour_index, fold, study.rows.horizon_hours, setting.event_floor)
    models = list(candidates) if candidates is not None else [candidate(name, study) for name in setting.models]
    over_time = [piece_of(fold, study.hour, i, f"fold{i}") for i, fold in enumerate(folds)]
    forecasts = _forecasts(study, models, over_time, parts, progress)
    left_out = list(_left_out(study, folds, setting))
    models = [model for model in models if model.name in forecasts.probability]
    unseen = _forecasts(study, models, left_out, parts, progress) if left_out else None
    return Backtest(study, setting, folds, forecasts, unseen)


def _left_out(study: Study, folds: list[Fold], setting: Setting) -> Iterator[Piece]:
    """Every fold once per group of pools. Models never saw the pools that they are judged on."""
    if not setting.pool_groups:
        return
    for g, group in enumerate(leave_keys_out(study.unit, setting.pool_groups, setting.seed)):
        learn, judge = (np.isin(study.pool, pools) for pools in (group.train, group.test))
        for i, fold in enumerate(folds):
            yield piece_of(fold, study.hour, g, f"pools{g}of{setting.pool_groups}-fold{i}", learn, judge)


def _forecasts(study: Study, models: list[Candidate], pieces: list[Piece], parts: Parts, progress: Progress) -> Forecasts:
    by_name = {model.name: model for model in models}

    def said(name: str, piece: Piece) -> Said:
        progress(f"{name}, {piece.name}")
        return parts.fetch(f"{piece.name}-{name}", lambda: speak(study, by_name[name], piece))

    found = out_of_fold(by_name, pieces, said)
    if not found.probability:
        raise CannotTrain("no model can be made: " + "; ".join(found.refused.values()))
    return found
