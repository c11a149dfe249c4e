"""One training: the candidate and the floor on the same rows, and which of them is to serve."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from veririsk_assets.models import catalogue
from veririsk_assets.models.artefact import ServedModel
from veririsk_assets.training.datasets import CannotTrain, Dataset, Instant, instant
from veririsk_assets.training.fit import Trained, check_floors, train, validation_metrics
from veririsk_assets.training.promotion import Evidence, Verdict, floor_verdict, verdict


@dataclass(frozen=True)
class Choice:
    """What was trained, by name; which one is to serve, and why."""

    winner: Trained
    verdict: Verdict
    trained: dict[str, Trained]


def choose(dataset: Dataset, names: Sequence[str] = (catalogue.CHAMPION_CANDIDATE, catalogue.FLOOR)) -> Choice:
    """Train all of `names`; the first that beats the floor with good calibration serves, else the floor.

    Raises CannotTrain where nothing can be trained at all: then the rule-based score serves.
    """
    trained, refused = _trained(dataset, names)
    floor = trained.get(catalogue.FLOOR)
    rivals = [evidence(floor)] if floor else []
    for name, candidate in trained.items():
        if name == catalogue.FLOOR:
            continue
        found = verdict(evidence(candidate), None, rivals)
        if found.promote:
            return Choice(candidate, found, trained)
        refused += [f"{name}: {reason}" for reason in found.reasons]
    if floor is None:
        raise CannotTrain("; ".join(refused))
    return Choice(floor, Verdict(True, floor_verdict(evidence(floor)).reasons + refused), trained)


def _trained(dataset: Dataset, names: Sequence[str]) -> tuple[dict[str, Trained], list[str]]:
    """What could be trained, by name, and why the rest could not."""
    trained, refused = {}, []
    check_floors(dataset)
    for name in names:
        try:
            trained[name] = train(dataset, catalogue.spec(name, dataset.horizon_hours, dataset.label))
        except CannotTrain as reason:
            refused.append(f"{name}: {reason}")
    return trained, refused


def evidence_on(served: ServedModel, dataset: Dataset) -> Evidence:
    """A serving model judged on the validation rows of a new training, at its own HIGH threshold."""
    missing = np.full(len(dataset.y), np.nan, dtype=np.float32)
    columns = {n: dataset.x[:, dataset.features.index(n)] if n in dataset.features else missing for n in served.features}
    margin = served.margin(served.matrix(columns)[dataset.validation])
    metrics = validation_metrics(dataset.y[dataset.validation], margin, served.probability(margin), served.score_map.high)
    return Evidence(served.name, metrics["ap"], metrics["auc"], metrics["ece"], metrics["high_row_recall"])


def evidence(trained: Trained) -> Evidence:
    """What a training says of itself on its validation rows."""
    metrics = trained.metrics
    return Evidence(trained.spec.name, metrics["ap"], metrics["auc"], metrics["ece"], metrics["high_row_recall"])


def version_row(
    family: str, version: str, trained: Trained, found: Verdict, trained_as_of: Instant, lake_snapshot_id: int
) -> dict[str, Any]:
    """The row of models/versions."""
    about, metrics, score_map = trained.served.metadata, trained.metrics, trained.served.score_map
    return {
        "model": family,
        "horizon_hours": trained.spec.horizon_hours,
        "version": version,
        "algorithm": trained.spec.name,
        "trained_as_of": instant(trained_as_of),
        "train_from": np.datetime64(about["train_range"][0], "us"),
        "train_to": np.datetime64(about["train_range"][1], "us"),
        "train_rows_count": about["train_rows_count"],
        "train_events_count": about["train_events_count"],
        "validation_ap": metrics["ap"],
        "validation_auc": metrics["auc"],
        "validation_ece": metrics["ece"],
        "base_rate_ratio": metrics["base_rate"],
        "high_threshold": score_map.high,
        "medium_threshold": score_map.medium,
        "lake_snapshot_id": lake_snapshot_id,
        "verdict": found.text,
    }
