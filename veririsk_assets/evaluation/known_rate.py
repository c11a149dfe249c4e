"""The base rate that anyone knew at the time: what a probability has to beat before it is worth more than a constant."""

import numpy as np

# Half a month remembers too few events of most markets, a quarter forgets too slowly that one has turned (docs/experiments.md).
TRAILING_HOURS = 30 * 24
DAY = 24


def known_rate(hour: np.ndarray, label: np.ndarray, horizon_hours: int, trailing_hours: int = TRAILING_HOURS) -> np.ndarray:
    """Per row, the share of positives among the rows that matured in the 30 days up to 00:00 of its day; where none did, of all before.

    Rows are 1-D and in any order; `hour` counts hours from any midnight, and a row matures `horizon_hours` after it. NaN before
    anything has matured.
    """
    order = np.argsort(hour, kind="stable")
    matured = np.asarray(hour)[order] + horizon_hours
    sums = np.concatenate([[0.0], np.cumsum(np.asarray(label, dtype=np.float64)[order])])
    day = np.asarray(hour) // DAY * DAY
    until = np.searchsorted(matured, day, side="right")
    since = np.searchsorted(matured, day - trailing_hours, side="right")
    since = np.where(since == until, 0, since)
    count = until - since
    return np.divide(sums[until] - sums[since], count, out=np.full(len(day), np.nan), where=count > 0)
