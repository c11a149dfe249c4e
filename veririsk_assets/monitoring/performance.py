"""How scores turned out, and whether a version keeps what its validation promised. Arrays and numbers in, numbers out."""

from collections.abc import Mapping

import numpy as np

from veririsk_assets.evaluation.intervals import Interval, bootstrap, paired_bootstrap
from veririsk_assets.evaluation.metrics import average_precision, base_rate, brier_skill, ece, roc_auc

# Intervals draw whole days: the hours of one day fall together. Fewer days than this give no interval.
MIN_DAYS = 5
DRAWS = 200
DAY_US = 24 * 3600 * 10**6


def days_of(as_of: np.ndarray) -> np.ndarray:
    """The day of every row, as a block for a bootstrap."""
    return as_of.astype("datetime64[us]").astype(np.int64) // DAY_US


def measure(label: np.ndarray, score: np.ndarray, probability: np.ndarray, is_high: np.ndarray, as_of: np.ndarray) -> dict[str, float]:
    """Rows of one version with a matured label. `score` ranks; `probability` is all NaN for the rule."""
    hits = float(label[is_high].sum())
    known = not np.isnan(probability).any()
    interval = ap_interval(label, score, as_of)
    return {
        "base_rate_ratio": base_rate(label),
        "ap": average_precision(label, score),
        "ap_low": interval.lo,
        "ap_high": interval.hi,
        "auc": roc_auc(label, score),
        "ece": ece(label, probability) if known else np.nan,
        "brier_skill": brier_skill(label, probability) if known else np.nan,
        "high_precision": hits / float(is_high.sum()) if is_high.any() else np.nan,
        "high_ratio": float(is_high.mean()),
    }


def ap_interval(label: np.ndarray, score: np.ndarray, as_of: np.ndarray) -> Interval:
    """Average precision with its 95 % interval over days; without one where days or labels are too few."""
    if not _can_bootstrap(label, as_of):
        return Interval(average_precision(label, score), np.nan, np.nan)
    return bootstrap(label, score, days_of(as_of), DRAWS)["ap"]


def gains(label: np.ndarray, a: np.ndarray, b: np.ndarray, as_of: np.ndarray) -> dict[str, Interval]:
    """Paired intervals of a − b in `ap` and `auc`, on the same rows and the same draws of days."""
    if not _can_bootstrap(label, as_of):
        values = {"ap": average_precision(label, a) - average_precision(label, b), "auc": roc_auc(label, a) - roc_auc(label, b)}
        return {name: Interval(value, np.nan, np.nan) for name, value in values.items()}
    found = paired_bootstrap(label, a, b, days_of(as_of), DRAWS)
    return {name: found[name] for name in ("ap", "auc")}


def is_below_promise(measured: Mapping[str, float], promised_ap_low: float, promised_base: float) -> bool | None:
    """Whether AP, and AP over the base rate, lie with their whole interval below all that was promised; None where that cannot be said.

    A promise is an interval: a validation of a few weeks promises no single number. Both, because AP falls with the base rate: a
    calm month alone is no decay.
    """
    high, base = measured["ap_high"], measured["base_rate_ratio"]
    if not np.isfinite([high, promised_ap_low, promised_base]).all() or not base or not promised_base:
        return None
    return bool(high < promised_ap_low and high / base < promised_ap_low / promised_base)


def _can_bootstrap(label: np.ndarray, as_of: np.ndarray) -> bool:
    return bool(label.any()) and len(np.unique(days_of(as_of))) >= MIN_DAYS
