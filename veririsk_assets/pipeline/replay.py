"""Replaying the clock: every hour scored by a model that had seen nothing of its future.

History before the first hour is loaded unscored; from then on each week is trained on what had matured, then scored.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from veririsk_assets.contracts import systems
from veririsk_assets.contracts.detections import POOL_DETECTIONS
from veririsk_assets.contracts.monitoring import SHADOW_SCORES
from veririsk_assets.contracts.pool_features import LOOKBACK_HOURS
from veririsk_assets.contracts.pools import POOL_EXPLANATIONS, POOL_FEATURES, POOL_LABELS, POOL_SCORES
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import DAY_HOURS, HOUR, WEEK_HOURS, Window, naive, utc
from veririsk_assets.pipeline import ahead, owed
from veririsk_assets.pipeline.detections import hourly_pool_detections
from veririsk_assets.pipeline.labels import hourly_pool_labels
from veririsk_assets.pipeline.learning import train, untrained
from veririsk_assets.pipeline.outside import Outside, recorded_market
from veririsk_assets.pipeline.pools import hourly_pool_features, hourly_pool_snapshots
from veririsk_assets.pipeline.pulls import pull_all
from veririsk_assets.pipeline.recalibration import daily_shifts
from veririsk_assets.pipeline.scores import hourly_pool_explanations, hourly_pool_scores
from veririsk_assets.pipeline.shadow import shadow_scores
from veririsk_assets.pipeline.step import House, StepResult
from veririsk_assets.snapshots.pools import LOOKBACK_HOURS as RAW_HOURS

# The newest labelled hours are looked at again: their longer horizon may have passed since.
REOPENED_HOURS = 48
# `kind` of a piece of work (load, train or score), and its window.
Progress = Callable[[str, Window], None]
SAYING: tuple[tuple[Table, Callable[[House, Window], StepResult]], ...] = (
    (POOL_SCORES, hourly_pool_scores),
    (POOL_EXPLANATIONS, hourly_pool_explanations),
    (POOL_DETECTIONS, hourly_pool_detections),
    (SHADOW_SCORES, lambda house, window: shadow_scores(house, systems.POOLS, window)),
)


def run(house: House, outside: Outside, first: datetime, start: datetime, end: datetime, progress: Progress) -> None:
    """Loads `[first, start)` and scores `[start, end)` week by week: each is trained on what had matured, loaded, scored.

    What is there stays as it is: of every table the hours that it lacks are made, wherever they lie.
    """
    if first < start:
        _fill(house, outside, Window(first, start), progress)
    for week in Window(start, end).chunks(WEEK_HOURS):
        if not owed.any_owed(house, week):
            continue
        is_scored = not owed.unloaded(house, week) and not owed.unsaid(house, week, POOL_SCORES)
        if not is_scored:
            progress("train", Window.ending(week.start))
            learn(house, week.start, first)
        _fill(house, outside, week, progress)
        if not is_scored:
            follow(house, week, first)
        _say_what_is_owed(house, week, progress)


def _fill(house: House, outside: Outside, window: Window, progress: Progress) -> None:
    """Loads the hours of a window that are not loaded."""
    for gap in owed.runs(owed.unloaded(house, window)):
        for part in gap.chunks(WEEK_HOURS):
            progress("load", part)
            if part.end < gap.end:
                load(house, outside, part)
            else:
                _close(house, outside, part)


def _close(house: House, outside: Outside, part: Window) -> None:
    """Loads the last part of a gap. What looks back on it and has not been scored yet is computed again before it counts as done."""
    ahead.set_aside(house)
    pull_all(house, part, outside)
    hourly_pool_snapshots(house, part)
    after = owed.unscored_after(house, part.end, LOOKBACK_HOURS)
    if after is not None:
        hourly_pool_snapshots(house, Window(after.start, min(after.end, after.start + RAW_HOURS * HOUR)))
        for week in after.chunks(WEEK_HOURS):
            hourly_pool_features(house, week)
    hourly_pool_features(house, part)


def _say_what_is_owed(house: House, window: Window, progress: Progress) -> None:
    """Each table's missing hours in turn: what was said of an hour is never said anew for the sake of another table."""
    missing = set().union(*(owed.unsaid(house, window, table) for table, _ in SAYING))
    for part in owed.runs(missing):
        progress("score", part)
        for table, step in SAYING:
            for hours in owed.runs(owed.unsaid(house, part, table)):
                step(house, hours)


def load(house: House, outside: Outside, window: Window, repull: bool = False) -> dict[str, StepResult]:
    """Raw, snapshots and features of a window; what each pull did, by table."""
    ahead.set_aside(house)
    pulls = pull_all(house, window, outside, repull)
    hourly_pool_snapshots(house, window)
    hourly_pool_features(house, window)
    return pulls


def score_window(house: House, outside: Outside, window: Window, repull: bool = False) -> dict[str, StepResult]:
    """A window from raw to explanations, with the champions that there are."""
    pulls = load(house, outside, window, repull)
    say(house, window)
    return pulls


def say(house: House, window: Window) -> None:
    """Scores of a loaded window with their reasons, what has begun, and what the version in waiting would have said."""
    for _, step in SAYING:
        step(house, window)


def label_until(house: House, as_of: datetime, first: datetime | None = None) -> None:
    """Labels that had matured by `as_of`: those that are missing, and the newest ones again. Labels that matured later stay."""
    span = house.lake.span(POOL_FEATURES)
    if span is None:
        return
    begin = first or span[0] - HOUR
    if as_of <= begin:
        return
    # A filled gap also tells the day after it what its highs had been.
    gaps = [Window(gap.start, min(gap.end + DAY_HOURS * HOUR, as_of)) for gap in owed.runs(owed.unlabelled(house, Window(begin, as_of)))]
    matured = house.lake.span(POOL_LABELS, "matured_at")
    known_until = matured[1] if matured else as_of
    start = max(begin, latest_of(house, POOL_LABELS, as_of, begin) - REOPENED_HOURS * HOUR)
    gaps += [Window(start, as_of)] if start < as_of else []
    for together in owed.runs({hour.as_of for gap in gaps for hour in gap.each()}):
        for window in together.chunks(8 * WEEK_HOURS):
            hourly_pool_labels(house, window, max(as_of, known_until))


def learn(house: House, as_of: datetime, first: datetime) -> None:
    """Labels, then a training of what was not trained as of then. Nothing to learn from is no error: the rule-based score serves."""
    label_until(house, as_of, first)
    train(house, systems.POOLS, as_of, untrained(house, systems.POOLS, as_of))


def follow(house: House, window: Window, first: datetime) -> None:
    """The base rate's drift, day by day of a loaded window: each day by the labels that had matured when it began."""
    label_until(house, window.as_of, first)
    daily_shifts(house, systems.POOLS, window)


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
