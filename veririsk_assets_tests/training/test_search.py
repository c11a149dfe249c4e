"""A search looks at rows that the gate never judges on, keeps its seed and its budget, and goes on where it was stopped."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from veririsk_assets.contracts.protocol_features import MODEL_FEATURES
from veririsk_assets.contracts.systems import PROTOCOLS
from veririsk_assets.contracts.windows import utc
from veririsk_assets.models.catalogue.protocols import CATALOGUE
from veririsk_assets.pipeline.learning import searching
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets.training import search as search_module
from veririsk_assets.training.datasets import CannotTrain, Dataset
from veririsk_assets.training.search import Budget, Found, before_the_gate, search, searchable
from veririsk_assets.training.walk_forward import pieces_of

DAYS, PROTOCOLS_COUNT = 900, 30
LINE = "logistic_regression"


@cache
def dataset() -> Dataset:
    """Two columns that tell, twenty-seven of noise, days of thirty protocols."""
    rng, rows = np.random.default_rng(5), DAYS * PROTOCOLS_COUNT
    x = rng.standard_normal((rows, len(MODEL_FEATURES))).astype(np.float32)
    y = (rng.random(rows) < 1 / (1 + np.exp(3.0 - x[:, 0] - 0.7 * x[:, 1]))).astype(np.float64)
    as_of = np.datetime64("2023-01-01", "us") + np.repeat(np.arange(DAYS), PROTOCOLS_COUNT) * np.timedelta64(24, "h")
    return Dataset(MODEL_FEATURES, x, y, as_of, np.tile(np.arange(PROTOCOLS_COUNT), DAYS), 168, "crash")


def searched(folder: Path, trials: int, rows: Dataset | None = None, name: str = LINE) -> Found:
    return search(rows or dataset(), CATALOGUE, name, Budget(trials, 600.0), folder / f"{name}.log")


def test_what_the_catalogue_has_is_tried_first_and_kept_where_nothing_is_better(tmp_path: Path) -> None:
    found = searched(tmp_path, 6)
    assert [one.number for one in found.tried] == list(range(6))
    assert found.tried[0].params == {}
    assert found.value >= found.usual == found.tried[0].value
    assert all(len(one.folds) == 3 for one in found.tried if not one.is_pruned)
    assert found.value == pytest.approx(np.mean(next(one.folds for one in found.tried if one.params == found.params)))


def test_a_search_that_was_stopped_goes_on_and_tries_nothing_twice(tmp_path: Path) -> None:
    first = searched(tmp_path, 3)
    whole = searched(tmp_path, 5)
    assert whole.tried[:3] == first.tried
    assert len(whole.tried) == 5
    assert searched(tmp_path, 5).tried == whole.tried


def test_a_try_that_a_kill_left_half_way_is_no_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in its very first one, which was what the catalogue has: that is tried again, and first."""

    class Killed(BaseException):
        pass

    def killed(*_: object) -> float:
        raise Killed

    with monkeypatch.context() as context:
        context.setattr(search_module, "_judged", killed)
        context.setattr("optuna.Study.tell", killed)  # a process that is gone says nothing of what it did
        with pytest.raises(Killed):
            searched(tmp_path, 3)
    found = searched(tmp_path, 3)
    assert len(found.tried) == 3
    assert found.tried[0].params == {}
    assert found.usual == found.tried[0].value
    assert [dict(one.params) for one in found.tried].count({}) == 1


def test_the_same_seed_finds_the_same(tmp_path: Path) -> None:
    assert searched(tmp_path / "one", 5) == searched(tmp_path / "two", 5)


def test_rows_that_the_gate_judges_on_choose_nothing(tmp_path: Path) -> None:
    rows = dataset()
    judged = pieces_of(rows)[0]
    first = int(judged.validation[0])
    assert len(before_the_gate(rows).y) == len(judged.train) <= first
    # No label window of what is searched on reaches into them.
    assert before_the_gate(rows).as_of[-1] + np.timedelta64(168, "h") < rows.as_of[first]
    x, y = rows.x.copy(), rows.y.copy()
    x[first:], y[first:] = 1e6, 1 - y[first:]
    assert searched(tmp_path / "one", 4) == searched(tmp_path / "two", 4, replace(rows, x=x, y=y))


@pytest.mark.parametrize("name", searchable(CATALOGUE))
def test_every_candidate_but_the_floor_is_searched(tmp_path: Path, name: str) -> None:
    found = searched(tmp_path, 3, name=name)
    assert found.value > 1.5 * dataset().y.mean()
    CATALOGUE.spec(name, 168, **found.tried[-1].params).make()


def test_too_short_a_history_is_not_searched(tmp_path: Path) -> None:
    rows = slice(0, 40 * PROTOCOLS_COUNT)
    short = replace(dataset(), x=dataset().x[rows], y=dataset().y[rows], as_of=dataset().as_of[rows], key=dataset().key[rows])
    with pytest.raises(CannotTrain):
        searched(tmp_path, 2, short)


def test_what_was_found_serves_from_then_on_and_no_earlier(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House.open(settings, lambda: utc("2026-01-01"), run_id="test")
    monkeypatch.setattr(searching, "training_rows", lambda *_: dataset())
    told = {one.name: one for one in searching.search_all(house, PROTOCOLS, 168, utc("2025-07-01"), Budget(2, 60.0))}
    assert set(told) == set(searchable(CATALOGUE))
    assert searching.found_by(house, PROTOCOLS, 168, utc("2025-06-30")) == {}
    assert searching.found_by(house, PROTOCOLS, 168, utc("2025-07-01")) == {name: dict(one.params) for name, one in told.items()}
    assert searching.found_by(house, PROTOCOLS, 24, utc("2025-07-01")) == {}
    from veririsk_assets.registry import store

    registry = store.client(settings.tracking_uri)
    experiment = registry.get_experiment_by_name("veririsk-protocols-search")
    runs = registry.search_runs([experiment.experiment_id])
    parents = {run.info.run_id: run for run in runs if "mlflow.parentRunId" not in run.data.tags}
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") in parents]
    assert (len(parents), len(children)) == (3, 6)
    assert all("mean_ap" in run.data.metrics for run in parents.values())
    house.close()
