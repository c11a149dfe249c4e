"""Replaying the clock: every hour scored by a model that had seen nothing of its future.

History before the first hour is loaded unscored; from then on each week is trained on what had matured, then scored.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from veririsk_assets.contracts.pools import POOL_FEATURES, POOL_LABELS, POOL_SCORES
from veririsk_assets.contracts.windows import HOUR, Window, naive, utc
from veririsk_assets.pipeline import ahead
from veririsk_assets.pipeline.detections import hourly_pool_detections
from veririsk_assets.pipeline.learning import hourly_pool_labels, train_pools
from veririsk_assets.pipeline.outside import NO_RECORDED_DIR, Outside
from veririsk_assets.pipeline.pools import hourly_pool_features, hourly_pool_snapshots
from veririsk_assets.pipeline.pulls import ENDPOINTS, pull
from veririsk_assets.pipeline.recalibration import daily_shifts
from veririsk_assets.pipeline.scores import hourly_pool_explanations, hourly_pool_scores
from veririsk_assets.pipeline.shadow import hourly_pool_shadow_scores
from veririsk_assets.pipeline.step import House, StepResult

WEEK_HOURS = 168
# The newest labelled hours are looked at again: their longer horizon may have passed since.
REOPENED_HOURS = 48
Progress = Callable[[str, Window], None]


@dataclass(frozen=True)
class Stretch:
    """One thing to do: `kind` is load, train or score."""

    kind: str
    window: Window


def stretches(first: datetime, start: datetime, end: datetime) -> Iterator[Stretch]:
    """What to do, in order: load `first … start` by weeks, then per week from `start`: train, load, score."""
    if first < start:
        yield from (Stretch("load", week) for week in Window(first, start).chunks(WEEK_HOURS))
    for week in Window(start, end).chunks(WEEK_HOURS):
        yield Stretch("train", Window.ending(week.start))
        yield Stretch("load", week)
        yield Stretch("score", week)


def run(house: House, outside: Outside, first: datetime, start: datetime, end: datetime, progress: Progress) -> None:
    """Loads `[first, start)`, scores `[start, end)`; resumes at the first hour that has no score."""
    resumed = resume_at(house, start, end)
    if resumed >= end:
        return
    loaded = latest_of(house, POOL_FEATURES.sql_name, end, first)
    for stretch in stretches(first, resumed, end):
        progress(stretch.kind, stretch.window)
        if stretch.kind == "train":
            learn(house, stretch.window.as_of, first)
        elif stretch.kind == "score":
            follow(house, stretch.window, first)
            say(house, stretch.window)
        elif stretch.window.end > loaded:
            load(house, outside, stretch.window)


def load(house: House, outside: Outside, window: Window, repull: bool = False) -> dict[str, StepResult]:
    """Raw, snapshots and features of a window; what each pull did, by table."""
    ahead.set_aside(house)
    pulls = {endpoint.table.name: pull(house, endpoint, window, outside, repull) for endpoint in ENDPOINTS}
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
    hourly_pool_scores(house, window)
    hourly_pool_explanations(house, window)
    hourly_pool_detections(house, window)
    hourly_pool_shadow_scores(house, window)


def label_until(house: House, as_of: datetime, first: datetime | None = None) -> None:
    """Labels that had matured by `as_of`, from where the last ones end."""
    earliest = house.lake.sql(f"SELECT min(as_of) AS first FROM lake.{POOL_FEATURES.sql_name}")["first"].iloc[0]
    if earliest != earliest:
        return
    begin = first or utc(earliest.to_pydatetime()) - HOUR
    start = max(begin, latest_of(house, POOL_LABELS.sql_name, as_of, begin) - REOPENED_HOURS * HOUR)
    if as_of > start:
        for window in Window(start, as_of).chunks(8 * WEEK_HOURS):
            hourly_pool_labels(house, window, as_of)


def learn(house: House, as_of: datetime, first: datetime) -> None:
    """Labels, then a training on them. Nothing to learn from is no error: the rule-based score serves."""
    label_until(house, as_of, first)
    train_pools(house, as_of)


def follow(house: House, window: Window, first: datetime) -> None:
    """The base rate's drift, day by day of a loaded window: each day by the labels that had matured when it began."""
    label_until(house, window.as_of, first)
    daily_shifts(house, window)


def resume_at(house: House, start: datetime, end: datetime) -> datetime:
    """The first hour of `[start, end)` without a score."""
    query = f"SELECT DISTINCT as_of FROM lake.{POOL_SCORES.sql_name} WHERE as_of > ? AND as_of <= ?"
    scored = set(house.lake.sql(query, [naive(start), naive(end)])["as_of"].dt.to_pydatetime())
    missing = (hour.start for hour in Window(start, end).each_hour() if naive(hour.as_of) not in scored)
    return next(missing, end)


def latest_of(house: House, table: str, end: datetime, otherwise: datetime) -> datetime:
    """The newest `as_of` of a table up to `end`."""
    latest = house.lake.sql(f"SELECT max(as_of) AS latest FROM lake.{table} WHERE as_of <= ?", [naive(end)])["latest"].iloc[0]
    return otherwise if latest != latest else utc(latest.to_pydatetime())


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
    if house.settings.source == "recorded":
        if house.settings.recorded_dir is None:
            raise ValueError(NO_RECORDED_DIR)
        from veririsk_assets.sources.recorded import RecordedMarket

        return RecordedMarket(house.settings.recorded_dir).first_hour
    return utc("2025-01-01")
