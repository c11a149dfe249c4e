"""The first fetch of a home, early and late in its hour: what it says, and what `rank` and `status` say after it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from veririsk_assets.contracts.windows import HOUR, Window, first_as_of, utc
from veririsk_assets.pipeline import replay
from veririsk_assets.pipeline.known.outside import Replayed
from veririsk_assets.pipeline.publishing import publish
from veririsk_assets.pipeline.saying.unscored import of_hour
from veririsk_assets.pipeline.status import status
from veririsk_assets.pipeline.step import House
from veririsk_assets.serving.queries import NothingPublished, PublishedFile
from veririsk_assets.settings import Settings
from veririsk_assets.simulation.market import Market
from veririsk_assets.simulation.transport import SimulatedTransport
from veririsk_assets.wire.clock import FixedClock
from veririsk_assets.wire.session import Wire
from veririsk_assets_tests.pipeline.world import Clock, home

MIDNIGHT = utc("2025-03-01")


class LateWorld(Replayed):
    """A simulated market that is asked as live sources are, whenever the house's clock says."""

    def wire(self, as_of: datetime, patience_seconds: float = 0.0, until: datetime | None = None) -> Wire:
        adapter = self.transport(as_of)
        return Wire(FixedClock(self.house.now()), {"https://": adapter, "http://": adapter}, user_agent="test")


def fetched(house: House, clock: Clock, at: datetime) -> list[str]:
    clock.time = at
    market = Market(3, "harder", 8, None)
    world = LateWorld(house, lambda as_of: SimulatedTransport(market, as_of), [])
    window = Window.ending(at.replace(minute=0))
    replay.score_window(house, world, window)
    publish(house)
    return list(of_hour(house, window))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(tmp_path: Path, clock: Clock) -> Iterator[House]:
    opened = home(Settings(home=tmp_path, source="live"), clock)
    yield opened
    opened.close()


def test_a_first_fetch_at_minute_45_says_why_nothing_was_scored_and_when_it_can_be(house: House, clock: Clock) -> None:
    (line,) = fetched(house, clock, MIDNIGHT + timedelta(minutes=45))
    assert line.startswith("Too late for 00:00 UTC, nothing was scored: what is pulled after 00:30 counts from the next hour on.")
    assert line.endswith("Run `veririsk fetch` between 01:00 and 01:30 UTC.")
    with pytest.raises(NothingPublished, match=r"no hour is scored yet: what sources said by 2025-03-01 00:45 UTC counts from 01:00 on"):
        PublishedFile(house.settings.published_file).ranking()
    assert any("run `veririsk fetch` after" in line for line in status(house))
    assert fetched(house, clock, MIDNIGHT + HOUR + timedelta(minutes=5)) == []
    assert len(PublishedFile(house.settings.published_file).ranking())
    assert not any("nothing is scored yet" in line for line in status(house))
    clock.time = MIDNIGHT + HOUR + timedelta(minutes=40)
    (late,) = of_hour(house, Window.ending(MIDNIGHT + HOUR))
    assert "its scores stand on what was pulled before" in late


def test_an_hour_for_which_no_source_gave_a_pool_says_so(house: House, clock: Clock) -> None:
    clock.time = MIDNIGHT + timedelta(minutes=27)
    (line,) = of_hour(house, Window.ending(MIDNIGHT))
    assert line.startswith("Nothing was scored for 00:00 UTC: no source gave a pool that is followed.")


@pytest.mark.parametrize(("minute", "hour"), [(0, 0), (27, 0), (30, 0), (31, 1), (59, 1)])
def test_what_is_pulled_after_the_half_hour_counts_from_the_next_hour_on(minute: int, hour: int) -> None:
    assert first_as_of(MIDNIGHT + timedelta(minutes=minute)) == MIDNIGHT + hour * HOUR
