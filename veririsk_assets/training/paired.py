"""Results with intervals: models on the same rows, and how sure their difference is."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from veririsk_assets.contracts.vocabulary import HIGH_ALERT_HOURS
from veririsk_assets.contracts.windows import HOURS_PER_MONTH
from veririsk_assets.evaluation.intervals import Interval, bootstrap, bootstrap_calibration, ranking_draws
from veririsk_assets.evaluation.metrics import average_precision, ece, roc_auc
from veririsk_assets.training.promotion import Results

WEEK = np.timedelta64(7 * 24, "h")


def weeks(as_of: np.ndarray) -> np.ndarray:
    """The week of every row: the block that bootstraps draw, because hours of one week fall together."""
    return ((as_of - as_of.min()) // WEEK).astype(np.int64)


def naive_scores(naive: Mapping[str, float], columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those of the columns that rank without any learning as scores; `naive`: column → the sign of its risky end."""
    return {name: ranked(sign * columns[name].astype(np.float64)) for name, sign in naive.items() if name in columns}


def ranked(score: np.ndarray) -> np.ndarray:
    """A row of which the column says nothing comes last."""
    known = np.isfinite(score)
    return np.where(known, score, score[known].min() if known.any() else 0.0)


def results_of(name: str, label: np.ndarray, score: np.ndarray, is_probability: bool = True) -> Results:
    """What one score says of the rows; a mere rank has no calibration."""
    error = ece(label, score) if is_probability else np.nan
    return Results(name, average_precision(label, score), roc_auc(label, score), error, recall_at_budget(label, score))


def recall_at_budget(label: np.ndarray, score: np.ndarray, alert_hours: float = HIGH_ALERT_HOURS) -> float:
    """Share of positive rows among the highest scores that the alarm budget (alert-hours per pool-month) pays for."""
    count = max(round(len(score) * alert_hours / HOURS_PER_MONTH), 1)
    return float(label[np.argsort(-score, kind="stable")[:count]].sum() / max(label.sum(), 1.0))


def with_gains(candidate: Results, label: np.ndarray, score: np.ndarray, rivals: Mapping[str, np.ndarray], block: np.ndarray) -> Results:
    """The candidate's results with the paired interval of its AP over each rival's; all scores are of the same rows."""
    mine = ranking_draws(label, score, block)["ap"]
    gains = {name: (mine - ranking_draws(label, other, block)["ap"]).interval() for name, other in rivals.items()}
    return replace(candidate, gains=gains)


def metric_intervals(label: np.ndarray, probability: np.ndarray, as_of: np.ndarray) -> dict[str, Interval]:
    """Week-block intervals of AP, AUC, Brier skill and calibration error; none where all rows lie in one week."""
    block = weeks(as_of)
    if not block.any():
        return {}
    found = bootstrap(label, probability, block) | bootstrap_calibration(label, probability, block)
    return {name: found[name] for name in ("ap", "auc", "brier_skill", "ece")}
