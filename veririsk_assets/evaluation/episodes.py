"""Alerts on the panel: which hours they are on, and the episodes that people see.

Grids are hours × keys, bool. An alert is decided at a scored row and holds until the key's next scored row.
"""

from dataclasses import dataclass

import numpy as np

from veririsk_assets.contracts.windows import HOURS_PER_MONTH


@dataclass(frozen=True)
class Alerts:
    """`covered`: hours that a scored row speaks for. `on`: those of them with the alert on."""

    on: np.ndarray
    covered: np.ndarray

    @property
    def pool_months(self) -> float:
        """Covered pool-hours in months of 730 hours."""
        return float(np.count_nonzero(self.covered)) / HOURS_PER_MONTH


@dataclass(frozen=True)
class Episodes:
    """Runs of consecutive alert-on hours of a key, first and last hour included; sorted by key and hour."""

    first_hour: np.ndarray
    last_hour: np.ndarray
    key_index: np.ndarray


def hold(alert: np.ndarray, scored: np.ndarray, step_hours: int = 1) -> Alerts:
    """An alert, or its absence, holds until the next scored row and at most `step_hours` hours, its own included."""
    hour = np.arange(len(scored), dtype=np.int32)[:, None]
    latest = np.maximum.accumulate(np.where(scored, hour, np.int32(-1)), axis=0)
    covered = (latest >= 0) & (hour - latest < step_hours)
    return Alerts(covered & np.take_along_axis(alert, np.maximum(latest, 0), axis=0), covered)


def starts(on: np.ndarray) -> np.ndarray:
    """Hours at which the alert goes on: on now, and off or not covered the hour before."""
    before = np.zeros_like(on)
    before[1:] = on[:-1]
    return on & ~before


def episodes(alerts: Alerts) -> Episodes:
    """The alert's runs."""
    key, first = np.nonzero(starts(alerts.on).T)
    _, last = np.nonzero(starts(alerts.on[::-1])[::-1].T)
    return Episodes(first, last, key)
