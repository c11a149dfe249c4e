"""One training → one MLflow run and one registered version: numbers, metadata, and the artefact's folder as it is.

The folder gets an MLmodel file with signature and input example, so that MLflow's tools can read it; nothing is pickled.
"""

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from veririsk_assets.registry import store

ARTEFACT = "model"
FLAVOUR = "veririsk"
EXAMPLE_FILE = "input_example.json"
METADATA_FILE = "metadata.json"
# What MLflow stores of one value, and of parameters and tags in one request.
LONGEST_PARAM = 6_000
MOST_AT_ONCE = 100


@dataclass(frozen=True)
class Training:
    """What a training leaves behind. `folder`: the saved artefact; `example`: a few rows of its features.

    `params` are what runs are compared by: one that is too long for MLflow ends in an ellipsis, metadata.json has it whole.
    `metadata` becomes metadata.json (lake snapshot, feature list, date ranges, …); `report`: a folder of plots and tables.
    """

    name: str
    folder: Path
    example: pd.DataFrame
    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)
    report: Path | None = None


def log_training(tracking_uri: str, experiment: str, training: Training) -> str:
    """Log and register; the new version. A failure leaves a run marked FAILED and no version."""
    registry = store.client(tracking_uri)
    run = registry.create_run(store.experiment_id(registry, tracking_uri, experiment), run_name=training.name)
    run_id = run.info.run_id
    try:
        _log(registry, run_id, training)
        version = _register(registry, run_id, training)
    except BaseException:
        registry.set_terminated(run_id, "FAILED")
        raise
    registry.set_terminated(run_id)
    return version


@dataclass(frozen=True)
class Child:
    """One try of a search: a run under its search's."""

    name: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str] = field(default_factory=dict)


def log_search(tracking_uri: str, experiment: str, parent: Child, children: Sequence[Child]) -> str:
    """A run of a search and a child run for every try; the parent's id."""
    registry = store.client(tracking_uri)
    of = store.experiment_id(registry, tracking_uri, experiment)
    parent_id = _run(registry, of, parent, {})
    for child in children:
        _run(registry, of, child, {"mlflow.parentRunId": parent_id})
    return parent_id


def _run(registry: Any, experiment: str, one: Child, more: Mapping[str, str]) -> str:
    from mlflow.entities import Metric, Param, RunTag

    run_id = str(registry.create_run(experiment, run_name=one.name, tags=dict(more)).info.run_id)
    params = [Param(key, _shortened(str(value))) for key, value in one.params.items()]
    metrics = [Metric(key, float(value), 0, 0) for key, value in one.metrics.items() if math.isfinite(value)]
    registry.log_batch(run_id, metrics, params, [RunTag(key, value) for key, value in one.tags.items()])
    registry.set_terminated(run_id)
    return run_id


def _log(registry: Any, run_id: str, training: Training) -> None:
    from mlflow.entities import Metric, Param, RunTag

    params = [Param(key, _shortened(str(value))) for key, value in training.params.items()]
    metrics = [Metric(key, float(value), 0, 0) for key, value in training.metrics.items() if math.isfinite(value)]
    tags = [RunTag(key, str(value)) for key, value in training.tags.items()]
    registry.log_batch(run_id, metrics, tags=tags)
    for first in range(0, len(params), MOST_AT_ONCE):
        registry.log_batch(run_id, params=params[first : first + MOST_AT_ONCE])
    with TemporaryDirectory() as scratch:
        folder = Path(shutil.copytree(training.folder, Path(scratch) / ARTEFACT))
        (folder / METADATA_FILE).write_text(json.dumps(dict(training.metadata), indent=1, default=str))
        _describe(folder, run_id, training.example)
        registry.log_artifacts(run_id, str(folder), ARTEFACT)
    if training.report is not None:
        registry.log_artifacts(run_id, str(training.report), "report")


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_PARAM else text[: LONGEST_PARAM - 1] + "…"


def _describe(folder: Path, run_id: str, example: pd.DataFrame) -> None:
    """Write MLmodel: a flavour of our own, the signature, and where the input example lies."""
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    columns: list[Any] = [ColSpec(DataType.float, str(name), required=False) for name in example.columns]
    signature = ModelSignature(Schema(columns), Schema([ColSpec(DataType.double, "probability")]))
    about = Model(artifact_path=ARTEFACT, run_id=run_id, signature=signature)
    about.add_flavor(FLAVOUR, loader="veririsk_assets.models.artefact.load")
    example.astype("float32").to_json(folder / EXAMPLE_FILE, orient="split", index=False)
    about.saved_input_example_info = {"artifact_path": EXAMPLE_FILE, "type": "dataframe", "pandas_orient": "split"}
    about.save(str(folder / "MLmodel"))


def _register(registry: Any, run_id: str, training: Training) -> str:
    from mlflow.exceptions import MlflowException

    try:
        registry.get_registered_model(training.name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        registry.create_registered_model(training.name)
    tags = {key: str(value) for key, value in training.tags.items()}
    return str(registry.create_model_version(training.name, f"runs:/{run_id}/{ARTEFACT}", run_id, tags=tags).version)
