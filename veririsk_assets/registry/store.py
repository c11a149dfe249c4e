"""The one place that imports MLflow: a client for a tracking URI, quiet and without telemetry.

The default store is SQLite in the home, artefacts in a folder beside it; a server keeps artefacts by its own rules.
"""

import logging
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote

SQLITE = "sqlite:///"


def client(tracking_uri: str) -> Any:
    """An MlflowClient of runs and registry in one store; the folder of a SQLite store is created."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    from mlflow.tracking import MlflowClient

    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    database = sqlite_file(tracking_uri)
    if database is not None:
        # Through a link whose folder is not there yet, too.
        database.parent.resolve().mkdir(parents=True, exist_ok=True)
    return MlflowClient(tracking_uri, tracking_uri)


def experiment_id(registry: Any, tracking_uri: str, experiment: str) -> str:
    """The experiment's id; it is made at first use, with its artefacts in the home for a SQLite store."""
    found = registry.get_experiment_by_name(experiment)
    if found is not None:
        return found.experiment_id
    database = sqlite_file(tracking_uri)
    location = None if database is None else (database.parent / "artifacts").resolve().as_uri()
    return registry.create_experiment(experiment, artifact_location=location)


def is_empty(tracking_uri: str) -> bool:
    """Whether nothing was ever registered in a SQLite store: asking MLflow would first create its 40 tables."""
    database = sqlite_file(tracking_uri)
    return database is not None and not database.exists()


def sqlite_file(tracking_uri: str) -> Path | None:
    """The file of a SQLite store, None for any other."""
    address = tracking_uri.removeprefix(SQLITE).partition("?")[0]
    return Path(unquote(address)) if tracking_uri.startswith(SQLITE) else None
