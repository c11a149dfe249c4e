"""Live pools on the grid hour by hour: chosen by their own cut-off, kept through a fall, never taken off once published."""

from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from veririsk_assets.contracts import pools, raw
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.windows import HOUR, Window, naive, utc
from veririsk_assets.pipeline.known.features import recompute
from veririsk_assets.pipeline.known.snapshots import store_snapshots
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings

START = utc("2026-03-01T00:00")
Tvl = float | None


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House.open(Settings(home=tmp_path, source="live", min_tvl_usd=1e6), lambda: START + 2000 * HOUR, run_id="test")


def pulled(house: House, hour: int, tvl: dict[str, Tvl], project: str = "x", held: float | None = None) -> None:
    """What DeFiLlama says 27 minutes after an hour: pools by name, None for a value it does not give."""
    stamp = pd.Timestamp(naive(START + hour * HOUR)) + pd.Timedelta(minutes=27)
    about = {
        "source": "defillama",
        "endpoint": "/pools",
        "pulled_at": stamp,
        "available_at": stamp,
        "observed_at": pd.NaT,
        "observed_kind": "none",
        "payload_hash": "x",
    }
    rows = pd.DataFrame(
        [about | {"pool": name, "chain": "Base", "project": project, "symbol": "A-B", "tvl_usd": value} for name, value in tvl.items()]
    )
    house.lake.append(raw.DEFILLAMA_POOLS, rows.reindex(columns=raw.DEFILLAMA_POOLS.names))
    if held is not None:
        protocol = pd.DataFrame([about | {"protocol_id": "1", "slug": project, "tvl_usd": held, "held_usd": held}])
        house.lake.append(raw.DEFILLAMA_PROTOCOLS, protocol.reindex(columns=raw.DEFILLAMA_PROTOCOLS.names))


def hours(first: int, last: int) -> Window:
    return Window(START + (first - 1) * HOUR, START + last * HOUR)


def on_grid(house: House, hour: int) -> dict[str, Tvl]:
    rows = house.lake.read(pools.POOL_SNAPSHOTS, hours(hour, hour))
    names = house.lake.read(pools.POOLS).set_index("pool_key")["pool_id"].str.removeprefix("defillama:")
    return {names[key]: None if value != value else value for key, value in zip(rows["pool_key"], rows["tvl_usd"], strict=True)}


def doubts(house: House, hour: int) -> set[str]:
    return set(house.lake.read(pools.POOL_SNAPSHOTS, hours(hour, hour))["doubt"].dropna())


def live(house: House, hour: int, tvl: dict[str, Tvl], **about: object) -> dict[str, Tvl]:
    pulled(house, hour, tvl, **about)  # type: ignore[arg-type]
    store_snapshots(house, POOLS, hours(hour, hour))
    return on_grid(house, hour)


def test_a_pool_enters_at_the_floor_and_stays_through_its_fall(house: House) -> None:
    assert live(house, 1, {"big": 12e6, "small": 9e5}) == {"big": 12e6}
    assert live(house, 2, {"big": 4e5, "small": 9e5}) == {"big": 4e5}
    assert live(house, 3, {"big": 0.0, "small": 1e6}) == {"big": 0.0, "small": 1e6}


def test_a_pool_stays_for_30_days_below_the_floor_and_then_leaves(house: House) -> None:
    live(house, 1, {"big": 12e6, "other": 5e6})
    live(house, 2, {"big": 4e5, "other": 5e6})
    for day in (1, 8, 16, 29, 30):
        seen = live(house, 1 + 24 * day, {"big": 4e5, "other": 5e6})
        assert "big" in seen
    assert "big" not in live(house, 1 + 24 * 30 + 1, {"big": 4e5, "other": 5e6})
    assert "big" not in live(house, 1 + 24 * 30 + 2, {"big": 9e5, "other": 5e6})


def test_hours_that_were_lost_do_not_end_the_following(house: House) -> None:
    live(house, 1, {"big": 12e6})
    assert live(house, 9, {"big": 4e5}) == {"big": 4e5}


def test_a_refused_tvl_is_unknown_and_a_pool_that_is_gone_is_a_tombstone(house: House) -> None:
    every = {f"p{i}": 2e6 for i in range(20)}
    live(house, 1, every)
    for hour in range(2, 9):
        live(house, hour, {name: value for name, value in every.items() if name != "p1"} | {"p0": None})
    rows = house.lake.read(pools.POOL_SNAPSHOTS, hours(8, 8))
    unknown = rows[rows["tvl_usd"].isna()].sort_values("is_tombstone")
    assert unknown["is_tombstone"].tolist() == [False, True]
    assert unknown["doubt"].iloc[0] == "its source gave no usable value"


def test_half_a_list_is_a_fault_of_its_source_and_nothing_is_gone(house: House) -> None:
    every = {f"p{i:02}": 2e6 for i in range(20)}
    for hour in range(1, 4):
        live(house, hour, every)
    for hour in range(4, 12):
        seen = live(house, hour, dict(list(every.items())[::2]))
        assert set(seen) == set(every) and doubts(house, hour) == {"defillama names 10 of its usual 20 pools"}
    assert not house.lake.read(pools.POOL_SNAPSHOTS)["is_tombstone"].any()
    assert live(house, 12, every) == every and doubts(house, 12) == set()


def test_zeros_for_half_of_a_list_are_no_values(house: House) -> None:
    every = {f"p{i:02}": 2e6 for i in range(20)}
    for hour in range(1, 4):
        live(house, hour, every)
    seen = live(house, 4, {name: 0.0 if i % 2 else 2e6 for i, name in enumerate(every)})
    assert sorted(seen.values(), key=str) == [2e6] * 10 + [None] * 10


def test_a_source_that_is_silent_for_days_does_not_lose_its_pools(house: House) -> None:
    live(house, 1, {"a": 2e6, "b": 3e6})
    for hour in (30, 55, 80, 300):
        store_snapshots(house, POOLS, hours(hour, hour))
        assert on_grid(house, hour) == {"a": None, "b": None}
    assert live(house, 301, {"a": 2e6, "b": 3e6}) == {"a": 2e6, "b": 3e6}
    assert not house.lake.read(pools.POOL_SNAPSHOTS)["is_tombstone"].any()


def test_a_pool_that_claims_more_than_its_protocol_has_no_tvl_and_does_not_enter(house: House) -> None:
    live(house, 1, {"honest": 2e6, "spoofed": 5e5}, held=1.3e8)
    seen = live(house, 2, {"honest": 2e6, "spoofed": 3.14e10, "known": 2e6}, held=1.3e8)
    assert seen == {"honest": 2e6, "known": 2e6}
    assert live(house, 3, {"honest": 2e6, "known": 3.14e10}, held=1.3e8) == {"honest": 2e6, "known": None}
    assert doubts(house, 3) == {"it says 31,400,000,000 USD, its whole protocol holds 130,000,000"}


def test_a_range_of_past_hours_is_chosen_hour_by_hour_and_takes_nothing_off(house: House) -> None:
    says = [{"big": 12e6, "late": 5e5}] * 3 + [{"big": 4e5, "late": 5e5}] * 2 + [{"big": 4e5, "late": 7e6}] * 2
    singly = [live(house, hour, said) for hour, said in enumerate(says, start=1)]
    before = house.lake.read(pools.POOL_SNAPSHOTS)
    store_snapshots(house, POOLS, hours(1, len(says)))
    assert [on_grid(house, hour) for hour in range(1, len(says) + 1)] == singly
    assert not any("late" in seen for seen in singly[:5])
    stricter = House(house.settings.model_copy(update={"min_tvl_usd": 1e8}), house.lake, house.state, house.now)
    store_snapshots(stricter, POOLS, hours(1, len(says)))
    assert len(house.lake.read(pools.POOL_SNAPSHOTS)) == len(before)


def test_a_jump_is_suspect_until_it_is_taken_back_and_hour_by_hour_equals_a_range(house: House) -> None:
    for hour, tvl in enumerate((2e6, 2e6, 3e5, 3e5, 2.1e6, 2e6), start=1):
        live(house, hour, {"a": tvl, "b": 5e6})
    keep = ["as_of", "is_suspect", "taken_back_hours", "doubt"]
    rows = house.lake.read(pools.POOL_SNAPSHOTS, where="tvl_usd < 4e6")[keep]
    assert rows["is_suspect"].tolist() == [False, False, True, True, False, False]
    assert rows["taken_back_hours"].tolist() == [0, 0, 0, 0, 2, 0]
    assert rows["doubt"].iloc[2] == "TVL went from 2,000,000 to 300,000 USD and nothing else supports it"
    recompute(house, POOLS, hours(1, 6))
    pd.testing.assert_frame_equal(house.lake.read(pools.POOL_SNAPSHOTS, where="tvl_usd < 4e6")[keep], rows)


def test_recompute_takes_in_rows_that_came_too_late_and_leaves_scores(house: House) -> None:
    live(house, 1, {"a": 2e6})
    for hour in (60, 61):
        live(house, hour, {"a": 3e6})
    pulled(house, 2, {"a": 2.5e6})
    store_snapshots(house, POOLS, hours(61, 61))
    late: datetime = START + 2 * HOUR
    assert house.lake.read(pools.POOL_SNAPSHOTS, Window.ending(late)).empty
    done = recompute(house, POOLS, hours(1, 3))
    assert done.rows and on_grid(house, 2) == {"a": 2.5e6}
    assert house.lake.read(pools.POOL_SCORES).empty
