"""Levels that keep their budget in every market: each day by what recent scores were, and in one hour never more than a share.

A budget needs no labels: HIGH begins where the scores of the three days before would have spent it. A jump of the whole market
inside a day lifts everyone above that; then HIGH still says who, for of the entities of one hour only the first few have it.
Chosen by numbers, see docs/experiments.md, 56 to 60.
"""

from collections.abc import Iterator

import numpy as np

from veririsk_assets.contracts.vocabulary import HIGH_ALERT_HOURS, MEDIUM_ALERT_HOURS
from veririsk_assets.contracts.windows import HOURS_PER_MONTH
from veririsk_assets.models.score_map import SURE, ScoreMap, above

RECENT_HOURS, LONGEST_HOURS = 3 * 24, 30 * 24
# A share of 3 % of fewer rows is a matter of chance: where three days hold fewer, more days are looked at.
FEWEST_ROWS = 500
# Of the entities of one hour at most so many times the budget's share reach a level, and always so many entities may.
STORM, FEWEST_ENTITIES = 3.0, 3


def recent(day: np.ndarray, hour: np.ndarray) -> Iterator[slice | None]:
    """Per day (its first hour) the rows of the three days before, or of as many as hold 500 rows, at most 30; None where they are too few.

    `hour` ascends, on the same clock as the days.
    """
    longest, since, until = (np.searchsorted(hour, np.asarray(day) - back) for back in (LONGEST_HOURS, RECENT_HOURS, 0))
    enough = np.maximum(np.minimum(since, until - FEWEST_ROWS), longest)
    for first, end in zip(enough.tolist(), until.tolist(), strict=True):
        yield slice(first, end) if end - first >= FEWEST_ROWS else None


def are_few(day: np.ndarray, hour: np.ndarray) -> bool:
    """Whether the three days before any of the days hold too few rows, so that more of them have to be looked at."""
    since, until = (np.searchsorted(hour, np.asarray(day) - back) for back in (RECENT_HOURS, 0))
    return bool((until - since < FEWEST_ROWS).any())


def capped(moment: np.ndarray, probability: np.ndarray, threshold: np.ndarray, alert_hours: float) -> np.ndarray:
    """Per row the threshold, in a storm raised: at most 3 × the budget's share of the scored entities of one moment reach it.

    All 1-D and of one length; NaN probabilities are no scores. Equal probabilities stand or fall together, so fewer may reach it.
    """
    known = np.flatnonzero(np.isfinite(probability))
    order = known[np.lexsort((-probability[known], moment[known]))]
    _, first, size = np.unique(moment[order], return_index=True, return_counts=True)
    most = np.maximum(np.floor(STORM * alert_hours / HOURS_PER_MONTH * size), FEWEST_ENTITIES).astype(np.int64)
    is_more = most < size
    too_low = np.zeros(len(first))
    too_low[is_more] = np.nextafter(probability[order][(first + most)[is_more]], np.inf)
    raised = np.array(np.broadcast_to(threshold, probability.shape), dtype=np.float64)
    raised[order] = np.maximum(raised[order], np.repeat(too_low, size))
    return raised


def risk_scores(moment: np.ndarray, probability: np.ndarray, usual: ScoreMap) -> np.ndarray:
    """0–100 of every row, both thresholds capped within its moment. `usual`: the day's thresholds, one or one per row."""
    said = np.minimum(probability, SURE)
    high = capped(moment, said, np.asarray(usual.high), HIGH_ALERT_HOURS)
    medium = np.minimum(capped(moment, said, np.asarray(usual.medium), MEDIUM_ALERT_HOURS), high)
    return ScoreMap(medium, high, above(high, usual.top))(said)
