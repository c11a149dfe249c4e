"""The learning jobs: labels over a range of hours, training in this process and through queue, daemon and forkserver."""

import os
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from veririsk_assets.contracts.models import MODEL_VERSIONS
from veririsk_assets.contracts.pools import POOL_LABELS
from veririsk_assets.contracts.windows import naive
from veririsk_assets.definitions import defs
from veririsk_assets.defs.jobs import SCORING
from veririsk_assets.pipeline.step import House
from veririsk_assets_tests.defs.daemon import deployment
from veririsk_assets_tests.defs.home import FIRST, HISTORY, run_range

TRAINING = {"ops": {"models__versions": {"config": {"as_of": FIRST.isoformat()}}}}


def test_a_range_of_hours_gets_its_labels_in_one_run(house: House, instance: dg.DagsterInstance) -> None:
    result = run_range(instance, HISTORY, "daily_learning")
    assert result.success
    labels = house.lake.read(POOL_LABELS)
    assert set(labels["horizon_hours"]) == {6, 24}
    # The home ends with the history: the newest hours show too little of their horizon.
    assert (labels["as_of"] < naive(FIRST)).all()
    assert (labels["matured_at"] == labels["as_of"] + pd.to_timedelta(labels["horizon_hours"], unit="h")).all()


def test_a_training_without_enough_history_succeeds_and_says_why(house: House, instance: dg.DagsterInstance) -> None:
    result = defs.resolve_job_def("weekly_training").execute_in_process(instance=instance, run_config=TRAINING)
    assert result.success
    metadata = result.get_asset_materialization_events()[0].materialization.metadata
    assert str(metadata["pools_24h"].value).startswith("not trained: ")
    assert house.lake.read(MODEL_VERSIONS).empty


def test_only_training_leaves_the_process() -> None:
    executors = {job.name: job.executor_def.name for job in defs.get_repository_def().get_all_jobs()}
    assert executors.pop("weekly_training") == "multiprocess"
    assert set(executors.values()) == {"in_process"}
    assert SCORING[1].executor_def is dg.in_process_executor


@pytest.mark.stress
def test_training_runs_through_queue_daemon_and_forkserver(house: House, history: Path, fast_disk: Path) -> None:
    with deployment(history, fast_disk, NUMBA_CACHE_DIR=os.environ["NUMBA_CACHE_DIR"]) as dagster:
        run_id = dagster.launch({}, job="weekly_training", config=TRAINING)
        assert dagster.finished(run_id) is dg.DagsterRunStatus.SUCCESS
        said = [entry.user_message for entry in dagster.instance.all_logs(run_id)]
    assert any("forkserver" in (text or "").lower() or "subprocess" in (text or "").lower() for text in said)
