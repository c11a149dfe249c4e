"""Results with intervals: models on the same rows, and how sure their difference is.

Scores of two fits are never ranked against each other: rankings are within folds, and within the hours of a fold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from veririsk_assets.contracts.vocabulary import HIGH_ALERT_HOURS
from veririsk_assets.contracts.windows import HOURS_PER_MONTH
from veririsk_assets.evaluation.intervals import Draws, Interval, bootstrap, calibration_draws, intervals, ranking_draws
from veririsk_assets.evaluation.known_rate import known_rate
from veririsk_assets.evaluation.metrics import average_precision, ece_to_base, roc_auc, within_folds
from veririsk_assets.evaluation.moment_intervals import which_draws
from veririsk_assets.evaluation.moments import hourly
from veririsk_assets.training.promotion import Gain, Results

WEEK = np.timedelta64(7 * 24, "h")
CALIBRATION = ("slope", "intercept", "ece_to_base", "brier_skill_known")


@dataclass(frozen=True)
class JudgedRows:
    """Rows that all models are judged on: label 0/1, as_of, `fold` (which fit scored the row), and the base rate known at the time.

    `known_rate` is NaN where nothing had matured.
    """

    label: np.ndarray
    as_of: np.ndarray
    fold: np.ndarray
    known_rate: np.ndarray

    @classmethod
    def of_one_fit(cls, label: np.ndarray, as_of: np.ndarray, horizon_hours: int) -> "JudgedRows":
        return cls(label, as_of, np.zeros(len(label), dtype=np.int64), known_rate(hours(as_of), label, horizon_hours))

    def only(self, rows: np.ndarray) -> "JudgedRows":
        """Some of the rows."""
        return JudgedRows(self.label[rows], self.as_of[rows], self.fold[rows], self.known_rate[rows])

    @property
    def week(self) -> np.ndarray:
        """The block that bootstraps draw, because hours of one week fall together."""
        return weeks(self.as_of)


def hours(as_of: np.ndarray) -> np.ndarray:
    """Whole hours since 1970."""
    return as_of.astype("datetime64[h]").astype(np.int64)


def weeks(as_of: np.ndarray) -> np.ndarray:
    """The week of every row, from the first one on."""
    return ((as_of - as_of.min()) // WEEK).astype(np.int64)


def naive_scores(naive: Mapping[str, float], columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those of the columns that rank without any learning as scores; `naive`: column → the sign of its risky end."""
    return {name: ranked(sign * columns[name].astype(np.float64)) for name, sign in naive.items() if name in columns}


def ranked(score: np.ndarray) -> np.ndarray:
    """A row of which the column says nothing stands in the middle. Last, it would be called the safest of all, and the column a
    weaker rival than it is: young pools, whose volatility is not known yet, crash more often than others.
    """
    known = np.isfinite(score)
    return np.where(known, score, np.median(score[known]) if known.any() else 0.0)


def results_of(name: str, rows: JudgedRows, score: np.ndarray, is_probability: bool = True) -> Results:
    """What one score says of the rows; a mere rank has no calibration."""
    ap, auc = (within_folds(metric, rows.label, score, rows.fold) for metric in (average_precision, roc_auc))
    error = ece_to_base(rows.label, score) if is_probability else np.nan
    return Results(name, ap, auc, error, within_folds(recall_at_budget, rows.label, score, rows.fold))


def recall_at_budget(label: np.ndarray, score: np.ndarray, alert_hours: float = HIGH_ALERT_HOURS) -> float:
    """Share of positive rows among the highest scores that the alarm budget (alert-hours per pool-month) pays for."""
    count = max(round(len(score) * alert_hours / HOURS_PER_MONTH), 1)
    return float(label[np.argsort(-score, kind="stable")[:count]].sum() / max(label.sum(), 1.0))


def with_gains(candidate: Results, rows: JudgedRows, score: np.ndarray, rivals: Mapping[str, np.ndarray]) -> Results:
    """The candidate's results with its paired gains over each rival, and the intervals of its calibration; all scores are of the same rows."""
    ap, within = _rankings(rows, score)
    gains = {}
    for name, other in rivals.items():
        their_ap, their_within = _rankings(rows, other)
        gains[name] = Gain((within - their_within).interval(), (ap - their_ap).interval())
    known = np.isfinite(rows.known_rate)
    if len(np.unique(rows.week[known])) < 2:
        return replace(candidate, gains=gains)
    drawn = calibration_draws(rows.label[known], score[known], rows.week[known], known_rate=rows.known_rate[known])
    return replace(candidate, gains=gains, calibration=intervals({name: drawn[name] for name in CALIBRATION}))


def _rankings(rows: JudgedRows, score: np.ndarray) -> tuple[Draws, Draws]:
    """AP within folds, and AUC among the entities of one moment."""
    within = which_draws(hourly(rows.label, score, hours(rows.as_of - rows.as_of.min()), rows.fold))["auc"]
    return ranking_draws(rows.label, score, rows.week, fold=rows.fold)["ap"], within


def metric_intervals(rows: JudgedRows, probability: np.ndarray) -> dict[str, Interval]:
    """Week-block intervals of AP, AUC, Brier skill and calibration; none where all rows lie in one week."""
    block, known = rows.week, np.isfinite(rows.known_rate)
    if not block.any():
        return {}
    drawn = calibration_draws(rows.label, probability, block)
    found = bootstrap(rows.label, probability, block, fold=rows.fold) | intervals(drawn)
    shown = {name: found[name] for name in ("ap", "auc", "brier_skill", "ece", "slope", "intercept", "ece_to_base")}
    if len(np.unique(block[known])) > 1:
        later = calibration_draws(rows.label[known], probability[known], block[known], known_rate=rows.known_rate[known])
        shown["brier_skill_known"] = later["brier_skill_known"].interval()
    return shown
