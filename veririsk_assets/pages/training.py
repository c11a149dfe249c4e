"""What a training leaves beside its artefact: metrics with intervals, plots, the folds' table and the reference for drift."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from veririsk_assets.evaluation.intervals import Interval

if TYPE_CHECKING:
    from veririsk_assets.models.artefact import ServedModel
    from veririsk_assets.training.choice import Choice
    from veririsk_assets.training.datasets import Dataset
    from veririsk_assets.training.walk_forward import Pooled

VALIDATION, FOLDS = "validation", "walk_forward"
MEASURES = ("ap", "auc", "ece_to_base", "recall")
# What a run says of its data, beside the lake snapshot.
LOGGED = (
    "label", "train_range", "train_rows_count", "train_events_count",
    "validation_range", "validation_rows_count", "validation_events_count", "pools_count",
)  # fmt: skip


def intervals(choice: "Choice", dataset: "Dataset") -> dict[str, Interval]:
    """`validation_ap` …: the winner on its validation rows; `walk_forward_ap` …: its recipe on pooled folds, where there are any.

    Weeks are drawn; a window within one week gives no interval.
    """
    from veririsk_assets.training.paired import JudgedRows, metric_intervals

    winner, folds = choice.winner, choice.folds
    held = JudgedRows.of_one_fit(winner.label, dataset.as_of[dataset.validation], dataset.horizon_hours)
    rows = {VALIDATION: (held, winner.probability)}
    if folds is not None:
        rows[FOLDS] = (folds.rows, folds.probability[winner.spec.name])
    return {f"{where}_{name}": one for where, columns in rows.items() for name, one in metric_intervals(*columns).items()}


def run_metrics(found: dict[str, Interval]) -> dict[str, float]:
    """As a run logs them: `ap_lo` and `ap_hi` beside the validation's own `ap`; `walk_forward_ap`, `…_lo`, `…_hi`."""
    named = {name.removeprefix(f"{VALIDATION}_"): one for name, one in found.items()}
    values = {name: one.value for name, one in found.items() if name.startswith(FOLDS)}
    return values | {f"{name}_{end}": getattr(one, end) for name, one in named.items() for end in ("lo", "hi")}


def run_params(served: "ServedModel") -> dict[str, Any]:
    """What a run is compared by: the recipe of the model and of what it carries (under `causes.` and `detection.`), and its data."""
    about = {name: served.metadata[name] for name in LOGGED if name in served.metadata}
    beside = {"causes": served.companion, "detection": served.detection}
    carried = {f"{name}.{key}": value for name, model in beside.items() if model is not None for key, value in _recipe(model).items()}
    return _recipe(served) | {"horizon_hours": served.horizon_hours} | about | carried


def _recipe(served: "ServedModel") -> dict[str, Any]:
    curve = served.calibration
    calibration = {"calibration": curve.kind, "calibration_slope": curve.slope, "calibration_knots": len(curve.knots)}
    features = {"features": ", ".join(served.features), "features_count": len(served.features)}
    return {"algorithm": served.name, **served.metadata.get("hyperparameters", {}), **calibration, **features}


def write_report(choice: "Choice", folder: Path) -> Path:
    """Pictures (reliability, precision and recall, and at HIGH the confusion matrix and classification report), `reference.json` and, where it was judged on folds, `walk_forward.csv`; the folder."""
    from veririsk_assets.pages.plots import classification_report, confusion_matrix, precision_recall, reliability, write_png

    winner, folds = choice.winner, choice.folds
    folder.mkdir(parents=True, exist_ok=True)
    label, probabilities, rows = winner.label, {winner.spec.name: winner.probability}, "validation rows"
    if folds is not None:
        label, probabilities, rows = folds.rows.label, folds.probability, "out of fold"
        fold_table(folds).to_csv(folder / f"{FOLDS}.csv", index=False)
    write_png(reliability(label, probabilities, rows), folder / "reliability.png")
    write_png(precision_recall(label, probabilities, rows), folder / "precision_recall.png")
    alarmed = probabilities[winner.spec.name] >= winner.served.score_map.high
    write_png(confusion_matrix(label, alarmed, rows), folder / "confusion_matrix.png")
    write_png(classification_report(label, alarmed, rows), folder / "classification_report.png")
    (folder / "reference.json").write_text(json.dumps(winner.served.metadata["reference"], indent=1))
    return folder


def fold_table(folds: "Pooled") -> pd.DataFrame:
    """A row per fold and model or naive column, then the folds together (`fold` is empty): when, rows, positives and MEASURES."""
    parts = [(i, folds.only(folds.rows.fold == i)) for i in np.unique(folds.rows.fold)]
    lines = []
    for fold, part in [*parts, (None, folds)]:
        as_of, label = part.rows.as_of, part.rows.label
        about = {"fold": fold, "from": as_of[0], "to": as_of[-1], "rows": len(label), "positive": int(label.sum())}
        for name in (*part.probability, *part.naive):
            known = asdict(part.results(name))
            lines.append(about | {"model": name} | {measure: known[measure] for measure in MEASURES})
    return pd.DataFrame(lines).astype({"fold": "Int64"})
