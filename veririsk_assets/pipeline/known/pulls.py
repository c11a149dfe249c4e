"""Raw steps: ask each source about each hour of a window and append what it said.

A failing source is data: its step succeeds without rows and says why in `raw/source_status`, after its rows are stored.
"""

import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Event, Lock
from typing import Any

import pandas as pd

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.tables import ContractError, Table
from veririsk_assets.contracts.windows import PULL_DELAY, Window, naive
from veririsk_assets.lake.lake import Written
from veririsk_assets.pipeline.known import once_a_day
from veririsk_assets.pipeline.known.asked import Asked, Before, Status, came_of, pull_window, say, status, stored_hours
from veririsk_assets.pipeline.known.endpoints import Endpoint, every_endpoint
from veririsk_assets.pipeline.known.once_a_day import Ask
from veririsk_assets.pipeline.known.outside import Outside
from veririsk_assets.pipeline.known.side_by_side import side_by_side
from veririsk_assets.pipeline.step import House, StepResult
from veririsk_assets.sources.pull import Pull, together
from veririsk_assets.wire.errors import BudgetExceededError, NotRecordedError, PlanOnlyError, SourceError
from veririsk_assets.wire.redaction import redact

# Scores do not wait long for what they can do without.
EVIDENCE_PATIENCE_SECONDS = 45.0
# More than there are hosts of pools: evidence is asked about too while all of them are slow.
HOSTS_AT_ONCE = 8
# What a host may still say after its time, before nobody listens any more.
GRACE_SECONDS = 10.0
OUTCOMES: tuple[tuple[type[SourceError], str], ...] = (
    (PlanOnlyError, "plan_only"),
    (BudgetExceededError, "over_budget"),
    (NotRecordedError, "not_recorded"),
    (SourceError, "failed"),
)
# Rows that cannot be made or stored are the fault of one endpoint; a lake that cannot be written is not.
UNSTORABLE = (ContractError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError)
LONGEST_REASON = 300


def pull(house: House, endpoint: Endpoint, window: Window, outside: Outside, repull: bool = False) -> StepResult:
    """Appends what the endpoint says about each hour; hours that are stored or cannot be asked about stay untouched."""
    asked = _ask(house, endpoint, window, outside, repull, house.now(), Before.of(house, [endpoint], window))
    done, statuses = _store(house, endpoint, window, asked, repull)
    say(house, window, statuses)
    return done


def pull_all(
    house: House, window: Window, outside: Outside, repull: bool = False, endpoints: Sequence[Endpoint] = ()
) -> dict[str, StepResult]:
    """What each pull did, by table. Live hosts are asked side by side, within what is left before the cut-off; stored one after the other.

    All statuses are said at the end: of a run that is killed before, every endpoint is asked again.
    """
    endpoints = endpoints or every_endpoint()
    began, before, results, told = house.now(), Before.of(house, endpoints, window), dict[str, StepResult](), list[Status]()

    def store(endpoint: Endpoint, asked: Sequence[Asked]) -> None:
        results[endpoint.table.name], statuses = _store(house, endpoint, window, asked, repull)
        told.extend(statuses)

    def ask(endpoint: Endpoint) -> list[Asked]:
        return _ask(house, endpoint, window, outside, repull, began, before)

    try:
        if house.settings.source == "live":
            _side_by_side(house, window, began, endpoints, ask, store)
        for endpoint in endpoints:
            if endpoint.table.name not in results:
                store(endpoint, _unheard(house, endpoint, window) if house.settings.source == "live" else ask(endpoint))
    finally:  # of what is stored it is said, whatever stopped the rest
        say(house, window, told)
    return {endpoint.table.name: results[endpoint.table.name] for endpoint in endpoints}


def _side_by_side(
    house: House,
    window: Window,
    began: datetime,
    endpoints: Sequence[Endpoint],
    ask: Callable[[Endpoint], list[Asked]],
    store: Callable[[Endpoint, Sequence[Asked]], None],
) -> None:
    """Asks hosts side by side and stores what came in time, one after the other. Raises the first error."""
    storing, over = Lock(), Event()

    def call(endpoint: Endpoint) -> Callable[[], None]:
        def pulled() -> None:
            asked = ask(endpoint)
            with storing:
                if not over.is_set():
                    store(endpoint, asked)

        return pulled

    hosts = dict.fromkeys(endpoint.host for endpoint in endpoints)
    chains = [[call(endpoint) for endpoint in endpoints if endpoint.host == host] for host in hosts]
    try:
        errors = side_by_side(chains, HOSTS_AT_ONCE, _seconds_left(house, window, began, max(map(len, chains))))
    finally:
        with storing:
            over.set()
    if errors:
        raise errors[0]


def _seconds_left(house: House, window: Window, began: datetime, longest_chain: int) -> float:
    """An hour that is asked about after its cut-off has no hurry: each source has its usual time."""
    if began < window.cutoff:
        return (window.cutoff - began).total_seconds() + GRACE_SECONDS
    return longest_chain * house.settings.pull_deadline_seconds + GRACE_SECONDS


def _unheard(house: House, endpoint: Endpoint, window: Window) -> list[Asked]:
    """Nothing came in time: that is said of the hour that could be asked about."""
    hour = Window.ending(window.as_of)
    known = stored_hours(house, [endpoint.table], hour)[endpoint.table.name].get(naive(hour.as_of), 0)
    return [Asked(hour, known, "failed", "no answer within the time of the hour", house.now())]


def _ask(
    house: House,
    endpoint: Endpoint,
    window: Window,
    outside: Outside,
    repull: bool,
    began: datetime,
    before: Before,
) -> list[Asked]:
    stored, done = before.stored[endpoint.table.name], before.done.get(endpoint.table.name, set())
    ask = endpoint.begin(house, window) if endpoint.is_on(house.settings) else None
    asked = []
    for hour in window.each():
        known = stored.get(naive(hour.as_of), 0)
        is_kept = bool(known) and naive(hour.as_of) in done and not repull
        answer, outcome, reason = (None, "kept", "already stored") if is_kept else _asked(house, endpoint, ask, hour, outside, began)
        tried_at = house.now() if house.settings.source == "live" else hour.as_of + PULL_DELAY
        asked.append(Asked(hour, known, outcome, reason, tried_at, answer))
    return asked


def _asked(
    house: House, endpoint: Endpoint, ask: Ask | None, hour: Window, outside: Outside, began: datetime
) -> tuple[Pull | None, str, str]:
    if ask is None:
        return None, "off", "not configured"
    patience = EVIDENCE_PATIENCE_SECONDS if endpoint.table in raw.EVIDENCE else math.inf
    in_time = house.settings.source != "live" or began < hour.cutoff
    wire = outside.wire(hour.as_of, patience, hour.cutoff if in_time else None)
    if wire is None:
        return None, "kept", "this source only knows the current hour"
    try:
        answer = ask(wire, house.settings, outside)
    except SourceError as error:
        outcome = next(name for kind, name in OUTCOMES if isinstance(error, kind))
        return None, outcome, str(error)
    except Exception as error:
        return None, "failed", _told(error)
    return (answer, *_outcome(answer)) if answer is not None else (None, "not_due", once_a_day.NOT_DUE)


def _outcome(answer: Pull) -> tuple[str, str]:
    if answer.parts and not len(answer):
        return "failed", "answered without a row"
    return ("partial", answer.shortfall) if answer.shortfall else ("pulled", answer.note)


def _told(error: Exception) -> str:
    return redact(f"{type(error).__name__}: {error}")[:LONGEST_REASON]


def _store(house: House, endpoint: Endpoint, window: Window, asked: Sequence[Asked], repull: bool) -> tuple[StepResult, list[Status]]:
    """Rows, and what is to be said of them after: a run that is killed between the two is asked again, and finds its rows stored."""
    answers = [one.answer for one in asked if one.answer is not None and len(one.answer)]
    written, fault = None, ""
    if answers:
        try:
            rows = _without_repeats(house, endpoint.table, together(endpoint.table, answers).frame, window)
            seen = {naive(one.hour.as_of): one.known for one in asked}
            # A pull that a person asks for again is added, whatever is there.
            how: dict[str, Any] = {"once": ()} if repull else {"seen": seen}
            written = house.lake.append_once(endpoint.table, rows, window.as_of, **how)
        except UNSTORABLE as error:
            fault = _told(error)
    written = written or Written(0, 0, False, house.lake.snapshot_id())
    stored = stored_hours(house, [endpoint.table], window)[endpoint.table.name] if answers else {}
    statuses = [status(endpoint, one, *came_of(house, one, stored, written.taken, fault)) for one in asked]
    outcomes = pd.Series([one["outcome"] for one in statuses]).value_counts().to_dict()
    is_pulled = not {"pulled", "partial"}.isdisjoint(outcomes)
    kept = sum(one.known for one in asked)
    done = StepResult.of(written, pulled=is_pulled, rows_kept=kept, outcomes=outcomes, reason=statuses[-1]["reason"] or "")
    return done, statuses


def _without_repeats(house: House, table: Table, rows: pd.DataFrame, window: Window) -> pd.DataFrame:
    """A recorded file says the same row until the next one: the first time is enough."""
    if house.settings.source != "recorded" or "observed_at" not in table.key:
        return rows
    key = [name for name in table.key if name != "pulled_at"]
    first = rows.drop_duplicates(key)
    earlier = house.lake.read(table, Window(pull_window(window).start - timedelta(hours=8), pull_window(window).start), key)
    known = pd.MultiIndex.from_frame(earlier)
    return first[~pd.MultiIndex.from_frame(first[key]).isin(known)]
