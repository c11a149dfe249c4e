"""Learning from what happened: models of what has matured, then who serves."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts.models import MODEL_VERSIONS
from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.windows import naive, utc
from veririsk_assets.evaluation.intervals import Interval
from veririsk_assets.pages import training as training_report
from veririsk_assets.pipeline.learning import champions, promotion
from veririsk_assets.pipeline.learning.searching import found_by
from veririsk_assets.pipeline.learning.training_rows import training_rows
from veririsk_assets.pipeline.step import House, StepResult
from veririsk_assets.pipeline.systems import bound, catalogue_of


def train(house: House, system: System, as_of: datetime, horizons: Sequence[int] | None = None) -> StepResult:
    """Trains the horizons (default: all of the system) on what had matured by `as_of`, after the gate has judged the challenger that was there before.

    The first winner becomes champion from `as_of` on, a later one challenger. Where nothing can be trained, the reason is
    in the metadata and the rule-based score goes on serving.
    """
    from veririsk_assets.training.datasets import CannotTrain

    metadata: dict[str, Any] = {}
    rows = 0
    for horizon in system.horizons if horizons is None else horizons:
        judged = promotion.appoint(house, promotion.Order(system, horizon, "judge", utc(as_of)))
        metadata[f"{horizon}h_gate"] = judged.metadata["verdict"]
        try:
            row = _train_horizon(house, system, horizon, utc(as_of))
        except CannotTrain as reason:
            metadata[f"{horizon}h"] = f"not trained: {reason}"
            continue
        rows += 1
        metadata[f"{horizon}h"] = row["verdict"]
        metadata |= {
            f"{horizon}h_{name}": row[name] for name in ("version", "validation_ap", "validation_auc", "validation_ece", "base_rate_ratio")
        }
    return StepResult(rows, 0, rows > 0, metadata)


def untrained(house: House, system: System, as_of: datetime) -> tuple[int, ...]:
    """Horizons without a version trained as of then. One that a stopped run trained and did not come to crown is crowned."""
    left = []
    for horizon in system.horizons:
        where, parameters = f"{champions.OF_HORIZON} AND trained_as_of = ?", [system.name, horizon, naive(as_of)]
        known = house.lake.read(MODEL_VERSIONS, where=where, parameters=parameters)
        reigns = champions.reigns_of(house, system, horizon)
        if known.empty:
            left.append(horizon)
        elif not (reigns["valid_from"] <= naive(as_of)).any():
            first = known.iloc[0]
            promotion.crown(house, system, horizon, str(first["version"]), utc(as_of), "promote", str(first["verdict"]))
    return tuple(left)


def _train_horizon(house: House, system: System, horizon: int, as_of: datetime) -> dict[str, Any]:
    from veririsk_assets.training.choice import choose, version_row

    snapshot_id = house.lake.snapshot_id()
    dataset = training_rows(house, system, horizon, as_of)
    chosen = choose(dataset, catalogue_of(system), params=found_by(house, system, horizon, as_of))
    choice, metrics = _with_intervals(chosen, training_report.intervals(chosen, dataset))
    building = champions.folder(house.settings, system, horizon, f"building-{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    whole = bound(system).equip(house, choice, dataset, as_of)
    whole.save(building)
    about = {"lake_snapshot_id": snapshot_id, "trained_as_of": as_of.isoformat()}
    version = _register(
        house, system, choice, metrics, training_report.run_params(whole), _example(choice.winner.served, dataset), building, about
    )
    _settle(building, champions.folder(house.settings, system, horizon, version))
    with house.lake.catalog.decision_lock():  # of two trainings at once one finds the other's version serving
        found = _received(choice.verdict, champions.line_up(house, system, horizon).at(as_of).champion)
        row = version_row(system.name, version, choice.winner, found, np.datetime64(naive(as_of), "us"), snapshot_id)
        house.lake.append(MODEL_VERSIONS, pd.DataFrame([row])[MODEL_VERSIONS.names])
        if found.promote:
            promotion.crown(house, system, horizon, version, as_of, "promote", found.text)
        else:
            promotion.point_aliases(house, system, horizon, challenger_tags={"challenger": f"from {as_of:%Y-%m-%dT%H:%MZ}: {found.text}"})
    return row


def _with_intervals(choice: Any, found: dict[str, Interval]) -> tuple[Any, dict[str, float]]:
    """The choice whose artefact knows the intervals of its numbers, and all numbers as the run logs them."""
    from veririsk_assets.backtest.report import plain

    winner = choice.winner
    metadata = winner.served.metadata | {"intervals": plain({name: asdict(one) for name, one in found.items()})}
    winner = replace(winner, served=replace(winner.served, metadata=metadata))
    return replace(choice, winner=winner), winner.metrics | training_report.run_metrics(found)


def _example(served: Any, dataset: Any) -> pd.DataFrame:
    return pd.DataFrame(dataset.columns(served.features, dataset.validation)[:3], columns=list(served.features))


def _received(found: Any, champion: str) -> Any:
    """The first version serves at once: it replaces the rule. A later one is the challenger, until training/promotion says more."""
    if champion == champions.NO_MODEL:
        return found
    return replace(found, promote=False, reasons=[f"challenger of version {champion}, which serves", *found.reasons])


def _register(
    house: House,
    system: System,
    choice: Any,
    metrics: dict[str, float],
    params: dict[str, Any],
    example: pd.DataFrame,
    folder: Path,
    about: dict[str, Any],
) -> str:
    """Logs and registers the artefact's folder with a report of the training; the new version."""
    from veririsk_assets.registry.runs import Training, log_training
    from veririsk_assets.registry.versions import registered_name

    left = _left_behind(house, system, choice.winner.spec.horizon_hours, about)
    if left is not None:
        return left

    served, spec = choice.winner.served, choice.winner.spec
    metadata = served.metadata | about | {"features": list(served.features), "verdict": choice.verdict.text}
    with TemporaryDirectory() as scratch:
        report = training_report.write_report(choice, Path(scratch))
        name = registered_name(system.name, spec.horizon_hours)
        training = Training(name, folder, example, params, metrics, metadata, about, report)
        return log_training(house.settings.tracking_uri, f"veririsk-{system.name}", training)


def _left_behind(house: House, system: System, horizon: int, about: dict[str, Any]) -> str | None:
    """A version that a stopped run registered from the same lake as of the same instant, and came no further with: training it again gives the same."""
    from veririsk_assets.registry.versions import registered_name, versions

    known = house.lake.read(MODEL_VERSIONS, where=champions.OF_HORIZON, parameters=[system.name, horizon])["version"]
    registered = versions(house.settings.tracking_uri, registered_name(system.name, horizon))
    same = (one.version for one in registered if all(one.tags.get(name) == str(value) for name, value in about.items()))
    return next((version for version in same if version not in set(known)), None)


def _settle(building: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    building.rename(target)
