"""Snapshots → features: what may be known of an entity at each instant."""

import numpy as np

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.surroundings import SURROUNDINGS
from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.windows import WEEK_HOURS, Window
from veririsk_assets.pipeline.known import late
from veririsk_assets.pipeline.known.snapshots import store_snapshots
from veririsk_assets.pipeline.step import House, StepResult
from veririsk_assets.pipeline.systems import bound

ONE = np.array([0])


def store_features(house: House, system: System, window: Window) -> StepResult:
    """The system's features: rows of entities whose measure is known."""
    seen = house.lake.snapshot_id()
    asked, window = window, late.widened(house, system, system.features, [system.snapshots], "as_of", window, seen)
    own, back = bound(system).features, window.lookback(system.lookback_steps)
    panel = house.lake.panel(system.snapshots, own.inputs, back)
    around = house.lake.panel(SURROUNDINGS, own.surroundings, back, keys=ONE) if own.surroundings else Panel(back, ONE)
    built = own.build(panel, around, window.steps)
    known = ~np.isnan(panel[system.measure][-window.steps :])
    written = house.lake.replace(system.features, built.frame(system.key, known), window)
    late.remember(house, system.features, seen)
    return StepResult.of(written, late_hours=window.hours - asked.hours, lookback_hours=system.lookback_steps * system.step_hours)


def recompute(house: House, system: System, window: Window) -> StepResult:
    """Snapshots and features of a range from what raw holds now, in pieces of a week. Scores stay: they are what was said."""
    weeks = list(window.chunks(WEEK_HOURS // system.step_hours))
    snapshots = [store_snapshots(house, system, week) for week in weeks]
    features = [store_features(house, system, week) for week in weeks]
    done = [*snapshots, *features]
    return StepResult(
        sum(one.rows for one in done),
        sum(one.quarantined for one in done),
        any(one.changed for one in done),
        {"snapshots": sum(one.rows for one in snapshots), "features": sum(one.rows for one in features)},
    )
