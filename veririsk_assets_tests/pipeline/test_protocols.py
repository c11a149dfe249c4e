"""Protocols from raw to scores: what a day knows, whatever is told later, and whichever way it is computed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import numpy as np
import pandas as pd
import pytest

from veririsk_assets.contracts.protocol_monitoring import RESTATEMENTS, SCORE_DISTRIBUTION
from veririsk_assets.contracts.protocols import PROTOCOL_FEATURES, PROTOCOL_LABELS, PROTOCOL_SCORES, PROTOCOL_SNAPSHOTS
from veririsk_assets.contracts.raw import DEFILLAMA_PROTOCOLS
from veririsk_assets.contracts.raw_protocols import COINGECKO_COIN_DAYS, DEFILLAMA_TVL_DAYS, DEFILLAMA_VOLUME_DAYS, PROTOCOL_PULLS
from veririsk_assets.contracts.systems import PROTOCOLS
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.labels.protocols import build_labels
from veririsk_assets.panels.retractions import without_spikes
from veririsk_assets.pipeline import replay
from veririsk_assets.pipeline.known.features import store_features
from veririsk_assets.pipeline.known.pulls import pull_all
from veririsk_assets.pipeline.known.snapshots import store_snapshots
from veririsk_assets.pipeline.learning.labels import store_labels
from veririsk_assets.pipeline.publishing import publish
from veririsk_assets.pipeline.saying.protocol_watch import store_restatements
from veririsk_assets.pipeline.saying.rescore import replay_score
from veririsk_assets.pipeline.step import House
from veririsk_assets.pipeline.systems import bound
from veririsk_assets.serving.queries import PublishedFile, prediction
from veririsk_assets.simulation.protocols import FIRST_DAY
from veririsk_assets.snapshots.protocols import KEPT_DAYS
from veririsk_assets_tests.pipeline import protocol_world
from veririsk_assets_tests.pipeline.protocol_world import DAY, DAYS, days, lived, market, world
from veririsk_assets_tests.pipeline.world import START


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = lived(tmp_path)
    yield opened
    opened.close()


def rows_of(house: House, window: Window | None = None) -> pd.DataFrame:
    return house.lake.read(PROTOCOL_SNAPSHOTS, window)


def key_of(house: House, slug: str) -> int:
    known = house.lake.read(PROTOCOLS.entities)
    return int(known.loc[known["protocol_id"] == slug, "protocol_key"].iloc[0])


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


def test_labels_wait_for_what_may_be_taken_back_and_are_those_of_the_formula(house: House) -> None:
    whole = days(-200, 200 + DAYS)
    store_labels(house, PROTOCOLS, whole, START + DAYS * DAY)
    rows = house.lake.read(PROTOCOL_LABELS)
    assert (rows["matured_at"] == rows["as_of"] + pd.to_timedelta(rows["horizon_hours"] + 72, unit="h")).all()
    assert rows["matured_at"].max() <= naive(START + DAYS * DAY)
    # The first call takes in the whole past, however short its window.
    assert rows["as_of"].min() == pd.Timestamp(naive(FIRST_DAY))
    span = Window(FIRST_DAY - DAY, START + DAYS * DAY, 24)
    panel = house.lake.panel(PROTOCOL_SNAPSHOTS, ["tvl_usd"], span)
    panel.values["tvl_usd"] = without_spikes(panel["tvl_usd"])
    truth = build_labels(panel, 7, span.steps - 7)
    expected = truth.frame("protocol_key", ~np.isnan(truth["crash"]))
    weekly = rows[rows["horizon_hours"] == 168].merge(expected, on=["as_of", "protocol_key"], suffixes=("", "_true"))
    assert len(weekly) > 5_000
    assert weekly["crash"].sum() > 50
    np.testing.assert_array_equal(weekly["crash"], weekly["crash_true"])


def test_a_score_is_replayed_from_raw(house: House) -> None:
    replay.say(house, PROTOCOLS, days(2, 2))
    for slug in ("cdp-04", "aave-v3"):
        for again in replay_score(house, PROTOCOLS, slug, START + 2 * DAY, PROTOCOLS.horizons):
            assert again.is_same, (again.differences, again.remarks)


def test_an_empty_world_gives_no_rows_and_no_error(tmp_path: Path) -> None:
    house = protocol_world.home(tmp_path)
    nothing = world(house, lambda path, body: [] if path.startswith("/protocols") else body)
    replay.load(house, nothing, Window(START - HOUR, START + HOUR))
    assert rows_of(house).empty
    replay.say(house, PROTOCOLS, days(0))
    assert house.lake.read(PROTOCOL_SCORES).empty
    assert not [table.name for table in PROTOCOL_PULLS if len(house.lake.read(table))]  # nobody is there to ask about
    house.close()


def test_every_feature_has_a_sentence_with_a_reason() -> None:
    phrases = bound(PROTOCOLS).phrases
    assert set(phrases) == {column.name for column in PROTOCOL_FEATURES.columns} - {"as_of", "protocol_key"}
    assert all(phrase.why for phrase in phrases.values())


def test_a_history_that_is_rewritten_is_told_and_changes_nothing_that_was_said(house: House) -> None:
    """A month later the adapter is mended: days before it are said 20 % higher, one day by 1 %, and a day that was told live by half."""
    later = START + 31 * DAY
    one = next(one for one in market().protocols.all if one.coin_id and one.slug == "cdp-04")
    mended, little, live = (naive(START + days * DAY) for days in (-50, -20, 3))

    def rewritten(path: str, body: Any) -> Any:
        if path == f"/protocol/{one.slug}":
            for point in body["tvl"]:
                at = pd.Timestamp(point["date"], unit="s")
                point["totalLiquidityUSD"] *= 1.2 if at <= mended else 1.01 if at == little else 0.5 if at == live else 1.0
        return body

    replay.say(house, PROTOCOLS, days(2, 2))
    before = house.lake.read(PROTOCOL_SNAPSHOTS)
    pull_all(house, Window(later - HOUR, later + HOUR), world(house, rewritten))
    day = Window.ending(later, step_hours=24)
    assert store_restatements(house, day).rows
    rows = house.lake.read(RESTATEMENTS, day)
    key = key_of(house, one.slug)
    assert set(rows["protocol_key"]) == {key}
    assert set(rows["observed_at"]) == {
        *before.loc[(before["protocol_key"] == key) & (before["as_of"] <= mended), "as_of"],
        pd.Timestamp(live),
    }
    ratio = rows.set_index("observed_at")["change_ratio"]
    assert ratio.drop(live).to_numpy() == pytest.approx(0.2)
    assert ratio[live] == pytest.approx(-0.5)
    both = house.lake.read(DEFILLAMA_TVL_DAYS, where="protocol_id = ? AND observed_at = ?", parameters=[one.id, mended])
    assert both["pulled_at"].nunique() == len(both) == 2
    store_snapshots(house, PROTOCOLS, days(-60, 61 + DAYS))
    pd.testing.assert_frame_equal(
        house.lake.read(PROTOCOL_SNAPSHOTS, days(-60, 61 + DAYS)), before[before["as_of"] > naive(days(-60).start)].reset_index(drop=True)
    )
    for again in replay_score(house, PROTOCOLS, one.slug, START + 3 * DAY, PROTOCOLS.horizons):
        assert again.is_same, again.differences


def test_how_scores_are_spread_is_counted_beside_the_day_before(house: House) -> None:
    for day in days(2, 2).each():
        replay.say(house, PROTOCOLS, day)
    rows, scores = house.lake.read(SCORE_DISTRIBUTION, days(3)), house.lake.read(PROTOCOL_SCORES, days(3))
    before = house.lake.read(PROTOCOL_SCORES, days(2))
    for part in ("all", "category", "chain"):
        of = rows[rows["part"] == part]
        assert (of["protocols_count"].sum(), of["day_before_count"].sum()) == (len(scores), len(before))
    everyone = rows[(rows["part"] == "all") & (rows["horizon_hours"] == 168)].set_index("risk_level")["protocols_count"]
    assert everyone[everyone > 0].to_dict() == scores.loc[scores["horizon_hours"] == 168, "risk_level"].value_counts().to_dict()


def test_the_documentations_own_table_is_published(house: House) -> None:
    replay.say(house, PROTOCOLS, days(2, 2))
    with duckdb.connect(str(publish(house).path), read_only=True) as connection:
        rows = connection.execute("SELECT * FROM risk_scores").df()
        features = connection.execute("SELECT * FROM protocol_features_latest").df().set_index("protocol_id")
    scores = house.lake.read(PROTOCOL_SCORES)
    assert len(rows) == len(scores) == rows["id"].nunique()
    assert all(UUID(one) for one in rows["id"])
    newest = rows[(rows["timestamp"] == rows["timestamp"].max()) & (rows["horizon_hours"] == 168)].set_index("protocol_id")
    wildest = ((features["tvl_vol_30"] + features["price_vol_30"]) / 2).idxmax()
    assert newest["volatility_score"].idxmax() == wildest
    assert newest.loc[wildest, "volatility_score"] == 1.0
    assert newest["liquidity_score"].idxmax() == features["liquidity_ratio_30"].idxmin()
    assert newest.loc["aave-v3", "volatility_score"] != newest.loc["aave-v3", "volatility_score"]  # it has no token: not known
    assert set(rows["risk_level"]) <= {"low", "medium", "high", "unknown"}
    assert rows["risk_score"].dropna().between(0, 1).all()
    told = prediction(PublishedFile(Path(house.settings.published_file), PROTOCOLS), "cdp-04", None)
    assert (told["protocol_id"], told["prediction_horizon"], told["confidence"]) == ("cdp-04", "168h", None)  # the rule has no probability
    assert (told["status"], told["probability"]) == ("ok", None)
    assert told["features"]["tvl_vol_30"] == pytest.approx(features.loc["cdp-04", "tvl_vol_30"], rel=1e-4)
    drivers = told["explanation"]["key_risk_drivers"]
    assert told["explanation"]["method"] == "rule"
    assert set(drivers[0]) == {"feature", "value", "importance", "direction", "interpretation"}
    assert [one["importance"] for one in drivers] == sorted((one["importance"] for one in drivers), reverse=True)
