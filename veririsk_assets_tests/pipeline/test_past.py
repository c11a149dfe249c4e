"""Who is asked for a past, and when again: what a host in trouble says is no word about a name."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from veririsk_assets.contracts.raw_protocols import COINGECKO_COIN_DAYS, DEFILLAMA_TVL_DAYS
from veririsk_assets.contracts.windows import HOUR, PULL_DELAY, Window, naive
from veririsk_assets.pipeline.known.outside import Replayed
from veririsk_assets.pipeline.known.past import AGAIN_AFTER, NONE_FOR, Past
from veririsk_assets.pipeline.known.pulls import pull_all
from veririsk_assets.pipeline.step import House
from veririsk_assets.simulation.faults import Fault
from veririsk_assets_tests.pipeline import protocol_world
from veririsk_assets_tests.pipeline.protocol_world import Transport, world
from veririsk_assets_tests.pipeline.world import START

TABLE = DEFILLAMA_TVL_DAYS
NOW = naive(START + PULL_DELAY)


@pytest.fixture
def house(tmp_path: Path) -> Any:
    opened = protocol_world.home(tmp_path)
    yield opened
    opened.close()


def asked(house: House, hour: int, **faults: Fault) -> Counter[str]:
    """What a pull of the hour asked of the hosts, by route."""
    seen: list[Transport] = []

    def transport(as_of: datetime) -> Transport:
        one = Transport(as_of)
        one.faults = faults
        seen.append(one)
        return one

    pull_all(house, Window.ending(START + hour * HOUR), Replayed(house, transport, []))
    return Counter(name for one in seen for name in one.requests_seen)


@pytest.mark.parametrize("kind", ["unauthorized", "plan_only", "server_error", "timeout"])
def test_who_was_not_heard_for_a_host_in_trouble_is_asked_the_next_hour(house: House, kind: str) -> None:
    asked(house, 0, defillama_tvl_days=Fault(kind))  # type: ignore[arg-type]
    assert house.lake.read(TABLE).empty
    assert not house.state.starting_with(f"past/{TABLE.name}/")
    assert asked(house, 1)["defillama_tvl_days"] > 20
    assert house.lake.read(TABLE)["protocol_id"].nunique() > 20


def test_who_has_none_is_asked_once_a_day(house: House) -> None:
    def none(path: str, body: Any) -> Any:
        return body | {"tvl": []} if path.startswith("/protocol/") else body

    pull_all(house, Window.ending(START), world(house, none))
    assert house.lake.read(TABLE).empty
    assert asked(house, 1)["defillama_tvl_days"] == 0
    assert asked(house, 24)["defillama_tvl_days"] > 20
    assert asked(house, 25)["defillama_tvl_days"] == 0


def test_a_mark_of_a_clock_that_was_ahead_says_nothing(house: House) -> None:
    ahead = Past(house, COINGECKO_COIN_DAYS, "coin_id")
    ahead.had_none("one", NOW + timedelta(days=400))
    ahead.told("two", NOW + timedelta(days=400))
    assert Past(house, COINGECKO_COIN_DAYS, "coin_id").due(["one", "two"], NOW, 9) == ["one", "two"]


def test_marks_outlast_the_process_and_end(house: House) -> None:
    first = Past(house, COINGECKO_COIN_DAYS, "coin_id")
    first.had_none("none", NOW)
    first.told("told", NOW)
    later = Past(house, COINGECKO_COIN_DAYS, "coin_id")
    names = ["told", "none", "new"]
    assert later.due(names, NOW + HOUR, 9) == ["new"]
    assert later.due(names, NOW + NONE_FOR, 9) == ["none", "new"]
    assert set(later.due(names, NOW + AGAIN_AFTER, 9)) == set(names)
    assert len(later.due(names, NOW + AGAIN_AFTER, 2)) == 2
