"""Folds in which no label window crosses a boundary, and refusals with a reason."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veririsk_assets.evaluation.splits import CannotBeHonest, Fold, leave_keys_out, require_events, require_matured, walk_forward


@given(
    hours=st.integers(1, 4000),
    folds=st.integers(1, 6),
    test_hours=st.integers(1, 600),
    validation_hours=st.integers(1, 400),
    horizon_hours=st.integers(1, 48),
    min_train_hours=st.integers(0, 500),
)
def test_no_label_window_crosses_a_boundary(hours, folds, test_hours, validation_hours, horizon_hours, min_train_hours):
    try:
        built = walk_forward(hours, folds, test_hours, validation_hours, horizon_hours, min_train_hours)
    except CannotBeHonest:
        return
    assert len(built) == folds
    for fold in built:
        assert fold.train.start == 0
        assert len(fold.train) >= max(min_train_hours, 1)
        assert min(len(fold.validation), len(fold.test)) > 0
        assert fold.train[-1] + horizon_hours < fold.validation[0]
        assert fold.validation[-1] + horizon_hours < fold.test[0]
        assert fold.test[-1] + horizon_hours <= hours - 1
    for earlier, later in pairwise(built):
        assert earlier.test[-1] + horizon_hours < later.test[0]


def test_the_purge_takes_the_horizon_and_not_an_hour_more():
    (fold,) = walk_forward(1000, 1, 200, 100, 24, 100)
    assert fold == Fold(range(676), range(700, 776), range(800, 976))


def test_folds_train_on_ever_more_history():
    built = walk_forward(10_000, 4, 1680, 504, 24, 1000)
    assert [len(fold.train) for fold in built] == [2752, 4432, 6112, 7792]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((1000, 1, 24, 100, 24, 1), "test segment of 24 h"),
        ((1000, 1, 100, 20, 24, 1), "validation segment of 20 h"),
        ((1000, 4, 200, 100, 24, 100), "leave 76 h to train"),
        ((1000, 0, 200, 100, 24, 100), "at least 1"),
    ],
)
def test_a_split_that_cannot_be_honest_says_why(arguments, reason):
    with pytest.raises(CannotBeHonest, match=reason):
        walk_forward(*arguments)


@given(st.lists(st.integers(0, 60), min_size=2, max_size=200), st.integers(2, 12), st.integers(0, 5))
def test_every_pool_is_left_out_once_and_never_without_its_twins(unit, groups, seed):
    unit = np.array(unit)
    if groups > len(set(unit)):
        with pytest.raises(CannotBeHonest):
            leave_keys_out(unit, groups, seed)
        return
    parts = leave_keys_out(unit, groups, seed)
    assert sorted(np.concatenate([part.test for part in parts])) == list(range(len(unit)))
    assert all(len(part.train) + len(part.test) == len(unit) for part in parts)
    assert all(not set(unit[part.train]) & set(unit[part.test]) for part in parts)
    assert np.ptp([len(set(unit[part.test])) for part in parts]) <= 1


def test_more_groups_than_pools_are_refused():
    with pytest.raises(CannotBeHonest, match="3 entities cannot be left out in 4 groups"):
        leave_keys_out(np.array([0, 1, 2, 2, 1]), 4, 0)


def test_too_few_events_are_refused_and_only_reachable_onsets_count():
    fold = Fold(range(10), range(10, 20), range(100, 200))
    onsets = np.array([100, 101, 150, 222, 223, 224])
    assert require_events(onsets, fold, horizon_hours=24, floor=4) == 4
    with pytest.raises(CannotBeHonest, match="4 events in the test hours 100–199; at least 5"):
        require_events(onsets, fold, horizon_hours=24, floor=5)


def test_a_label_that_has_not_matured_is_refused():
    require_matured(np.array([0, 75]), known_hours=100, horizon_hours=24)
    with pytest.raises(CannotBeHonest, match="1 rows has not matured"):
        require_matured(np.array([0, 76]), known_hours=100, horizon_hours=24)
