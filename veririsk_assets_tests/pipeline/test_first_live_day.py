"""A first live day: the histories of 300 protocols through the real clients, within the budgets of the free plans, stopped twice and gone on with."""

import math
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from requests import PreparedRequest, Response
from requests.exceptions import ConnectionError as NoConnection

from veririsk_assets.contracts.raw import DEFILLAMA_PROTOCOLS
from veririsk_assets.contracts.raw_protocols import COINGECKO_COIN_DAYS, DEFILLAMA_TVL_DAYS
from veririsk_assets.contracts.systems import PROTOCOLS
from veririsk_assets.contracts.windows import HOUR, PULL_DELAY, Window, naive, utc
from veririsk_assets.pipeline.known.endpoints import SHARED, Endpoint
from veririsk_assets.pipeline.known.features import store_features
from veririsk_assets.pipeline.known.pulls import pull
from veririsk_assets.pipeline.known.snapshots import store_snapshots
from veririsk_assets.pipeline.learning.training_rows import training_rows
from veririsk_assets.pipeline.replay import label_until
from veririsk_assets.pipeline.status import status
from veririsk_assets.pipeline.step import House
from veririsk_assets.pipeline.systems import bound
from veririsk_assets.settings import Settings
from veririsk_assets.simulation.market import Market
from veririsk_assets.simulation.protocols import Protocols
from veririsk_assets.simulation.transport import SimulatedTransport
from veririsk_assets.sources.coingecko import provider_of
from veririsk_assets.wire.budget import Budget
from veririsk_assets.wire.clock import FixedClock
from veririsk_assets.wire.session import Wire

pytestmark = pytest.mark.stress
COUNT, FIRST, HOURS = 300, utc("2025-06-10T09:00"), 44


class Killed(BaseException):
    """What a kill looks like from inside."""


class Internet(SimulatedTransport):
    """The simulated hosts of one hour, which count what they are asked and can break off."""

    def __init__(self, market: Market, as_of: datetime, asked: Counter[str], left: float = math.inf) -> None:
        super().__init__(market, as_of)
        self._asked, self.left = asked, left

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        if self.left <= 0:
            raise NoConnection("the line is down", request=request)
        self.left -= 1
        answer = super().send(request, *args, **kwargs)
        if answer.status_code == 200:
            self._asked[(request.url or "").partition("?")[0].split("/", 3)[3]] += 1
        return answer


class Outside:
    """Live to its clients: metered hosts on a clock that stands at the hour's pull and moves when they wait."""

    addresses = None

    def __init__(self, house: House, market: Market) -> None:
        self.house, self.market, self.asked, self.left = house, market, Counter[str](), math.inf
        self.took = dict[str, float]()

    def wire(self, as_of: datetime, patience_seconds: float = math.inf, until: datetime | None = None) -> Wire:
        internet, clock = Internet(self.market, as_of, self.asked, self.left), FixedClock(as_of + PULL_DELAY)
        deadline = min(self.house.settings.pull_deadline_seconds, patience_seconds)
        return Wire(clock, {"https://": internet}, self.house.state, deadline_seconds=deadline, until=until)


@pytest.fixture(scope="module")
def market() -> Market:
    made = Market(3, "harder", 8, None)
    made.protocols = Protocols(made, COUNT - len(made.protocols.all) + 29)
    return made


class Day:
    """The home of a first live day, hour by hour."""

    def __init__(self, folder: Path, market: Market) -> None:
        self.now = FIRST + PULL_DELAY
        self.folder, self.market = folder, market
        self.house = self.opened()
        self.outside = Outside(self.house, market)

    def opened(self) -> House:
        settings = Settings(home=self.folder, source="live", max_protocols=COUNT, min_tvl_usd=1_000.0)
        return House.open(settings, lambda: self.now, run_id="live")

    def again(self) -> None:
        """As after a kill: another process opens what is there."""
        self.house.close()
        self.house = self.outside.house = self.opened()

    def pull(self, hour: int, endpoints: tuple[Endpoint, ...] = ()) -> None:
        self.now = FIRST + hour * HOUR + PULL_DELAY
        for endpoint in endpoints or ENDPOINTS:
            pull(self.house, endpoint, Window.ending(FIRST + hour * HOUR), self.outside)

    def said(self) -> str:
        return "\n".join(line for line in status(self.house) if line.startswith("protocols"))


ENDPOINTS = (next(one for one in SHARED if one.table is DEFILLAMA_PROTOCOLS), *bound(PROTOCOLS).endpoints)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, market: Market) -> Iterator[Day]:
    day = Day(tmp_path_factory.mktemp("live"), market)
    day.pull(0)
    day.first = day.said()  # type: ignore[attr-defined]
    day.outside.left = 20  # the line breaks in the middle of a batch
    day.pull(1)
    day.outside.left = math.inf
    stored, append = day.house.lake, day.house.lake.append_once

    def killed(table: Any, *args: Any, **kwargs: Any) -> Any:
        if table is DEFILLAMA_TVL_DAYS:
            raise Killed
        return append(table, *args, **kwargs)

    stored.append_once = killed  # type: ignore[method-assign]
    with pytest.raises(Killed):
        day.pull(2)
    day.again()
    for hour in range(2, HOURS):
        day.pull(hour)
    yield day
    day.house.close()


def tokens_of(day: Day) -> int:
    return sum(bool(one.coin_id) for one in day.market.protocols.all)


def test_status_names_the_day_it_can_train_on_beforehand(lived: Day) -> None:
    said = lived.first  # type: ignore[attr-defined]
    assert f"60 of {COUNT} histories of TVL are asked for, {COUNT - 60} are still to come, at 60 an hour: by 2025-06-10 13:30" in said
    assert "a model can be trained from 2025-06-11 01:05 on" in said
    tokens = tokens_of(lived)
    assert f"8 of {tokens} histories of tokens are asked for, {tokens - 8} are still to come, at 8 an hour" in said


def test_every_history_is_there_and_was_asked_for_once(lived: Day) -> None:
    rows = lived.house.lake.read(DEFILLAMA_TVL_DAYS)
    assert rows["protocol_id"].nunique() == COUNT
    assert not rows.duplicated(["protocol_id", "observed_at"]).any()
    asked = {path: count for path, count in lived.outside.asked.items() if path.startswith("protocol/")}
    assert len(asked) == COUNT
    # Of the batch that the kill took before it was stored nothing is known: it is asked for again.
    assert Counter(asked.values()) == {1: COUNT - 60, 2: 60}
    truth = lived.market.protocols
    days = truth.tvl_days(truth.day_of(FIRST))
    one = rows[rows["protocol_id"] == truth.all[40].id].set_index("observed_at")["tvl_usd"]
    assert one.to_numpy()[: len(days)] == pytest.approx(days[:, 40])


def test_tokens_come_within_the_budget_of_the_free_plan(lived: Day) -> None:
    rows = lived.house.lake.read(COINGECKO_COIN_DAYS)
    an_hour = rows.groupby(rows["pulled_at"].dt.floor("h"))["coin_id"].nunique()
    assert an_hour.max() <= 8
    assert rows["coin_id"].nunique() == tokens_of(lived) > 250
    asked = sum(count for path, count in lived.outside.asked.items() if path.startswith("api/v3/"))
    assert Budget(lived.house.state).spent(provider_of(lived.house.settings), FIRST) == asked
    assert asked <= HOURS * 13


def test_on_the_day_that_was_named_there_is_what_a_training_needs(lived: Day) -> None:
    house, day = lived.house, utc("2025-06-11")
    for step in (store_snapshots, store_features):
        step(house, PROTOCOLS, Window.ending(day, step_hours=24))
    label_until(house, PROTOCOLS, day)
    rows = training_rows(house, PROTOCOLS, 168, day)
    assert len(rows.y) > 90_000
    assert rows.y.sum() > 1_000
    assert rows.as_of.max() <= naive(day - 10 * 24 * HOUR)


def test_the_rest_of_the_day_asks_for_nothing_of_the_past(lived: Day) -> None:
    before = lived.outside.asked.copy()
    lived.pull(HOURS, ENDPOINTS)
    more = lived.outside.asked - before
    assert not [path for path in more if path.startswith(("protocol/", "summary/")) or path.endswith("market_chart")]
