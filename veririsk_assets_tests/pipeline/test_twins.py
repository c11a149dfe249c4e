"""One pool under two ids: published for BI, shown once with both ids, suggested for review, and merged once a person has signed."""

import csv
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from veririsk_assets.cli.render import show_ranking
from veririsk_assets.contracts import pools
from veririsk_assets.contracts.vocabulary import entity_key
from veririsk_assets.contracts.windows import Window, naive
from veririsk_assets.pipeline.known import crosswalk
from veririsk_assets.pipeline.publishing import publish
from veririsk_assets.pipeline.step import House
from veririsk_assets.serving.queries import PublishedFile
from veririsk_assets.settings import Settings
from veririsk_assets.simulation import crosswalk as simulated
from veririsk_assets_tests.lake.rows import snapshot_rows
from veririsk_assets_tests.pipeline.world import home

WEEK = Window.ending("2026-10-31", 168)
# Id, name, chain, score. The first three are one pool; the bridged one has its TVL on another chain.
POOLS = (
    ("eth:0xaa", "FARM / WETH [bold]", "eth", 96.0),
    ("defillama:aa", "farm-eth", "ethereum", 87.0),
    ("univ2:0xaa", "=FARM,\n\"WETH\"", "Ethereum", np.nan),
    ("defillama:bridged", "farm-eth", "polygon", 20.0),
    ("defillama:b", "other", "ethereum", 50.0),
)  # fmt: skip
TWINS = {"eth:0xaa", "defillama:aa", "univ2:0xaa"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = home(Settings(home=tmp_path))
    keys = np.array([entity_key(pool_id) for pool_id, *_ in POOLS])
    order = np.argsort(keys)
    walk = 1e5 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, (168, 2)), axis=0))
    tvl = np.column_stack([walk[:, 0]] * 4 + [walk[:, 1]]) * (1 + 1e-6 * np.arange(5))
    rows = snapshot_rows(WEEK, pools=5).assign(pool_key=np.tile(keys[order], 168), tvl_usd=tvl[:, order].ravel())
    opened.lake.replace(pools.POOL_SNAPSHOTS, rows, WEEK)
    about = [(entity_key(i), i, name, "uniswap-v2", chain, i.split(":")[0], WEEK.as_ofs[0]) for i, name, chain, _ in POOLS]
    opened.lake.append(pools.POOLS, pd.DataFrame(about, columns=pools.POOLS.names))
    opened.lake.replace(pools.POOL_SCORES, scores(keys), Window.ending(WEEK.end))
    yield opened
    opened.close()


def scores(keys: np.ndarray) -> pd.DataFrame:
    known = np.array([score for *_, score in POOLS])
    rows = pd.DataFrame(dict.fromkeys(pools.POOL_SCORES.names), index=range(len(keys)))
    return rows.assign(
        as_of=naive(WEEK.end), pool_key=keys, horizon_hours=24, risk_score=known, risk_level=np.where(known > 65, "HIGH", "LOW"), tvl_usd=1e5,
        model_name="pools", model_version="1", status="ok", scored_at=naive(WEEK.end), lake_snapshot_id=1,
    ).assign(risk_level=lambda r: r["risk_level"].mask(r["risk_score"].isna(), "UNKNOWN"))  # fmt: skip


def shown(house: House) -> str:
    publish(house)
    out = Console(width=200, file=StringIO())
    show_ranking(PublishedFile(Path(house.settings.published_file)), out, None, 24)
    return out.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_each_pair_is_published_in_both_directions(house: House) -> None:
    publish(house)
    rows = PublishedFile(Path(house.settings.published_file)).sql("SELECT * FROM pool_twins")
    assert set(zip(rows["pool_id"], rows["twin_pool_id"], strict=True)) == {(a, b) for a in TWINS for b in TWINS if a != b}
    assert set(rows["compared_hours"]) == set(rows["agreeing_hours"]) == {168}
    assert rows["largest_difference_ratio"].between(1e-7, 3e-6).all()


def test_a_pool_is_ranked_once_by_its_higher_score_with_its_other_ids(house: House) -> None:
    said = shown(house)
    assert "eth:0xaa is probably defillama:aa (farm-eth: 87, HIGH)" in said
    assert "3 of 3 scored pools shown" in said and "Insufficient input: 1 pools" in said
    assert said.index("FARM / WETH") < said.index("other")
    assert " 87 " not in said.split("is probably")[0]


def test_without_scores_there_are_no_twins_and_no_error(tmp_path: Path) -> None:
    empty = home(Settings(home=tmp_path))
    publish(empty)
    assert PublishedFile(Path(empty.settings.published_file)).twins() == {}
    assert crosswalk.as_csv(crosswalk.suggestions(empty)) == ",".join(crosswalk.COLUMNS) + "\n"
    empty.close()


def test_suggestions_are_rows_of_the_crosswalk_that_count_once_they_are_signed(house: House) -> None:
    text = crosswalk.as_csv(crosswalk.suggestions(house))
    rows = list(csv.DictReader(StringIO(text)))
    assert [(row["pool_id"], row["same_as"]) for row in rows] == [("defillama:aa", "eth:0xaa"), ("defillama:aa", "univ2:0xaa")]
    assert all("168 of 168 hours" in row["note"] and "farm-eth (defillama)" in row["note"] for row in rows)
    assert crosswalk.reviewed(text, simulated=False) == {}
    signed = text.replace(",,,", ",2026-11-01,a person,")
    assert crosswalk.reviewed(signed, simulated=False) == {"eth:0xaa": "defillama:aa", "univ2:0xaa": "defillama:aa"}
    assert crosswalk.reviewed(signed, simulated=True) == {}


def test_the_suggestions_have_the_columns_of_the_file() -> None:
    assert crosswalk.COLUMNS == simulated.COLUMNS == tuple(simulated.FILE.read_text().splitlines()[0].split(","))


def test_names_of_names_lead_to_the_last_one_and_never_round_in_a_circle() -> None:
    heading = ",".join(crosswalk.COLUMNS)
    chain = [heading, "b,c,2026-11-01,me,", "a,b,2026-11-01,me,"]
    assert crosswalk.reviewed("\n".join(chain), simulated=False) == {"c": "a", "b": "a"}
    with pytest.raises(ValueError, match="another name of itself"):
        crosswalk.reviewed("\n".join([*chain, "c,a,2026-11-01,me,"]), simulated=False)
