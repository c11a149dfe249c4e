"""Which observation is the last one that could be known at each step: the as-of join of the whole house."""

import numpy as np

from veririsk_assets.contracts.windows import Window

HOUR_US = 3_600_000_000


def as_of_fill(
    observed_at: np.ndarray, available_at: np.ndarray, key: np.ndarray, window: Window, keys: np.ndarray, max_age_hours: float
) -> tuple[np.ndarray, np.ndarray]:
    """Per step of the window and key: the row that serves it (-1 = none), and its age at the cut-off in hours.

    A row serves from the first cut-off (`as_of` + the window's delay) at or after `available_at` until its age exceeds
    `max_age_hours`. The latest `observed_at` wins, among equals the latest `available_at`. Rows of other keys are ignored.

    >>> said = np.array(["2025-03-01T00:27", "2025-03-01T01:45"], dtype="datetime64[us]")  # the second one comes after the cut-off of 01:00
    >>> index, age = as_of_fill(said, said, np.array([7, 7]), Window.of("2025-03-01", "2025-03-01T03:00"), np.array([7]), 6.0)
    >>> index.ravel().tolist(), [f"{hours:.2f}" for hours in age.ravel()]
    ([0, 1, 1], ['1.05', '0.75', '1.75'])
    """
    cutoffs = (window.as_ofs + np.timedelta64(window.delay)).astype("datetime64[us]").astype(np.int64)
    index = np.full((window.steps, len(keys)), -1, dtype=np.int64)
    if not len(keys) or not len(observed_at):
        return index, np.full(index.shape, np.nan, dtype=np.float32)
    observed, available = (stamps.astype("datetime64[us]").astype(np.int64) for stamps in (observed_at, available_at))
    observed = np.minimum(observed, available)  # a source whose clock runs ahead
    place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    first = np.maximum(-((cutoffs[0] - available) // (window.step_hours * HOUR_US)), 0)
    usable = (keys[place] == key) & (first < window.steps)
    # Ranks order the rows by age, so that the maximum of ranks along time is the newest observation.
    order = np.lexsort((available, observed))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    np.maximum.at(index, (first[usable], place[usable]), rank[usable])
    index = np.maximum.accumulate(index, axis=0)
    served = np.where(index >= 0, order[index], -1)
    age = (cutoffs[:, None] - observed[served]) / HOUR_US
    fresh = (served >= 0) & (age <= max_age_hours)
    return np.where(fresh, served, -1), np.where(fresh, age, np.nan).astype(np.float32)
