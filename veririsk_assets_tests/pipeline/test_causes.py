"""The cause split from a version's companion to the published file, and a home from before it."""

from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from veririsk_assets.cli.render import show_prediction, split
from veririsk_assets.contracts import monitoring, pools
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.windows import HOUR, Window
from veririsk_assets.models.two_heads import TwoHeads
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.publishing import publish
from veririsk_assets.pipeline.saying.explanations import store_explanations
from veririsk_assets.pipeline.saying.scores import store_scores
from veririsk_assets.pipeline.saying.shadow import shadow_scores
from veririsk_assets.pipeline.step import House
from veririsk_assets.serving.queries import NothingPublished, PublishedFile, prediction
from veririsk_assets_tests.pipeline.small_house import FIRST, HORIZON, KEYS, NOW, SECOND, add_version, fill, open_house, reign, served

NAMES = ("volatility_24h", "hours_since_burn_5pct")
WITHOUT, WITH = Window(FIRST, FIRST + 3 * HOUR), Window(SECOND, SECOND + 3 * HOUR)


def two_heads() -> dict[str, Any]:
    """What a companion has of its own. Made rows: volatility brings price falls, a recent burn takes liquidity."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3_000, 2)).astype(np.float32)
    causes = (rng.random((3_000, 2)) < 1 / (1 + np.exp(2 - 2 * x * (1, -1)))).astype(float)
    y = np.column_stack([causes.max(axis=1), causes])
    return {"name": "two_heads", "features": NAMES, "model": TwoHeads([1], trees=30).fit(x, y, (x, y))}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Version 1 came before the heads, version 2 carries them; half of the pools know their LP supply."""
    opened = open_house(tmp_path_factory.mktemp("home"))
    fill(opened)
    features = opened.lake.read(pools.POOL_FEATURES, WITH)
    known = features["pool_key"].isin(KEYS[:6])
    opened.lake.replace(pools.POOL_FEATURES, features.assign(hours_since_burn_5pct=np.where(known, 1.0, np.nan)), WITH)
    names = {"pool_key": KEYS, "pool_id": [f"test:{i}" for i in range(12)], "name": [f"p{i}" for i in range(12)]}
    about = {"protocol": "x", "chain": "x", "source": "x", "first_seen_at": features["as_of"].iloc[0]}
    opened.lake.append(pools.POOLS, features.head(12)[[]].assign(**names, **about))
    add_version(opened, "1", FIRST, served(opened, "1"))
    add_version(opened, "2", SECOND, replace(served(opened, "2"), companion=replace(served(opened, "2"), **two_heads())))
    reign(opened, "1", FIRST)
    reign(opened, "2", SECOND)
    for window in (WITHOUT, WITH):
        store_scores(opened, POOLS, window)
        store_explanations(opened, POOLS, window)
        shadow_scores(opened, POOLS, window)
    publish(opened)
    yield opened
    opened.close()


def scores(house: House, window: Window):  # type: ignore[no-untyped-def]
    return house.lake.read(pools.POOL_SCORES, window, where=f"horizon_hours = {HORIZON}").set_index("pool_key")


def test_every_score_says_what_is_known_of_its_cause(house: House) -> None:
    before, now = scores(house, WITHOUT), scores(house, WITH)
    assert before[["price_fall_probability", "liquidity_fall_probability"]].isna().all(axis=None)
    assert set(before["cause_note"]) == {"no cause model in version 1"}
    assert now["price_fall_probability"].between(0, 1).all()
    knows = now.index.isin(KEYS[:6])
    np.testing.assert_array_equal(now["liquidity_fall_probability"].notna(), knows)
    np.testing.assert_array_equal(now["cause_note"].isna(), knows)
    rule = house.lake.read(pools.POOL_SCORES, WITH, where="horizon_hours = 6")
    assert set(rule["cause_note"]) == {"rule only"}


def test_each_head_that_spoke_gives_its_reasons(house: House) -> None:
    reasons = house.lake.read(pools.POOL_EXPLANATIONS, WITH, where=f"horizon_hours = {HORIZON}")
    counts = reasons.groupby(["head", "pool_key"]).size().unstack("head")
    assert (counts["crash"] == 2 * 3).all()  # the model has two features
    assert (counts["price_fall"] == 3).all()  # it does not look at the second one, which is no reason then
    assert set(counts.index[counts["liquidity_fall"].notna()]) == set(KEYS[:6])
    assert set(reasons.loc[reasons["head"] == "price_fall", "feature"]) == {NAMES[0]}


def test_a_shadow_needs_no_heads(house: House) -> None:
    assert "price_fall_probability" not in monitoring.SHADOW_SCORES.names


def test_the_published_file_and_the_command_show_the_split(house: House) -> None:
    published, out = PublishedFile(house.settings.published_file), Console(width=140, record=True, file=StringIO())
    rows = published.sql("SELECT * FROM pool_risk_history WHERE as_of = ? AND horizon_hours = 24 ORDER BY name", WITH.as_of)
    assert split(rows.iloc[0].to_dict(), POOLS.causes).startswith("price fall ")
    assert set(published.sql("SELECT DISTINCT head FROM pool_risk_reasons")["head"]) == {"crash", "price_fall", "liquidity_fall"}
    score = published.score("test:0", WITH.as_of)
    assert set(published.reasons("test:0", score["as_of"], head="liquidity_fall")["head"]) == {"liquidity_fall"}
    show_prediction(published, prediction(published, "test:0", WITH.as_of), out)
    assert f"  {split(score, POOLS.causes)}" in out.export_text().splitlines()


@pytest.mark.parametrize(
    ("price", "liquidity", "note", "line"),
    [
        (0.041, 0.009, None, "price fall 4 %, liquidity fall below 1 %"),
        (0.041, np.nan, "LP supply is not known", "price fall 4 %, liquidity fall not known (LP supply is not known)"),
        (np.nan, np.nan, "rule only", "price fall and liquidity fall are not known: rule only"),
    ],
)
def test_the_split_is_one_line(price: float, liquidity: float, note: str | None, line: str) -> None:
    assert split({"price_fall_probability": price, "liquidity_fall_probability": liquidity, "cause_note": note}, POOLS.causes) == line


def test_a_home_from_before_the_heads_opens_and_serves(house: House, tmp_path: Path) -> None:
    older = open_house(tmp_path)
    fill(older)
    add_version(older, "1", FIRST, served(older, "1"))
    reign(older, "1", FIRST)
    store_scores(older, POOLS, WITHOUT)
    store_explanations(older, POOLS, WITHOUT)
    lost = (
        ("scores", "price_fall_probability"),
        ("scores", "liquidity_fall_probability"),
        ("scores", "cause_note"),
        ("explanations", "head"),
    )
    for stage, column in lost:
        older.lake.commit(lambda cursor, s=stage, c=column: cursor.execute(f"ALTER TABLE lake.{s}.hourly_pools DROP COLUMN {c}"))
    older.close()
    again = House.open(older.settings, lambda: NOW, read_only=True)
    assert set(again.lake.read(pools.POOL_EXPLANATIONS, WITHOUT)["head"]) == {"crash"}
    assert again.lake.read(pools.POOL_SCORES, WITHOUT)["cause_note"].isna().all()
    again.close()
    again = House.open(older.settings, lambda: NOW)
    store_scores(again, POOLS, WITH)
    store_explanations(again, POOLS, WITH)
    assert set(scores(again, WITH)["cause_note"]) == {"no cause model in version 1"}
    again.close()


def test_a_published_file_of_another_version_says_what_to_do(house: House) -> None:
    published = PublishedFile(house.settings.published_file)
    with pytest.raises(NothingPublished, match="run `veririsk publish` first"):
        published.sql("SELECT mood FROM pool_risk_latest")


def test_the_companion_lies_in_the_version_s_folder(house: House) -> None:
    assert (champions.folder(house.settings, POOLS, HORIZON, "2") / "causes" / "artefact.json").exists()
