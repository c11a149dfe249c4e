"""Replaying the clock: every instant scored by a model that had seen nothing of its future.

History before the first one is loaded unscored; from then on each week is trained on what had matured, then scored.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from veririsk_assets.contracts.systems import SYSTEMS, System
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import DAY_HOURS, HOUR, WEEK_HOURS, Window, floor_step, naive, utc
from veririsk_assets.pipeline import ahead, owed
from veririsk_assets.pipeline.known.features import store_features
from veririsk_assets.pipeline.known.outside import Outside, recorded_market
from veririsk_assets.pipeline.known.pulls import pull_all
from veririsk_assets.pipeline.known.snapshots import store_snapshots
from veririsk_assets.pipeline.learning.labels import store_labels
from veririsk_assets.pipeline.learning.recalibration import daily_shifts
from veririsk_assets.pipeline.learning.train import train, untrained
from veririsk_assets.pipeline.path import knowing, saying
from veririsk_assets.pipeline.step import House, StepResult
from veririsk_assets.pipeline.systems import bound

# The newest labelled instants are looked at again: their longer horizon may have passed since.
REOPENED_HOURS = 48
# `kind` of a piece of work (load, train or score), and its window.
Progress = Callable[[str, Window], None]


def run(house: House, outside: Outside, first: datetime, start: datetime, end: datetime, progress: Progress) -> None:
    """Loads `[first, start)` and scores `[start, end)` week by week, every system: each is trained on what had matured, loaded, scored.

    What is there stays as it is: of every table the instants that it lacks are made, wherever they lie.
    """
    if first < start:
        _fill(house, outside, Window(first, start), progress)
    for week in Window(start, end).chunks(WEEK_HOURS):
        owing = [(system, own) for system, own in _clocks(week) if owed.any_owed(house, system, own)]
        unscored = [(system, own) for system, own in owing if not _is_scored(house, system, own)]
        told = set[datetime]()
        for system, own in unscored:
            if own.start not in told:
                progress("train", Window.ending(own.start))
            told.add(own.start)
            learn(house, system, own.start, first)
        if owing:
            _fill(house, outside, week, progress)
        for system, own in unscored:
            follow(house, system, own, first)
        for system, own in owing:
            _say_what_is_owed(house, system, own, progress)


def _clocks(window: Window) -> list[tuple[System, Window]]:
    """Every system with its own steps of the window, where it has any."""
    return [(system, own) for system in SYSTEMS if (own := window.in_steps(system.step_hours))]


def _is_scored(house: House, system: System, window: Window) -> bool:
    return not owed.unloaded(house, system, window) and not owed.unsaid(house, system, window, system.scores)


def _fill(house: House, outside: Outside, window: Window, progress: Progress) -> None:
    """Loads what is not loaded of a window: hours from their pull on, then what a slower clock lacks although its hours are there."""
    hourly = [owed.unloaded(house, system, own) for system, own in _clocks(window) if system.step_hours == 1]
    for gap in owed.runs(owed.unpulled(house, window).union(*hourly)):
        for part in gap.chunks(WEEK_HOURS):
            progress("load", part)
            if part.end < gap.end:
                load(house, outside, part)
            else:
                _close(house, outside, part)
    for system, own in _clocks(window):
        for gap in owed.runs(owed.unloaded(house, system, own), system.step_hours) if system.step_hours > 1 else ():
            progress("load", gap)
            _know(house, system, gap)


def _close(house: House, outside: Outside, part: Window) -> None:
    """Loads the last part of a gap. What looks back on it and has not been scored yet is computed again before it counts as done."""
    ahead.set_aside(house)
    pull_all(house, part, outside)
    for system, own in _clocks(part):
        store_snapshots(house, system, own)
        after = owed.unscored_after(house, system, own.end, system.lookback_steps)
        if after is not None:
            store_snapshots(house, system, next(after.chunks(-(-bound(system).snapshots.raw_hours // own.step_hours))))
            for week in after.chunks(WEEK_HOURS // own.step_hours):
                store_features(house, system, week)
        store_features(house, system, own)


def _say_what_is_owed(house: House, system: System, window: Window, progress: Progress) -> None:
    """Each table's missing instants in turn: what was said of one is never said anew for the sake of another table."""
    steps = saying(system)
    missing = set().union(*(owed.unsaid(house, system, window, step.table) for step in steps if not step.may_be_silent))
    for part in owed.runs(missing, system.step_hours):
        progress("score", part)
        for step in steps:
            windows = [part] if step.may_be_silent else owed.runs(owed.unsaid(house, system, part, step.table), system.step_hours)
            for instants in windows:
                step.run(house, system, instants)


def load(house: House, outside: Outside, window: Window, repull: bool = False) -> dict[str, StepResult]:
    """Raw, snapshots and features of a window, of every system; what each pull did, by table."""
    ahead.set_aside(house)
    pulls = pull_all(house, window, outside, repull)
    for system, own in _clocks(window):
        _know(house, system, own)
    return pulls


def _know(house: House, system: System, window: Window) -> None:
    for step in knowing(system):
        step.run(house, system, window)


def score_window(house: House, outside: Outside, window: Window, repull: bool = False) -> dict[str, StepResult]:
    """A window from raw to explanations, of every system, with the champions that there are."""
    pulls = load(house, outside, window, repull)
    for system, own in _clocks(window):
        say(house, system, own)
    return pulls


def say(house: House, system: System, window: Window) -> None:
    """Scores of a loaded window with their reasons, what has begun, and what the version in waiting would have said."""
    for step in saying(system):
        step.run(house, system, window)


def label_until(house: House, system: System, as_of: datetime, first: datetime | None = None) -> None:
    """Labels that had matured by `as_of`: those that are missing, and the newest ones again. Labels that matured later stay."""
    span, step = house.lake.span(system.features), system.step_hours
    if span is None or not system.learns:
        return
    begin, end = floor_step(first, step) if first else span[0] - step * HOUR, floor_step(as_of, step)
    if end <= begin:
        return
    # A filled gap also tells the day after it what its highs had been.
    missing = owed.runs(owed.unlabelled(house, system, Window(begin, end, step)), step)
    gaps = [Window(gap.start, min(gap.end + DAY_HOURS * HOUR, end), step) for gap in missing]
    matured = house.lake.span(system.labels, "matured_at")
    known_until = matured[1] if matured else as_of
    start = max(begin, latest_of(house, system.labels, end, begin) - REOPENED_HOURS * HOUR)
    gaps += [Window(start, end, step)] if start < end else []
    for together in owed.runs({one.as_of for gap in gaps for one in gap.each()}, step):
        for window in together.chunks(8 * WEEK_HOURS // step):
            store_labels(house, system, window, max(as_of, known_until))


def learn(house: House, system: System, as_of: datetime, first: datetime) -> None:
    """Labels, then a training of what was not trained as of then. Nothing to learn from is no error: the rule-based score serves."""
    if system.learns:
        label_until(house, system, as_of, first)
        train(house, system, as_of, untrained(house, system, as_of))


def follow(house: House, system: System, window: Window, first: datetime) -> None:
    """The base rate's drift, day by day of a loaded window: each day by the labels that had matured when it began."""
    if system.learns:
        label_until(house, system, window.as_of, first)
        daily_shifts(house, system, window)


def latest_of(house: House, table: Table, end: datetime, otherwise: datetime) -> datetime:
    """The newest `as_of` of a table up to `end`."""
    span = house.lake.span(table, where="as_of <= ?", parameters=[naive(end)])
    return span[1] if span else otherwise


def history_start(start: datetime, history: str, earliest: datetime) -> datetime:
    """`all`: from the source's first hour; a number: so many days before `start`. Raises ValueError otherwise."""
    if history == "all":
        return min(earliest, start)
    try:
        days = float(history)
    except ValueError:
        raise ValueError(f"--history is 'all' or a number of days, got {history!r}") from None
    return max(start - timedelta(days=days), earliest) if start > earliest else start


def earliest_hour(house: House) -> datetime:
    """The first hour that the source can say anything about."""
    return recorded_market(house.settings).first_hour if house.settings.source == "recorded" else utc("2025-01-01")
