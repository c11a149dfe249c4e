"""Evidence with intervals: two models on the same rows, and how sure their difference is."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from veririsk_assets.evaluation.intervals import Interval, bootstrap, bootstrap_calibration, paired_bootstrap
from veririsk_assets.training.promotion import Evidence

WEEK = np.timedelta64(7 * 24, "h")


def weeks(as_of: np.ndarray) -> np.ndarray:
    """The week of every row: the block that bootstraps draw, because hours of one week fall together."""
    return ((as_of - as_of.min()) // WEEK).astype(np.int64)


def with_gains(candidate: Evidence, label: np.ndarray, score: np.ndarray, rivals: Mapping[str, np.ndarray], block: np.ndarray) -> Evidence:
    """The candidate's evidence with the paired interval of its AP over each rival's; all scores are of the same rows."""
    gains = {name: paired_bootstrap(label, score, other, block)["ap"] for name, other in rivals.items()}
    return replace(candidate, gains=gains)


def metric_intervals(label: np.ndarray, probability: np.ndarray, as_of: np.ndarray) -> dict[str, Interval]:
    """Week-block intervals of AP, AUC, Brier skill and calibration error: what a training run logs beside its numbers."""
    block = weeks(as_of)
    found = bootstrap(label, probability, block) | bootstrap_calibration(label, probability, block)
    return {name: found[name] for name in ("ap", "auc", "brier_skill", "ece")}
