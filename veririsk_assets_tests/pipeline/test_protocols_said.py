"""What is said of protocols and what is watched of them: labels, scores, rewritten pasts, how scores are spread, what is published."""

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
from veririsk_assets.contracts.raw_protocols import DEFILLAMA_TVL_DAYS
from veririsk_assets.contracts.systems import PROTOCOLS
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.labels.protocols import build_labels
from veririsk_assets.panels.retractions import without_spikes
from veririsk_assets.pipeline import replay
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
from veririsk_assets_tests.pipeline.protocol_world import DAY, DAYS, days, key_of, lived, market, world
from veririsk_assets_tests.pipeline.world import START


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = lived(tmp_path)
    yield opened
    opened.close()


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
