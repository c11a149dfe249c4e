"""Walk-forward folds with purge, and leave-keys-out groups. Refuses what cannot be honest.

Hours are places on the panel's hourly grid; the label of row t looks at hours t+1 … t+horizon.
"""

from dataclasses import dataclass

import numpy as np

EVENT_FLOOR = 20


class CannotBeHonest(ValueError):
    """A split or an evaluation whose numbers would mislead; the message says why."""


@dataclass(frozen=True)
class Fold:
    """Rows (hour places) to fit on, to calibrate, stop and set thresholds on, and to judge on, in this order of time."""

    train: range
    validation: range
    test: range


@dataclass(frozen=True)
class KeyGroup:
    """Places of keys to fit on and to judge on, sorted."""

    train: np.ndarray
    test: np.ndarray


def walk_forward(hours: int, folds: int, test_hours: int, validation_hours: int, horizon_hours: int, min_train_hours: int) -> list[Fold]:
    """Folds whose test segments fill the last `folds × test_hours` hours; each trains on all that lies before validation.

    A segment gives up its last `horizon_hours` rows, test included: every label window ends inside its own segment, and
    the last test row has matured. Raises `CannotBeHonest` for segments too short or too little history.
    """
    if folds < 1 or horizon_hours < 1:
        raise CannotBeHonest(f"{folds} folds with a horizon of {horizon_hours} h: both must be at least 1")
    for name, length in (("test", test_hours), ("validation", validation_hours)):
        if length <= horizon_hours:
            raise CannotBeHonest(f"a {name} segment of {length} h leaves no row whose label of {horizon_hours} h ends inside it")
    built = [_fold(hours - (folds - k) * test_hours, test_hours, validation_hours, horizon_hours) for k in range(folds)]
    if len(built[0].train) < max(min_train_hours, 1):
        raise CannotBeHonest(
            f"{hours} h of data leave {len(built[0].train)} h to train the first of {folds} folds; {max(min_train_hours, 1)} are needed"
        )
    return built


def leave_keys_out(unit: np.ndarray, groups: int, seed: int) -> list[KeyGroup]:
    """Every key is judged once, by a model that never saw it; keys of one `unit` (a number per key) stay together.

    The groups' numbers of units differ by at most 1.
    """
    ids, place = np.unique(unit, return_inverse=True)
    if not 2 <= groups <= len(ids):
        raise CannotBeHonest(f"{len(ids)} entities cannot be left out in {groups} groups")
    shuffled = np.random.default_rng(seed).permutation(len(ids))
    parts = [np.flatnonzero(np.isin(place, part)) for part in np.array_split(shuffled, groups)]
    return [KeyGroup(np.setdiff1d(np.arange(len(unit)), part), part) for part in parts]


def require_events(event_hours: np.ndarray, fold: Fold, horizon_hours: int, floor: int = EVENT_FLOOR) -> int:
    """How many onsets lie within reach of the fold's test rows; raises `CannotBeHonest` under `floor`."""
    within = (event_hours > fold.test.start) & (event_hours < fold.test.stop + horizon_hours)
    count = int(np.count_nonzero(within))
    if count < floor:
        raise CannotBeHonest(f"{count} events in the test hours {fold.test.start}–{fold.test.stop - 1}; at least {floor} are needed")
    return count


def require_matured(row_hours: np.ndarray, known_hours: int, horizon_hours: int) -> None:
    """Raises `CannotBeHonest` if a row's label looks past the last known hour (`known_hours − 1`)."""
    late = int(np.count_nonzero(np.asarray(row_hours) + horizon_hours > known_hours - 1))
    if late:
        raise CannotBeHonest(f"the label of {late} rows has not matured: data end at hour {known_hours - 1}, horizon {horizon_hours} h")


def _fold(test_start: int, test_hours: int, validation_hours: int, horizon_hours: int) -> Fold:
    validation_start = test_start - validation_hours
    return Fold(
        train=range(max(validation_start - horizon_hours, 0)),
        validation=range(validation_start, test_start - horizon_hours),
        test=range(test_start, test_start + test_hours - horizon_hours),
    )
