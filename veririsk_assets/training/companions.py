"""What a version carries beside its forecast, whichever model won: the two heads that say the cause."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from veririsk_assets.contracts.vocabulary import CAUSES
from veririsk_assets.evaluation.metrics import ece, roc_auc
from veririsk_assets.models.artefact import ServedModel
from veririsk_assets.models.calibration import crossed_skill
from veririsk_assets.models.catalogue import pools as catalogue
from veririsk_assets.models.logistic_line import logit
from veririsk_assets.models.two_heads import LABELS
from veririsk_assets.training.datasets import CannotTrain, Dataset
from veririsk_assets.training.fit import Trained, train


def equipped(served: ServedModel, trained: Mapping[str, Trained], dataset: Dataset) -> ServedModel:
    """The winner with its companion. Its metadata say how good each head is on validation rows, or why there is none (`causes`).

    A head that can say nothing of any validation row is none: what it would say of later rows nobody has seen.

    `trained`: what the choice has trained already, by name. Two heads that won are no companion of their own.
    """
    if served.name == catalogue.TWO_HEADS:
        measured = _metrics(served, dataset)
        # What the heads say together has passed the gate; what each says of a cause has to stand by itself.
        return replace(served, metadata=served.metadata | {"causes": f"no cause model: {why}" if (why := _dead(measured)) else measured})
    try:
        heads = trained.get(catalogue.TWO_HEADS) or train(dataset, catalogue.spec(catalogue.TWO_HEADS, dataset.horizon_hours))
        measured = _metrics(heads.served, dataset)
        for cause, said in measured.items():
            if isinstance(said, str):
                raise CannotTrain(f"{cause}: {said}")
        if why := _dead(measured):
            raise CannotTrain(why)
    except CannotTrain as reason:
        return replace(served, metadata=served.metadata | {"causes": f"no cause model: {reason}"})
    return replace(served, companion=heads.served, metadata=served.metadata | {"causes": measured})


def _dead(measured: Mapping[str, Any]) -> str:
    """Why a head that was measured is none; empty where each says more than its base rate."""
    for cause, said in measured.items():
        if not isinstance(said, str) and (said["skill"] or 0.0) <= 0.0:
            return f"{cause}: not enough events: on validation rows it says no more than the base rate"
    return ""


def _metrics(heads: ServedModel, dataset: Dataset) -> dict[str, Any]:
    """Per cause base rate, AUC, calibration error and skill over the base rate (see `crossed_skill`) on the validation rows that know its label and the head speaks of; in words where none does."""
    found: dict[str, Any] = {}
    said = heads.causes(dataset.columns(heads.features, dataset.validation))
    for i, (cause, label) in enumerate(zip(CAUSES, LABELS, strict=True)):
        fell = dataset.targets([label], dataset.validation)[:, 0]
        known = np.isfinite(fell) & np.isfinite(said[:, i])
        if not known.any():
            found[cause] = "no validation row knows both its label and the columns that it looks at"
            continue
        happened, probability = fell[known], said[known, i]
        measured = {"base_rate": happened.mean(), "auc": roc_auc(happened, probability), "ece": ece(happened, probability)}
        measured["skill"] = crossed_skill(logit(probability), happened)
        found[cause] = {name: float(value) if np.isfinite(value) else None for name, value in measured.items()}
    return found
