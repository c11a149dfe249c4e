"""Promotion, rollback and the gate: one order, aliases that follow, a reason that stays."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from veririsk_assets.contracts import pools
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.windows import HOUR, Window
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.learning.gate import judge
from veririsk_assets.pipeline.learning.promotion import Order, appoint, next_instant, previous
from veririsk_assets.pipeline.saying.shadow import shadow_scores
from veririsk_assets.pipeline.step import House
from veririsk_assets.registry.runs import Training, log_training
from veririsk_assets.registry.versions import CHALLENGER, CHAMPION, get_alias, registered_name, versions
from veririsk_assets.training import fit, walk_forward
from veririsk_assets_tests.pipeline.small_house import FIRST, HORIZON, MARKET, SECOND, add_version, open_house, reign, served, two_versions

NAME = registered_name(POOLS.name, HORIZON)


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two registered versions, the second one the challenger."""
    opened = two_versions(tmp_path_factory.mktemp("home"))
    for version in ("1", "2"):
        folder = champions.folder(opened.settings, POOLS, HORIZON, version)
        assert log_training(opened.settings.tracking_uri, "pools", Training(NAME, folder, pd.DataFrame({"x": [0.5]}))) == version
    opened.close()
    return opened.settings.home


@pytest.fixture
def house(registered: Path, tmp_path: Path) -> Iterator[House]:
    opened = open_house(shutil.copytree(registered, tmp_path / "home"), shadow_hours=5)
    yield opened
    opened.close()


def alias(house: House, name: str) -> str | None:
    return get_alias(house.settings.tracking_uri, NAME, name)


def test_the_gate_asks_for_hours_in_shadow_then_promotes_with_proof(house: House) -> None:
    early = judge(house, POOLS, HORIZON, "2", "1", MARKET.end)
    assert not early.promote
    assert early.reasons[-1] == "0 of 5 hours in shadow"
    shadow_scores(house, POOLS, Window(SECOND, SECOND + 6 * HOUR))
    found = judge(house, POOLS, HORIZON, "2", "1", MARKET.end)
    assert found.promote, found.text
    assert "proven gain over version 1" in found.text
    assert "proven gain over ewma_volatility_7d" in found.text


def test_the_gate_does_not_promote_noise_or_without_enough_events(house: House) -> None:
    assert "no proven gain over version 2" in judge(house, POOLS, HORIZON, "1", "2", MARKET.end).text
    few = judge(house, POOLS, HORIZON, "2", "1", FIRST)
    assert not few.promote
    assert "are needed" in few.text


def test_recipes_that_differ_meet_on_walk_forward_folds_where_history_carries_them(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "recipes not compared on walk-forward folds: 39 days of history" in judge(house, POOLS, HORIZON, "2", "1", MARKET.end).text
    monkeypatch.setattr(walk_forward, "MIN_TEST_DAYS", 5)
    for floor in ("MIN_TRAIN_ROWS", "MIN_TRAIN_EVENTS", "MIN_VALIDATION_EVENTS"):
        monkeypatch.setattr(fit, floor, 5)
    found = judge(house, POOLS, HORIZON, "2", "1", MARKET.end)
    assert "recipes on 3 walk-forward folds" in found.text
    assert found.text.count("proven gain over version 1: AUC within hours") == 2 and " no proven" not in found.text
    assert judge(house, POOLS, HORIZON, "1", "2", MARKET.end).text.count("no proven gain over version 2") == 2


def test_a_challenger_of_the_champion_s_recipe_is_judged_by_its_fresh_rows_alone(house: House) -> None:
    add_version(house, "3", SECOND, served(house, "2"))
    found = judge(house, POOLS, HORIZON, "3", "2", MARKET.end)
    assert "the recipe is that of version 2" in found.text and "walk-forward" not in found.text


def test_the_gate_does_not_see_labels_that_mature_later(house: House) -> None:
    before = judge(house, POOLS, HORIZON, "2", "1", MARKET.end - 240 * HOUR).text
    later = Window(MARKET.end - 264 * HOUR, MARKET.end)
    kept = house.lake.read(pools.POOL_LABELS, later)
    house.lake.replace(pools.POOL_LABELS, kept.assign(crash=1.0 - kept["crash"]), later)
    assert judge(house, POOLS, HORIZON, "2", "1", MARKET.end - 240 * HOUR).text == before


def test_orders_that_cannot_be_are_refused(house: House) -> None:
    for order, words in (
        (Order(POOLS, HORIZON, "promote", MARKET.end, "9"), "no version 9 of pools, 24 h; known: 1, 2"),
        (Order(POOLS, HORIZON, "promote", FIRST, "2"), "it cannot serve from"),
        (Order(POOLS, HORIZON, "crown", MARKET.end, "2"), "an action is one of judge, promote, rollback"),
    ):
        with pytest.raises(ValueError, match=words):
            appoint(house, order)
    assert champions.line_up(house, POOLS, HORIZON).newest == champions.Pair("1", "2")


def test_promotion_and_rollback_move_champion_aliases_and_tags(house: House) -> None:
    start = next_instant(house, POOLS)
    assert start == MARKET.end
    shadow_scores(house, POOLS, Window(SECOND, SECOND + 6 * HOUR))
    done = appoint(house, Order(POOLS, HORIZON, "judge", start))
    assert (done.changed, done.metadata["champion"]) == (True, "2")
    assert (alias(house, CHAMPION), alias(house, CHALLENGER)) == ("2", None)
    assert champions.line_up(house, POOLS, HORIZON).at(start - HOUR).champion == "1"
    assert not appoint(house, Order(POOLS, HORIZON, "promote", start, "2")).changed

    back = appoint(house, Order(POOLS, HORIZON, "rollback", start + HOUR, reason="too loud"))
    assert back.metadata["champion"] == "1"
    assert alias(house, CHAMPION) == "1"
    tags = {one.version: one.tags for one in versions(house.settings.tracking_uri, NAME)}
    assert "too loud" in tags["1"]["rolled_back_to"]
    assert "proven gain" in tags["2"]["promoted"]

    further = appoint(house, Order(POOLS, HORIZON, "rollback", start + 2 * HOUR))
    assert further.metadata["champion"] == champions.NO_MODEL
    assert alias(house, CHAMPION) is None
    by_hand = appoint(house, Order(POOLS, HORIZON, "promote", start + 3 * HOUR, "1", "we know better"))
    assert by_hand.metadata["verdict"].startswith("we know better; the gate: not promoted")


def test_a_rollback_undoes_promotions_one_by_one(house: House) -> None:
    late = MARKET.end + 100 * HOUR
    for hour, version, action in ((0, "1", "promote"), (1, "2", "promote"), (2, "3", "promote"), (3, "2", "rollback")):
        reign(house, version, late + hour * HOUR, action)
    assert [previous(house, POOLS, HORIZON, late + hour * HOUR) for hour in range(4)] == ["rule", "1", "2", "1"]


def test_a_version_that_left_home_is_fetched_from_the_registry(house: House, tmp_path: Path) -> None:
    folder = champions.folder(house.settings, POOLS, HORIZON, "2")
    folder.rename(tmp_path / "away")
    appoint(house, Order(POOLS, HORIZON, "promote", MARKET.end + 200 * HOUR, "2"))
    assert (folder / "artefact.json").read_text() == (tmp_path / "away" / "artefact.json").read_text()
