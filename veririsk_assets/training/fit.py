"""How a model is made: dataset and spec in, a served model with its validation numbers out. No storage, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from veririsk_assets.contracts.windows import HOURS_PER_MONTH
from veririsk_assets.evaluation.metrics import average_precision, base_rate, brier_skill, ece, ece_to_base, roc_auc
from veririsk_assets.models.artefact import ServedModel
from veririsk_assets.models.calibration import calibrate
from veririsk_assets.models.score_map import choose_score_map
from veririsk_assets.models.spec import Spec
from veririsk_assets.training.datasets import CannotTrain, Dataset, Part
from veririsk_assets.training.folds import fit_calibrated

MIN_TRAIN_ROWS = 2_000
MIN_TRAIN_EVENTS = 30
MIN_VALIDATION_EVENTS = 10
# What never happens teaches nothing; neither does what always happens.
MIN_CALM_ROWS = 30
USUAL_RANGE = (0.05, 0.95)


@dataclass(frozen=True)
class Trained:
    """A served model, its metrics on validation rows, and those rows' labels and probabilities.

    Calibration and thresholds were chosen on the same rows: `ece_cross` is the error of a calibration that had not seen them.
    """

    spec: Spec
    served: ServedModel
    metrics: dict[str, float]
    label: np.ndarray
    probability: np.ndarray


def train(dataset: Dataset, spec: Spec) -> Trained:
    """Fit, calibrate, choose thresholds. Raises CannotTrain with the reason where rows or events are too few."""
    if spec.label != dataset.label or spec.horizon_hours != dataset.horizon_hours:
        raise ValueError(f"{spec.name} learns {spec.label}, {spec.horizon_hours} h: not {dataset.label}, {dataset.horizon_hours} h")
    check_floors(dataset, spec.labels, spec.make().positives_needed)
    spec = spec.narrowed(dataset.usable(spec.labels))
    _require_features(spec)
    x, held_x = (dataset.columns(spec.features, part) for part in (dataset.train, dataset.validation))
    held_y = dataset.y[dataset.validation]
    taught, held_taught = (_taught(dataset, spec, part) for part in (dataset.train, dataset.validation))
    fitted = fit_calibrated(spec.make(), (x, taught), (held_x, held_taught), (held_x, held_y))
    model, calibration, margin, probability = fitted.model, fitted.calibration, fitted.margin, fitted.held
    score_map = choose_score_map(probability)
    metrics = validation_metrics(held_y, margin, probability, float(score_map.high))
    low, high = _usual_range(x)
    metadata = describe(dataset, spec) | {"metrics": {k: v if np.isfinite(v) else None for k, v in metrics.items()}}
    metadata |= {"reference": reference(x, spec.features), "hyperparameters": dict(model.hyperparameters)}
    served = ServedModel(spec.name, spec.horizon_hours, spec.features, model, calibration, score_map, low, high, metadata)
    return Trained(spec, served, metrics, held_y, probability)


def _require_features(spec: Spec) -> None:
    if not spec.features:
        raise CannotTrain(f"{spec.name} has none of its features: all are null in more than half of the training rows")
    if spec.lacking:
        raise CannotTrain(f"{spec.name} needs {', '.join(spec.lacking)}, null in more than half of the training rows")


def _taught(dataset: Dataset, spec: Spec, part: Part) -> np.ndarray:
    """What the model learns from: one label as a vector, several as columns."""
    targets = dataset.targets(spec.labels, part)
    return targets if spec.entry.also else targets[:, 0]


def check_floors(dataset: Dataset, labels: Sequence[str] = (), positives_needed: int = 0) -> None:
    """Raises CannotTrain below 2,000 training rows, 30 positive and 30 negative ones, or 10 positive validation rows of a label.

    `labels`: default the dataset's own. `positives_needed`: what the model's own parameters ask for, where that is more than 30.
    """
    for label in labels or (dataset.label,):
        train, held = (dataset.targets([label], part) for part in (dataset.train, dataset.validation))
        for count, floor, what in (
            (int(np.isfinite(train).sum()), MIN_TRAIN_ROWS, "training rows"),
            (int(np.nansum(train)), max(MIN_TRAIN_EVENTS, positives_needed), "positive training rows"),
            (int((train == 0).sum()), MIN_CALM_ROWS, "negative training rows"),
            (int(np.nansum(held)), MIN_VALIDATION_EVENTS, "positive validation rows"),
        ):
            if count < floor:
                raise CannotTrain(f"{count:,} {what} with label {label}, {dataset.horizon_hours} h; {floor:,} are needed")


def validation_metrics(label: np.ndarray, margin: np.ndarray, probability: np.ndarray, high: float) -> dict[str, float]:
    """AP, AUC, Brier skill, calibration errors, and what the HIGH threshold does, on validation rows."""
    alarmed = probability >= high
    hits = float(label[alarmed].sum())
    return {
        "ap": average_precision(label, probability),
        "auc": roc_auc(label, probability),
        "brier_skill": brier_skill(label, probability),
        "ece": ece(label, probability),
        "ece_to_base": ece_to_base(label, probability),
        "ece_cross": _crossed_ece(label, margin),
        "base_rate": base_rate(label),
        "high_row_precision": hits / float(alarmed.sum()) if alarmed.any() else np.nan,
        "high_row_recall": hits / float(label.sum()) if label.any() else np.nan,
        "high_alert_hours": float(alarmed.mean() * HOURS_PER_MONTH),
    }


def describe(dataset: Dataset, spec: Spec) -> dict[str, Any]:
    """What the model was made from, as JSON values."""

    def span(part: Part) -> list[str]:
        return [str(dataset.as_of[part][0].astype("datetime64[s]")), str(dataset.as_of[part][-1].astype("datetime64[s]"))]

    return {
        "label": spec.label,
        "params": dict(spec.params),
        "train_range": span(dataset.train),
        "validation_range": span(dataset.validation),
        "train_rows_count": len(dataset.y[dataset.train]),
        "train_events_count": int(dataset.y[dataset.train].sum()),
        "validation_rows_count": len(dataset.y[dataset.validation]),
        "validation_events_count": int(dataset.y[dataset.validation].sum()),
        "pools_count": len(np.unique(dataset.key)),
    }


def reference(x: np.ndarray, features: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Per feature, what training rows looked like: null share and deciles from minimum to maximum. Drift is measured against it."""
    known = np.where(np.isfinite(x), x, np.nan).astype(np.float64)
    deciles = np.nanquantile(known, np.linspace(0, 1, 11), axis=0)
    null_ratio = np.isnan(known).mean(axis=0)
    return {name: {"null_ratio": float(null_ratio[i]), "deciles": deciles[:, i].tolist()} for i, name in enumerate(features)}


def _usual_range(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = np.where(np.isfinite(x), x, np.nan).astype(np.float64)
    low, high = np.nanquantile(known, USUAL_RANGE, axis=0)
    return low, high


def _crossed_ece(label: np.ndarray, margin: np.ndarray) -> float:
    """Calibrated on the earlier half and measured on the later one, and the other way round."""
    half = len(label) // 2
    early, late = slice(0, half), slice(half, None)
    if not label[early].any() or not label[late].any():
        return np.nan
    from_late, from_early = (calibrate(margin[part], label[part]) for part in (late, early))
    return ece(label, np.concatenate([from_late(margin[early]), from_early(margin[late])]))
