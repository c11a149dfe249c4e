"""One training: the candidates and the floor on the same rows, and which of them is to serve."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from veririsk_assets.models.catalogue.entries import Catalogue
from veririsk_assets.models.confidence import band
from veririsk_assets.training.datasets import CannotTrain, Dataset, Instant, instant
from veririsk_assets.training.fit import Trained, check_floors, train
from veririsk_assets.training.promotion import Results, Verdict, floor_verdict
from veririsk_assets.training.walk_forward import NoFolds, Pooled, forecast_folds

# Model → its hyperparameters.
Params = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Choice:
    """What was trained, by name; which one is to serve, and why; and the folds that it was judged on, where there were any."""

    winner: Trained
    verdict: Verdict
    trained: dict[str, Trained]
    folds: Pooled | None = None


def choose(dataset: Dataset, catalogue: Catalogue, names: Sequence[str] = (), params: Params | None = None) -> Choice:
    """Train all of `names` (by default the catalogue's candidates); in their order, the first that the gate lets past the floor and the naive columns serves, else the floor.

    `params`: what a search has chosen for a model, by name. The gate looks at pooled walk-forward folds. Where the history carries none, nothing is proven and the floor serves.
    Raises CannotTrain where nothing can be trained at all: then the rule-based score serves.
    """
    trained, refused = _trained(dataset, catalogue, names or catalogue.candidates, params or {})
    floor = trained.get(catalogue.floor)
    folds = None
    for name, candidate in trained.items():
        if name == catalogue.floor:
            continue
        found, seen = _judged(dataset, catalogue, candidate, floor)
        folds = seen or folds
        if found.promote:
            return Choice(_sure(candidate, dataset), found, trained, seen)
        refused += [f"{name}: {reason}" for reason in found.reasons]
    if floor is None:
        raise CannotTrain("; ".join(refused))
    known = folds.results(catalogue.floor) if folds else results(floor)
    return Choice(_sure(floor, dataset), Verdict(True, floor_verdict(known).reasons + refused), trained, folds)


def _sure(winner: Trained, dataset: Dataset) -> Trained:
    """With how far other calibrations of it lie apart: only what serves has to say."""
    served, held = winner.served, dataset.validation
    margin = served.margin(dataset.columns(served.features, held))
    return replace(winner, served=replace(served, band=band(margin, dataset.y[held], dataset.as_of[held])))


def _judged(dataset: Dataset, catalogue: Catalogue, candidate: Trained, floor: Trained | None) -> tuple[Verdict, Pooled | None]:
    """The gate's verdict, and the folds that it looked at."""
    serving = {catalogue.floor: floor.spec} if floor else {}
    try:
        folds = forecast_folds(dataset, {candidate.spec.name: candidate.spec} | serving, catalogue.naive)
    except NoFolds as reason:
        return Verdict(False, [f"no rows that chose nothing, so no gain is proven: {reason}"]), None
    except CannotTrain as reason:
        return Verdict(False, [f"not trained in every walk-forward fold: {reason}"]), None
    return folds.judge(candidate.spec.name, next(iter(serving), None)), folds


def _trained(dataset: Dataset, catalogue: Catalogue, names: Sequence[str], params: Params) -> tuple[dict[str, Trained], list[str]]:
    """What could be trained, by name, and why the rest could not."""
    trained, refused = {}, []
    check_floors(dataset)
    for name in names:
        try:
            trained[name] = train(dataset, catalogue.spec(name, dataset.horizon_hours, dataset.label, **params.get(name, {})))
        except CannotTrain as reason:
            refused.append(f"{name}: {reason}")
    return trained, refused


def results(trained: Trained) -> Results:
    """What a training says of itself on its validation rows."""
    metrics = trained.metrics
    return Results(trained.spec.name, metrics["ap"], metrics["auc"], metrics["ece_to_base"], metrics["high_row_recall"])


def version_row(
    family: str, version: str, trained: Trained, found: Verdict, trained_as_of: Instant, lake_snapshot_id: int
) -> dict[str, Any]:
    """The row of models/versions."""
    about, metrics, score_map = trained.served.metadata, trained.metrics, trained.served.score_map
    return {
        "system": family,
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
