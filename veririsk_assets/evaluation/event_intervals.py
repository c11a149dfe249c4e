"""Intervals of event metrics, by resampling weeks or keys with all their events, episodes and covered hours.

An item belongs to the week (of the panel's hours) or the key of its onset, of its first hour, or of its hour. Two models
on the same rows and events meet the same draws: `differences(event_draws(a, …), event_draws(b, …))` is paired.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from veririsk_assets.contracts.windows import HOURS_PER_MONTH, WEEK_HOURS
from veririsk_assets.evaluation.episodes import Alerts, episodes
from veririsk_assets.evaluation.events import RULE, EventRule, Events, followed, lead_hours, time_shift_null
from veririsk_assets.evaluation.intervals import Draws, as_draws
from veririsk_assets.evaluation.resampling import DRAWS, SEED, block_counts, block_sums, ratio

Blocks = Literal["week", "key"]
Totals = Callable[[np.ndarray, np.ndarray, np.ndarray | float], np.ndarray]


def event_draws(
    alerts: Alerts,
    events: Events,
    rule: EventRule = RULE,
    by: Blocks = "week",
    draws: int = DRAWS,
    seed: int = SEED,
    unit: np.ndarray | None = None,
) -> dict[str, Draws]:
    """Draws of each metric, named as in the report (see `_recalls` and `_costs`).

    `unit`: a number per key; keys that share theirs are drawn together.
    """
    lead = lead_hours(alerts, events, rule)
    scope = np.isfinite(lead)
    inside = Events(events.hour_index[scope], events.key_index[scope])
    totals, blocks = _totals(alerts, inside, by, draws, seed, unit)
    chance = time_shift_null(alerts, inside, rule, shifts=1).event_chance
    return as_draws(_recalls(lead[scope], chance, inside, rule, totals) | _costs(alerts, events, rule, totals), blocks)


def _recalls(lead: np.ndarray, chance: np.ndarray, events: Events, rule: EventRule, totals: Totals) -> dict[str, np.ndarray]:
    """`recall_lead_L`, `recall_null_lead_L` (time-shift null), `recall_skill_lead_L` (recall over null).

    The null's chance per event is that of the whole sample; draws only reweight the events.
    """
    metrics: dict[str, np.ndarray] = {}
    count = totals(events.hour_index, events.key_index, 1.0)
    for row, at in enumerate(rule.leads):
        warned = totals(events.hour_index, events.key_index, np.asarray(lead >= at, dtype=np.float64))
        expected = totals(events.hour_index, events.key_index, chance[row])
        metrics[f"recall_lead_{at}"] = ratio(warned, count)
        metrics[f"recall_null_lead_{at}"] = ratio(expected, count)
        metrics[f"recall_skill_lead_{at}"] = ratio(warned, expected)
    return metrics


def _costs(alerts: Alerts, events: Events, rule: EventRule, totals: Totals) -> dict[str, np.ndarray]:
    """`alert_precision`, `false_alarms_per_pool_month`, `alert_hours_per_pool_month`."""
    run = episodes(alerts)
    right = totals(run.first_hour, run.key_index, followed(run, events, rule.horizon_hours).astype(np.float64))
    count = totals(run.first_hour, run.key_index, 1.0)
    hour, key = np.nonzero(alerts.covered)
    months = totals(hour, key, 1.0 / HOURS_PER_MONTH)
    on_hour, on_key = np.nonzero(alerts.on)
    return {
        "alert_precision": ratio(right, count),
        "false_alarms_per_pool_month": ratio(count - right, months),
        "alert_hours_per_pool_month": ratio(totals(on_hour, on_key, 1.0), months),
    }


def _totals(alerts: Alerts, events: Events, by: Blocks, draws: int, seed: int, unit: np.ndarray | None) -> tuple[Totals, int]:
    """A function from items (hour, key, value) to their sum in the sample and in each draw, and how many blocks there are.

    Blocks are those with a covered hour or an event in scope, so they are the same for every model on these rows.
    """

    def block_of(hour: np.ndarray, key: np.ndarray) -> np.ndarray:
        if by == "week":
            return hour // WEEK_HOURS
        return key if unit is None else unit[key]

    ids = np.union1d(block_of(*np.nonzero(alerts.covered)), block_of(events.hour_index, events.key_index))
    counts = block_counts(len(ids), draws, seed)

    def totals(hour: np.ndarray, key: np.ndarray, value: np.ndarray | float) -> np.ndarray:
        place = np.searchsorted(ids, block_of(hour, key))
        return counts @ block_sums(np.broadcast_to(value, place.shape), place, len(ids))

    return totals, len(ids)
