"""Raw steps: ask each source about each hour of a window and append what it said.

A failing source is data: its step succeeds without rows and says why in `raw/source_status`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import HOUR, PULL_DELAY, Window, naive
from veririsk_assets.pipeline import once_a_day
from veririsk_assets.pipeline.once_a_day import Ask
from veririsk_assets.pipeline.outside import Outside
from veririsk_assets.pipeline.step import House, StepResult
from veririsk_assets.settings import Settings
from veririsk_assets.sources import aave, coingecko, defillama, ethereum, geckoterminal, hyperliquid, stablecoins, thegraph
from veririsk_assets.sources.pull import Pull, together
from veririsk_assets.wire.errors import BudgetExceededError, NotRecordedError, PlanOnlyError, SourceError
from veririsk_assets.wire.session import Wire

# Scores do not wait long for what they can do without.
EVIDENCE_PATIENCE_SECONDS = 45.0
OUTCOMES: tuple[tuple[type[SourceError], str], ...] = (
    (PlanOnlyError, "plan_only"),
    (BudgetExceededError, "over_budget"),
    (NotRecordedError, "not_recorded"),
    (SourceError, "failed"),
)


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of one provider and the raw table that its answers go to. `begin` makes what asks about a window's hours."""

    table: Table
    begin: Callable[[House, Window], Ask]
    is_on: Callable[[Settings], bool] = lambda _: True

    @property
    def source(self) -> str:
        return raw.provider_of(self.table)


def _hourly(ask: Callable[[Wire, Settings], Pull]) -> Callable[[House, Window], Ask]:
    return lambda *_: lambda wire, settings, _: ask(wire, settings)


def _has(secret: str) -> Callable[[Settings], bool]:
    """Off in live mode while this setting is empty."""
    return lambda settings: settings.source != "live" or bool(getattr(settings, secret).get_secret_value())


def _holders_on(settings: Settings) -> bool:
    """A recording has no holders."""
    return settings.source != "recorded" and _has("thegraph_url")(settings)


def _named_pools(wire: Wire, settings: Settings, outside: Outside) -> Pull:
    return geckoterminal.pools(wire, settings, outside.addresses)


# In this order: holders are asked about the pairs that have just been seen.
ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(raw.DEFILLAMA_POOLS, _hourly(defillama.pools)),
    Endpoint(raw.DEFILLAMA_PROTOCOLS, _hourly(defillama.protocols)),
    Endpoint(raw.COINGECKO_MARKETS, _hourly(coingecko.markets)),
    Endpoint(raw.GECKOTERMINAL_POOLS, lambda *_: _named_pools),
    Endpoint(raw.THEGRAPH_PAIRS, _hourly(thegraph.pairs), _has("thegraph_url")),
    Endpoint(raw.THEGRAPH_LP_POSITIONS, once_a_day.holders, _holders_on),
    Endpoint(raw.HYPERLIQUID_MARKETS, _hourly(hyperliquid.markets)),
    Endpoint(raw.STABLECOINS, _hourly(stablecoins.stablecoins)),
    Endpoint(raw.FEAR_GREED, once_a_day.index),
    Endpoint(raw.ETH_GAS, _hourly(ethereum.gas), _has("ethereum_rpc_url")),
    Endpoint(raw.AAVE_RESERVES, _hourly(aave.reserves), _has("aave_subgraph_url")),
)


def pull_window(window: Window) -> Window:
    """The window of `pulled_at` that belongs to a window of hours: each hour is pulled after its end."""
    return Window(window.start + HOUR, window.end + HOUR)


def pull(house: House, endpoint: Endpoint, window: Window, outside: Outside, repull: bool = False) -> StepResult:
    """Appends what the endpoint says about each hour; hours that are stored or cannot be asked about stay untouched."""
    stored, ask = _stored_hours(house, endpoint.table, window), endpoint.begin(house, window)
    answers: list[Pull] = []
    statuses = []
    for hour in window.each_hour():
        kept = stored.get(naive(hour.as_of), 0)
        answer, outcome, reason = _asked(house, endpoint, ask, hour, outside) if repull or not kept else (None, "kept", "already stored")
        answers += [answer] if answer is not None else []
        tried_at = house.now() if house.settings.source == "live" else hour.as_of + PULL_DELAY
        statuses.append(_status(endpoint, hour, tried_at, outcome, reason, kept if answer is None else len(answer)))
    house.lake.append(raw.SOURCE_STATUS, pd.DataFrame(statuses), window.as_of)
    outcomes = pd.Series([status["outcome"] for status in statuses]).value_counts().to_dict()
    about = {"pulled": bool(answers), "rows_kept": sum(stored.values()), "outcomes": outcomes, "reason": statuses[-1]["reason"] or ""}
    if not answers:
        return StepResult(0, 0, False, about)
    rows = _without_repeats(house, endpoint.table, together(endpoint.table, answers).frame, window)
    return StepResult.of(house.lake.append(endpoint.table, rows, window.as_of), **about)


def _asked(house: House, endpoint: Endpoint, ask: Ask, hour: Window, outside: Outside) -> tuple[Pull | None, str, str]:
    if not endpoint.is_on(house.settings):
        return None, "off", "not configured"
    wire = outside.wire(hour.as_of, EVIDENCE_PATIENCE_SECONDS if endpoint.table in raw.EVIDENCE else math.inf)
    if wire is None:
        return None, "kept", "this source only knows the current hour"
    try:
        answer = ask(wire, house.settings, outside)
    except SourceError as error:
        outcome = next(name for kind, name in OUTCOMES if isinstance(error, kind))
        return None, outcome, str(error)
    return (answer, "pulled", "") if answer is not None else (None, "not_due", once_a_day.NOT_DUE)


def _stored_hours(house: House, table: Table, window: Window) -> dict[datetime, int]:
    stored = house.lake.sql(
        f"SELECT time_bucket(INTERVAL 1 HOUR, pulled_at) AS as_of, count(*) AS n FROM lake.{table.sql_name} "
        "WHERE pulled_at > ? AND pulled_at <= ? GROUP BY ALL",
        [naive(pull_window(window).start), naive(pull_window(window).end)],
    )
    return {stamp.to_pydatetime(): int(n) for stamp, n in zip(stored["as_of"], stored["n"], strict=True)}


def _status(endpoint: Endpoint, hour: Window, tried_at: datetime, outcome: str, reason: str, rows_count: int) -> dict[str, object]:
    when = {"as_of": pd.Timestamp(naive(hour.as_of)), "pulled_at": pd.Timestamp(naive(tried_at))}
    return {
        "source": endpoint.source,
        "endpoint": endpoint.table.name,
        **when,
        "outcome": outcome,
        "reason": reason or None,
        "rows_count": rows_count,
    }


def _without_repeats(house: House, table: Table, rows: pd.DataFrame, window: Window) -> pd.DataFrame:
    """A recorded file says the same row until the next one: the first time is enough."""
    if house.settings.source != "recorded" or "observed_at" not in table.key:
        return rows
    key = [name for name in table.key if name != "pulled_at"]
    first = rows.drop_duplicates(key)
    earlier = house.lake.read(table, Window(pull_window(window).start - timedelta(hours=8), pull_window(window).start), key)
    known = pd.MultiIndex.from_frame(earlier)
    return first[~pd.MultiIndex.from_frame(first[key]).isin(known)]
