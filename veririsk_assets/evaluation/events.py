"""Events and what alerts said before them: recall by lead time, precision, cost, and the threshold for a budget.

An event is an onset: the first hour of a run in which the drop has happened. An alert-on hour a is a claim about hours
a+1 … a+horizon, so an event at hour u is *warned of* by the alert-on hours in [u − horizon, u − 1]. Its lead time runs
from the earliest of them to u, never to the trough: an alert already on before u − horizon counts as starting there, and
recall at lead L is the share of events with a lead time of at least L hours. With `EventRule.fresh_only`, only the hours at which
an alert goes on count, so an alert that stays on for days warns of nothing but what follows its start.
An event is in scope if any hour of [u − horizon, u − 1] is covered by a scored row of its key.

The **time-shift null** turns the same alerts around in a circle within each key's covered hours: which key alerts, how
often and for how long stays, only *when* is lost. Its expectation is over every shift there is, so it is exact.
"""

from dataclasses import dataclass

import numpy as np

from veririsk_assets.contracts.windows import HOURS_PER_MONTH
from veririsk_assets.evaluation.episodes import Alerts, Episodes, episodes, starts
from veririsk_assets.evaluation.resampling import SEED
from veririsk_assets.evaluation.timeshift import Windows, shifted_warnings

SHIFTS = 500
HORIZON_HOURS = 24
MIN_GAP_HOURS = 168


@dataclass(frozen=True)
class EventRule:
    """How alerts are read: what they claim, the lead times to report, and whether only their starts count."""

    horizon_hours: int = HORIZON_HOURS
    leads: tuple[int, ...] = (1, 3, 6, 12)
    fresh_only: bool = False

    def claims(self, alerts: Alerts) -> np.ndarray:
        """The hours (hours × keys, bool) that warn of what follows."""
        return starts(alerts.on) if self.fresh_only else alerts.on


RULE = EventRule()


@dataclass(frozen=True)
class Events:
    """Onsets as places on the panel (hours × keys), sorted by key and hour."""

    hour_index: np.ndarray
    key_index: np.ndarray

    def __len__(self) -> int:
        return len(self.hour_index)


@dataclass(frozen=True)
class EventMetrics:
    """Recall by lead (hours → share of events in scope), lead-time quartiles (hours, of warned events), and cost."""

    recall: dict[int, float]
    lead_quartiles: tuple[float, float, float]
    alert_precision: float
    false_alarms_per_pool_month: float
    alert_hours_per_pool_month: float
    event_count: int
    episode_count: int
    pool_months: float


@dataclass(frozen=True)
class ShiftNull:
    """Per lead (hours): recall expected by chance, its 95 % range, recall / expected, and share of draws that reach the recall.

    `event_chance`: leads × events, the chance that the shifted alerts warn of this event; NaN if it is not in scope.
    """

    expected: dict[int, float]
    lo: dict[int, float]
    hi: dict[int, float]
    skill_ratio: dict[int, float]
    p_value: dict[int, float]
    event_chance: np.ndarray


def event_onsets(
    tvl: np.ndarray,
    drop: float = 0.2,
    horizon_hours: int = HORIZON_HOURS,
    min_gap_hours: int = MIN_GAP_HOURS,
    extra: Events | None = None,
) -> Events:
    """Onsets of `tvl` (hours × keys) falling to (1 − drop) × any value of the `horizon_hours` before, or under it.

    Onsets of a key lie at least `min_gap_hours` apart, the earlier one wins; `extra` (see `disappearances`) joins in first.
    A gap (NaN) is no hit, and ends a run.
    """
    peak = np.full(tvl.shape, np.nan, dtype=tvl.dtype)
    for lag in range(1, min(horizon_hours, len(tvl) - 1) + 1):
        np.fmax(peak[lag:], tvl[:-lag], out=peak[lag:])
    key, hour = np.nonzero(starts((tvl <= (1.0 - drop) * peak) & (peak > 0)).T)
    if extra is not None:
        hour, key = np.concatenate([hour, extra.hour_index]), np.concatenate([key, extra.key_index])
    order = np.lexsort((hour, key))
    hour, key = hour[order], key[order]
    kept = _spaced(hour, key, min_gap_hours)
    return Events(hour[kept], key[kept])


def disappearances(tvl: np.ndarray, missing_hours: int) -> Events:
    """Keys whose last known TVL is above 0 and followed by at least `missing_hours` unknown hours up to the panel's end.

    The onset is the first unknown hour.
    """
    known = np.isfinite(tvl)
    last = len(tvl) - 1 - np.argmax(known[::-1], axis=0)
    gone = known.any(axis=0) & (len(tvl) - 1 - last >= max(missing_hours, 1)) & (tvl[last, np.arange(tvl.shape[1])] > 0)
    return Events(last[gone] + 1, np.flatnonzero(gone))


def lead_hours(alerts: Alerts, events: Events, rule: EventRule = RULE) -> np.ndarray:
    """Per event: hours from the alert's start to the onset, 0 if not warned of, NaN if not in scope."""
    claims = rule.claims(alerts)
    lead = np.full(len(events), np.nan)
    for before in range(1, rule.horizon_hours + 1):
        hour = events.hour_index - before
        inside = (hour >= 0) & (hour < len(claims))
        place = (hour[inside], events.key_index[inside])
        reached = lead[inside]
        reached = np.where(alerts.covered[place] & np.isnan(reached), 0.0, reached)
        lead[inside] = np.where(claims[place], before, reached)
    return lead


def followed(run: Episodes, events: Events, horizon_hours: int = HORIZON_HOURS) -> np.ndarray:
    """Whether an onset lies in the `horizon_hours` after some hour of the episode (bool per episode)."""
    stride = int(max(events.hour_index.max(initial=0), run.last_hour.max(initial=0)) + horizon_hours + 2)
    onsets = np.sort(events.key_index * stride + events.hour_index)
    after_start = np.searchsorted(onsets, run.key_index * stride + run.first_hour, side="right")
    until_end = np.searchsorted(onsets, run.key_index * stride + run.last_hour + horizon_hours, side="right")
    return until_end > after_start


def event_metrics(alerts: Alerts, events: Events, rule: EventRule = RULE) -> EventMetrics:
    """What these alerts gave and cost. NaN where nothing can be counted: no event in scope, no episode, no covered hour."""
    lead = lead_hours(alerts, events, rule)
    lead = lead[np.isfinite(lead)]
    run = episodes(alerts)
    right = followed(run, events, rule.horizon_hours)
    warned, months = lead[lead > 0], alerts.pool_months
    first, middle, third = np.quantile(warned, (0.25, 0.5, 0.75)) if len(warned) else (np.nan,) * 3
    return EventMetrics(
        recall={at: float(np.mean(lead >= at)) if len(lead) else np.nan for at in rule.leads},
        lead_quartiles=(float(first), float(middle), float(third)),
        alert_precision=float(right.mean()) if len(right) else np.nan,
        false_alarms_per_pool_month=float(np.count_nonzero(~right)) / months if months else np.nan,
        alert_hours_per_pool_month=float(np.count_nonzero(alerts.on)) / months if months else np.nan,
        event_count=len(lead),
        episode_count=len(right),
        pool_months=months,
    )


def time_shift_null(alerts: Alerts, events: Events, rule: EventRule = RULE, shifts: int = SHIFTS, seed: int = SEED) -> ShiftNull:
    """Recall of the alerts shifted within each key; `shifts` seeded draws of one shift per key give its spread."""
    lead = lead_hours(alerts, events, rule)
    scope = np.flatnonzero(np.isfinite(lead))
    chance = np.full((len(rule.leads), len(events)), np.nan)
    if not len(scope):
        unknown = dict.fromkeys(rule.leads, np.nan)
        return ShiftNull(unknown, unknown, unknown, unknown, unknown, chance)
    where = Windows(events.hour_index[scope], events.key_index[scope], rule.leads, rule.horizon_hours)
    chance[:, scope], warned = shifted_warnings(rule.claims(alerts), alerts.covered, where, shifts, seed)
    recall = np.array([np.mean(lead[scope] >= at) for at in rule.leads])
    drawn, expected = warned / len(scope), chance[:, scope].mean(axis=1)
    lo, hi = np.quantile(drawn, (0.025, 0.975), axis=1)
    ratio = np.divide(recall, expected, out=np.full(len(recall), np.nan), where=expected > 0)
    p_value = (1.0 + (drawn >= recall[:, None] - 1e-12).sum(axis=1)) / (1.0 + shifts)

    def by_lead(column: np.ndarray) -> dict[int, float]:
        return dict(zip(rule.leads, column.tolist(), strict=True))

    return ShiftNull(by_lead(expected), by_lead(lo), by_lead(hi), by_lead(ratio), by_lead(p_value), chance)


def threshold_for_budget(score: np.ndarray, alert_hours_budget: float, step_hours: int = 1) -> float:
    """The lowest threshold whose alerts (score ≥ threshold) on these rows stay within the budget.

    `score`: validation rows of any shape, NaN = not scored, each row stands for `step_hours` hours; budget in alert-hours
    per pool-month of 730 h. Rows of one score alert together or not at all. Raises ValueError without a scored row.
    """
    known = np.sort(score[np.isfinite(score)])[::-1].astype(np.float64)
    if not len(known):
        raise ValueError("a threshold needs at least one scored validation row")
    pool_months = len(known) * step_hours / HOURS_PER_MONTH
    allowed = min(int(alert_hours_budget * pool_months / step_hours), len(known))
    if allowed == len(known):
        return float(known[-1])
    affordable = known[:allowed][known[:allowed] > known[allowed]]
    return float(affordable[-1]) if len(affordable) else float(np.nextafter(known[0], np.inf))


def _spaced(hour: np.ndarray, key: np.ndarray, min_gap_hours: int) -> np.ndarray:
    """Keeps an onset if the last kept one of its key is far enough back; hours rise within keys."""
    kept = np.zeros(len(hour), dtype=bool)
    last_hour, last_key = 0, -1
    for i, (h, p) in enumerate(zip(hour.tolist(), key.tolist(), strict=True)):
        if p != last_key or h - last_hour >= min_gap_hours:
            kept[i] = True
            last_hour, last_key = h, p
    return kept
