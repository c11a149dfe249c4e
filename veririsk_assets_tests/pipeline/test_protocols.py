"""Protocols from raw to scores: what a day knows, whatever is told later, and whichever way it is computed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from veririsk_assets.contracts.protocols import PROTOCOL_FEATURES, PROTOCOL_SCORES, PROTOCOL_SNAPSHOTS
from veririsk_assets.contracts.raw import DEFILLAMA_PROTOCOLS
from veririsk_assets.contracts.raw_protocols import COINGECKO_COIN_DAYS, DEFILLAMA_TVL_DAYS, DEFILLAMA_VOLUME_DAYS, PROTOCOL_PULLS
from veririsk_assets.contracts.systems import PROTOCOLS
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.pipeline import replay
from veririsk_assets.pipeline.known.features import store_features
from veririsk_assets.pipeline.known.pulls import pull_all
from veririsk_assets.pipeline.known.snapshots import store_snapshots
from veririsk_assets.pipeline.step import House
from veririsk_assets.simulation.protocols import FIRST_DAY
from veririsk_assets.snapshots.protocols import KEPT_DAYS
from veririsk_assets_tests.pipeline import protocol_world
from veririsk_assets_tests.pipeline.protocol_world import DAY, DAYS, days, key_of, lived, market, rows_of, world
from veririsk_assets_tests.pipeline.world import START


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = lived(tmp_path)
    yield opened
    opened.close()


def test_the_past_is_there_from_the_first_day_on_and_is_what_it_was(house: House) -> None:
    protocols, stop = market().protocols, market().protocols.day_of(START) + DAYS + 1
    truth = protocols.tvl_days(stop)
    known = house.lake.read(PROTOCOLS.entities).set_index("protocol_id")["protocol_key"]
    stored = rows_of(house).pivot(index="as_of", columns="protocol_key", values="tvl_usd")
    assert stored.index[0].to_pydatetime() == naive(FIRST_DAY)
    assert len(known) > 25
    for one in protocols.all:
        if one.slug in known.index:
            column = stored[known[one.slug]].reindex([naive(FIRST_DAY + day * DAY) for day in range(stop)])
            is_there = column.notna().to_numpy()
            large = pd.Series(truth[:, one.index] >= house.settings.min_tvl_usd)
            np.testing.assert_array_equal(is_there, large.rolling(KEPT_DAYS + 1, min_periods=1).max() > 0)
            np.testing.assert_allclose(column.to_numpy()[is_there], truth[is_there, one.index], rtol=1e-6)


def test_volume_is_of_the_day_that_ended_and_price_of_the_day_that_begins(house: House) -> None:
    protocols = market().protocols
    one = next(one for one in protocols.all if one.category == "Dexs" and one.coin_id)
    day = protocols.day_of(START) - 40
    truth = protocols.days(day + 1)
    row = rows_of(house, days(-40)).set_index("protocol_key").loc[key_of(house, one.slug)]
    assert row["volume_usd"] == pytest.approx(truth.volume_usd[day - 1, one.index])
    assert row["fees_usd"] == pytest.approx(truth.fees_usd[day - 1, one.index])
    assert row["price_usd"] == pytest.approx(truth.price_usd[day, one.index])
    assert pd.isna(row["chains_count"])


def test_a_day_that_was_told_live_says_so(house: House) -> None:
    live = rows_of(house, days(2, 2))
    assert (live["available_at"] == live["as_of"] + pd.Timedelta(minutes=27)).all()
    assert np.allclose(live["input_age_hours"], 38 / 60)
    assert live["chains_count"].notna().all()
    assert (live["category"] != "").all()
    told_later = rows_of(house, days(-10))
    assert (told_later["available_at"] == told_later["as_of"] + pd.Timedelta(hours=1)).all()
    assert np.allclose(told_later["input_age_hours"], 65 / 60)


def test_what_a_history_says_of_a_day_that_is_not_over_is_never_used(house: House) -> None:
    for table in (DEFILLAMA_TVL_DAYS, COINGECKO_COIN_DAYS):  # its last point is of now, of a day whose beginning it tells too
        assert not house.lake.read(table)["is_provisional"].any()
    sums = house.lake.read(DEFILLAMA_VOLUME_DAYS)
    assert set(sums.loc[sums["is_provisional"], "observed_at"]) == set(sums["pulled_at"].dt.floor("D"))
    told, shown = sums[sums["is_provisional"]], rows_of(house)
    assert not set(told["value_usd"]) & {*shown["volume_usd"], *shown["fees_usd"]}


def test_day_by_day_equals_one_backfill(house: House) -> None:
    window = days(1, DAYS)
    before = [house.lake.read(table, window) for table in (PROTOCOL_SNAPSHOTS, PROTOCOL_FEATURES)]
    for day in window.each():
        store_snapshots(house, PROTOCOLS, day)
        store_features(house, PROTOCOLS, day)
    after = [house.lake.read(table, window) for table in (PROTOCOL_SNAPSHOTS, PROTOCOL_FEATURES)]
    for one, other in zip(before, after, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_nothing_that_is_pulled_later_changes_what_a_day_knew(house: House) -> None:
    window = days(-60, 60 + DAYS - 1)
    known = rows_of(house, window)
    replay.load(house, world(house), Window(START + DAYS * DAY, START + (DAYS + 1) * DAY))
    for part in window.chunks(7):
        store_snapshots(house, PROTOCOLS, part)
    pd.testing.assert_frame_equal(rows_of(house, window), known)


def test_what_was_told_live_stays_whatever_a_history_says_of_it_later(house: House) -> None:
    live = days(2, 2)
    before = rows_of(house, live)
    rows = house.lake.read(DEFILLAMA_TVL_DAYS)
    last = rows[rows["observed_at"] == naive(START - DAY)]
    at = pd.Timestamp(naive(live.end))
    told = last.assign(observed_at=at, available_at=at + pd.Timedelta(hours=1), pulled_at=at + pd.Timedelta(days=9), tvl_usd=1e12)
    house.lake.append(DEFILLAMA_TVL_DAYS, told)
    store_snapshots(house, PROTOCOLS, live)
    pd.testing.assert_frame_equal(rows_of(house, live), before)


def test_a_day_that_nobody_heard_is_filled_by_what_is_told_of_it_later(tmp_path: Path) -> None:
    """The list fails all day; a history that is loaded the day after knows how the day began."""
    house = protocol_world.home(tmp_path)
    hours = Window(START - HOUR, START + DAY)
    pull_all(house, hours, world(house))
    silent = Window(START + DAY, START + 2 * DAY)
    pull_all(house, silent, world(house, lambda path, body: {"error": "down"} if path.startswith("/protocols") else body))
    store_snapshots(house, PROTOCOLS, days(1, 2))
    assert rows_of(house, days(2))["tvl_usd"].isna().all()
    house.lake.append(DEFILLAMA_TVL_DAYS, _told_of(house, START + 2 * DAY))
    store_snapshots(house, PROTOCOLS, days(3))
    filled = rows_of(house, days(2))
    assert filled["tvl_usd"].notna().all()
    house.close()


def _told_of(house: House, day: Any) -> pd.DataFrame:
    """As a history that is pulled nine days later would say how a day began."""
    rows = house.lake.read(DEFILLAMA_TVL_DAYS, where="NOT is_provisional")
    last = rows.sort_values("observed_at").drop_duplicates("protocol_id", keep="last")
    at = pd.Timestamp(naive(day))
    return last.assign(observed_at=at, available_at=at + pd.Timedelta(hours=1), pulled_at=at + pd.Timedelta(days=9))


def test_a_slug_that_is_renamed_is_the_same_protocol_under_its_first_name(house: House) -> None:
    def renamed(path: str, body: Any) -> Any:
        if path.startswith("/protocols"):
            for row in body:
                row["slug"] = f"new-{row['slug']}"
        return body

    known = house.lake.read(PROTOCOLS.entities)
    replay.load(house, world(house, renamed), Window(START + DAYS * DAY, START + (DAYS + 1) * DAY))
    pd.testing.assert_frame_equal(house.lake.read(PROTOCOLS.entities), known)
    newest = rows_of(house, days(DAYS + 1))
    assert set(newest["protocol_key"]) == set(known["protocol_key"])
    assert newest["tvl_usd"].notna().all()
    assert not house.lake.read(DEFILLAMA_TVL_DAYS)["slug"].str.startswith("new-").any()


def test_a_protocol_that_dies_leaves_a_tombstone_for_thirty_days_and_no_score(house: House) -> None:
    slug = "cdp-04"

    def dead(path: str, body: Any) -> Any:
        return [row for row in body if row["slug"] != slug] if path.startswith("/protocols") else body

    replay.load(house, world(house, dead), Window(START + DAYS * DAY, START + (DAYS + 2) * DAY))
    row = rows_of(house, days(DAYS + 2)).set_index("protocol_key").loc[key_of(house, slug)]
    assert bool(row["is_tombstone"])
    assert pd.isna(row["tvl_usd"])
    replay.say(house, PROTOCOLS, days(DAYS + 2))
    score = house.lake.read(PROTOCOL_SCORES, days(DAYS + 2)).set_index("protocol_key").loc[[key_of(house, slug)]]
    assert set(score["status"]) == {"insufficient"}
    assert score["risk_score"].isna().all()
    assert set(score["risk_level"]) == {"UNKNOWN"}


def half_lists(path: str, body: Any) -> Any:
    return body[: len(body) // 2] if path.startswith("/protocols") else body


def test_half_a_list_at_midnight_is_mended_by_the_hour_before_it(house: House) -> None:
    begin = START + DAYS * DAY
    replay.load(house, world(house), Window(begin, begin + DAY - HOUR))
    replay.load(house, world(house, half_lists), Window(begin + DAY - HOUR, begin + DAY))
    rows = rows_of(house, days(DAYS + 1))
    assert rows["tvl_usd"].notna().all()
    assert not rows["is_tombstone"].any()
    assert set(np.round(rows["input_age_hours"] * 60)) == {38, 98}  # of 00:27, or of 23:27


def test_half_a_list_for_two_days_is_a_fault_of_the_source_and_nobody_is_gone(house: House) -> None:
    begin = START + DAYS * DAY
    replay.load(house, world(house, half_lists), Window(begin, begin + 2 * DAY))
    replay.load(house, world(house), Window(begin + 2 * DAY, begin + 3 * DAY))
    for day in (days(DAYS + 1), days(DAYS + 2)):
        short = rows_of(house, day)
        missing = short[short["tvl_usd"].isna()]
        assert 10 < len(missing) < len(short)
        assert not short["is_tombstone"].any()
        assert set(missing["doubt"]) == {"its source's list is cut off that day"}
        replay.say(house, PROTOCOLS, day)
        said = house.lake.read(PROTOCOL_SCORES, day).set_index("protocol_key").loc[missing["protocol_key"]]
        assert said["status_reason"].str.contains("TVL is not known: its source's list is cut off").all()
    assert rows_of(house, days(DAYS + 3))["tvl_usd"].notna().all()


def test_parents_that_merge_move_nothing_of_their_children(house: House) -> None:
    """A parent's own row holds the sum of its children: it is nobody's, whichever parent they have."""

    def merged(path: str, body: Any) -> Any:
        if path.startswith("/protocols"):
            for row in body:
                row["parentProtocol"] = "parent#one"
            body.append(body[0] | {"id": "parent#one", "slug": "one", "tvl": sum(row["tvl"] for row in body)})
        return body

    replay.load(house, world(house, merged), Window(START + DAYS * DAY, START + (DAYS + 1) * DAY))
    newest, before = rows_of(house, days(DAYS + 1)), rows_of(house, days(DAYS))
    assert set(newest["protocol_key"]) == set(before["protocol_key"])
    assert house.lake.read(DEFILLAMA_PROTOCOLS)["protocol_id"].str.startswith("parent#").any()


def test_what_is_no_protocol_of_defi_is_left_out(tmp_path: Path) -> None:
    left_out = {one.slug: ("CEX", "Chain", "Bridge")[one.index % 3] for one in market().protocols.all[::2]}

    def other(path: str, body: Any) -> Any:
        return [row | {"category": left_out.get(row["slug"], row["category"])} for row in body] if path.startswith("/protocols") else body

    house = protocol_world.home(tmp_path)
    replay.load(house, world(house, other), Window(START - HOUR, START + HOUR))
    assert not set(left_out) & set(house.lake.read(PROTOCOLS.entities)["protocol_id"])
    assert len(house.lake.read(PROTOCOLS.entities)) > 10
    house.close()


def test_an_empty_world_gives_no_rows_and_no_error(tmp_path: Path) -> None:
    house = protocol_world.home(tmp_path)
    nothing = world(house, lambda path, body: [] if path.startswith("/protocols") else body)
    replay.load(house, nothing, Window(START - HOUR, START + HOUR))
    assert rows_of(house).empty
    replay.say(house, PROTOCOLS, days(0))
    assert house.lake.read(PROTOCOL_SCORES).empty
    assert not [table.name for table in PROTOCOL_PULLS if len(house.lake.read(table))]  # nobody is there to ask about
    house.close()
