"""What levels spend and what they are worth: alert-hours over any 30 days, event rates of HIGH and MEDIUM, and how often a level turns.

Rows are 1-D and evenly spaced in time per key, so that a share of rows is a share of hours.
"""

from dataclasses import dataclass

import numpy as np

from veririsk_assets.contracts.windows import HOURS_PER_MONTH, WEEK_HOURS
from veririsk_assets.evaluation.intervals import Draws, Interval
from veririsk_assets.evaluation.resampling import DRAWS, SEED, resampled_ratio

DAY = 24
SPAN_HOURS = 30 * DAY
# A level keeps its budget where any 30 days spend it within this share.
SLACK = 0.3


@dataclass(frozen=True)
class Spent:
    """Alert-hours per entity-month: over all rows, and the least and most of any 30 days inside one fold, a day apart.

    `kept`: the share of these spans within the budget ± 30 %. NaN where no fold holds 30 days.
    """

    mean: float
    least: float
    most: float
    kept: float


def spent(on: np.ndarray, hour: np.ndarray, fold: np.ndarray, budget: float) -> Spent:
    """Of rows that are on; `budget` in alert-hours per entity-month."""
    spans = np.concatenate([_spans(on[rows], hour[rows]) for rows in (fold == one for one in np.unique(fold))])
    if not len(spans):
        return Spent(float(on.mean()) * HOURS_PER_MONTH, np.nan, np.nan, np.nan)
    kept = np.abs(spans - budget) <= SLACK * budget
    return Spent(float(on.mean()) * HOURS_PER_MONTH, float(spans.min()), float(spans.max()), float(kept.mean()))


def _spans(on: np.ndarray, hour: np.ndarray) -> np.ndarray:
    """Alert-hours of every span of 30 days that lies within the hours, from each day on; spans without a row are left out."""
    order = np.argsort(hour, kind="stable")
    hour, total = hour[order], np.concatenate([[0], np.cumsum(on[order])])
    first = np.arange(hour[0], hour[-1] + 1 - SPAN_HOURS + DAY, DAY)
    since, until = np.searchsorted(hour, first), np.searchsorted(hour, first + SPAN_HOURS)
    filled = until > since
    return (total[until] - total[since])[filled] / (until - since)[filled] * HOURS_PER_MONTH


def by_month(on: np.ndarray, as_of: np.ndarray) -> dict[str, float]:
    """Alert-hours per entity-month of the rows of each calendar month."""
    month = as_of.astype("datetime64[M]")
    return {str(one): float(on[month == one].mean()) * HOURS_PER_MONTH for one in np.unique(month)}


def event_rates(
    label: np.ndarray, is_high: np.ndarray, is_medium: np.ndarray, hour: np.ndarray, draws: int = DRAWS, seed: int = SEED
) -> dict[str, Interval]:
    """Share of positive rows among `high`, `medium` and `low` rows, and `high_minus_medium`; weeks drawn. A level without rows is NaN."""
    of = {"high": is_high, "medium": is_medium, "low": ~is_high & ~is_medium}
    drawn = {}
    for name, rows in of.items():
        values = resampled_ratio(label * rows, rows.astype(np.float64), hour // WEEK_HOURS, draws, seed)
        drawn[name] = Draws(float(values[0]), values[1:], len(np.unique(hour // WEEK_HOURS)))
    drawn["high_minus_medium"] = drawn["high"] - drawn["medium"]
    return {name: one.interval() for name, one in drawn.items()}


def turns_per_day(on: np.ndarray, hour: np.ndarray, key: np.ndarray) -> float:
    """How often a level goes on or off, per entity and day of its rows; what lies more than a day apart is no turn."""
    order = np.lexsort((hour, key))
    on, hour, key = on[order], hour[order], key[order]
    gap = np.diff(hour)
    follows = (np.diff(key) == 0) & (gap <= DAY)
    days = float(gap[follows].sum()) / DAY
    return float((np.diff(on.astype(np.int8)) != 0)[follows].sum()) / days if days else np.nan
