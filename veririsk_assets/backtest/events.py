"""The study's events, and its forecasts read as alerts at a budget that validation rows have set."""

from dataclasses import dataclass

import numpy as np

from veririsk_assets.backtest.study import Study
from veririsk_assets.contracts.windows import SAMPLED_HOURS
from veririsk_assets.evaluation.episodes import Alerts, hold
from veririsk_assets.evaluation.events import EventRule, Events, event_onsets, threshold_for_budget

LEADS = (1, 3, 6, 12)


@dataclass(frozen=True)
class Alarm:
    """A model's alerts on the panel and the probability that raised them, per fold."""

    alerts: Alerts
    thresholds: tuple[float, ...]


def rule(study: Study) -> EventRule:
    return EventRule(study.rows.horizon_hours, tuple(lead for lead in LEADS if lead <= study.rows.horizon_hours))


def study_events(study: Study) -> Events:
    """Onsets of a 20 % fall within the horizon, and pools that left their source for good."""
    gone = study.gone.any(axis=0)
    left = np.flatnonzero(gone & ((study.level > 0) & ~study.gone).any(axis=0))
    exits = Events(np.argmax(study.gone[:, left], axis=0), left)
    return event_onsets(study.level, horizon_hours=study.rows.horizon_hours, extra=exits)


def thresholds(validation: list[np.ndarray], budget: float) -> tuple[float, ...]:
    """Per fold, the lowest probability whose alerts on validation rows stay within the budget (alert-hours per pool-month)."""
    return tuple(threshold_for_budget(probability, budget, SAMPLED_HOURS) for probability in validation)


def alarm(
    study: Study, rows: np.ndarray, fold: np.ndarray, probability: np.ndarray, limits: tuple[float, ...], keep: np.ndarray | None = None
) -> Alarm:
    """Alerts of these rows (those of `keep` only, where given); each holds until the pool's next row."""
    on = probability >= np.asarray(limits)[fold]
    if keep is not None:
        rows, on = rows[keep], on[keep]
    scored, alert = np.zeros(study.level.shape, dtype=bool), np.zeros(study.level.shape, dtype=bool)
    place = (study.hour[rows], study.pool[rows])
    scored[place], alert[place] = True, on
    return Alarm(hold(alert, scored, SAMPLED_HOURS), limits)
