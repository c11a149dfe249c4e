"""The study's events, and its forecasts read as alerts that keep a budget."""

import numpy as np

from veririsk_assets.backtest.study import Study
from veririsk_assets.evaluation.episodes import Alerts, hold
from veririsk_assets.evaluation.events import EventRule, Events, event_onsets, threshold_for_budget
from veririsk_assets.models.levels import capped, recent
from veririsk_assets.models.recalibration import day_of
from veririsk_assets.training.folds import Forecasts
from veririsk_assets.training.paired import hours

LEADS = (1, 3, 6, 12)


def rule(study: Study) -> EventRule:
    return EventRule(study.rows.horizon_hours, tuple(lead for lead in LEADS if lead <= study.rows.horizon_hours))


def study_events(study: Study) -> Events:
    """Onsets of a 20 % fall within the horizon, and pools that left their source for good."""
    gone = study.gone.any(axis=0)
    left = np.flatnonzero(gone & ((study.level > 0) & ~study.gone).any(axis=0))
    exits = Events(np.argmax(study.gone[:, left], axis=0), left)
    return event_onsets(study.level, horizon_hours=study.rows.horizon_hours, extra=exits)


def level_rows(study: Study, forecasts: Forecasts, name: str, budget: float) -> np.ndarray:
    """Which rows of the forecasts reach the level of that budget (alert-hours per pool-month), as a served model's would.

    Each day's threshold is where the three days before would have spent the budget, in a fold's first days where its validation
    rows would have; of the pools of one hour a storm lifts no more than a share.
    """
    hour, said = hours(study.rows.as_of[forecasts.rows]), forecasts.unshifted[name]
    threshold = np.empty(len(said))
    for fold, held in enumerate(forecasts.validation[name]):
        rows = np.flatnonzero(forecasts.fold == fold)
        first = threshold_for_budget(held, budget, study.row_hours)
        days, day = np.unique(day_of(hour[rows]), return_inverse=True)
        recently = [said[rows[of]] if of else None for of in recent(days, hour[rows])]
        of_day = [first if of is None else threshold_for_budget(of, budget, study.row_hours) for of in recently]
        threshold[rows] = np.array(of_day)[day]
    return said >= capped(hour, said, threshold, budget)


def alarm(study: Study, rows: np.ndarray, on: np.ndarray, keep: np.ndarray | None = None) -> Alerts:
    """Alerts of the rows that are `on` (of those of `keep` only, where given); each holds until the pool's next row."""
    if keep is not None:
        rows, on = rows[keep], on[keep]
    scored, alert = np.zeros(study.level.shape, dtype=bool), np.zeros(study.level.shape, dtype=bool)
    place = (study.hour[rows], study.pool[rows])
    scored[place], alert[place] = True, on
    return hold(alert, scored, study.row_hours)
