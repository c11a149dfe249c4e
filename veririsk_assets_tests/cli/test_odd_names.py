"""Names that a terminal or a mark-up would obey: shown as they are, harmless, and found again by what is shown."""

import ast
import unicodedata
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.cells import cell_len
from rich.console import Console

from veririsk_assets.cli.render import show_history, show_prediction, show_pulls, show_ranking
from veririsk_assets.contracts.catalogue import TABLES
from veririsk_assets.contracts.pools import POOL_EXPLANATIONS, POOL_SCORES, POOLS
from veririsk_assets.contracts.windows import Window
from veririsk_assets.lake.catalog import Catalog
from veririsk_assets.lake.lake import Lake
from veririsk_assets.lake.publish import publish
from veririsk_assets.serving.queries import PublishedFile, UnknownEntity, prediction
from veririsk_assets.settings import REPOSITORY_ROOT
from veririsk_assets_tests.conftest import NOW

HOUR = Window.ending("2026-11-01T12:00")
NAMES = (
    "plain", "[/red]", "[bold]vault[/bold]", ":fire:", "\x1b[31mred\x1b[0m", "a\nb", "x" * 200, "\u202egnp.exe", "<!channel>", "=cmd|' /C calc'!A0",
    "東" * 60, "👩\u200d💻", "\u3164", "e" + "\u0301" * 150, "<b>bold</b>",
)  # fmt: skip
LONG = "The yield per year is a sentence that goes on " + "and on " * 40 + "[/red]."
REASON = "[/red] :fire: \x1b]0;owned\x07"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublishedFile]:
    """A pool per odd name, scored one hour, and one without a score for an odd reason."""
    folder = tmp_path_factory.mktemp("published")
    lake = Lake(Catalog(folder, "", str(folder / "data")), TABLES, lambda: NOW)
    about = {"protocol": "p", "chain": "c", "source": "defillama", "first_seen_at": HOUR.as_ofs[0]}
    lake.append(POOLS, pd.DataFrame([about | {"pool_key": i, "pool_id": f"id:{i}", "name": name} for i, name in enumerate(NAMES)]))
    row = dict.fromkeys(POOL_SCORES.names) | {
        "as_of": HOUR.as_ofs[0], "horizon_hours": 24, "tvl_usd": 1e6, "scored_at": HOUR.as_ofs[0], "model_name": "m", "model_version": "1",
        "status": "ok", "lake_snapshot_id": 1,
    }  # fmt: skip
    scores = [row | {"pool_key": i, "risk_score": 90.0 - i, "risk_level": "HIGH"} for i in range(1, len(NAMES))]
    scores.append(row | {"pool_key": 0, "risk_level": "UNKNOWN", "status": "insufficient", "status_reason": REASON})
    lake.replace(POOL_SCORES, pd.DataFrame(scores), HOUR)
    reason = dict.fromkeys(POOL_EXPLANATIONS.names) | {
        "as_of": HOUR.as_ofs[0], "horizon_hours": 24, "head": "crash", "rank": 1, "feature": "apy", "contribution": 1.0,
        "direction": "increases_risk", "sentence": LONG, "method": "linear", "base_value": 0.0, "other_contribution": 0.0,
    }  # fmt: skip
    lake.replace(POOL_EXPLANATIONS, pd.DataFrame([reason | {"pool_key": i} for i in range(1, len(NAMES))]), HOUR)
    yield PublishedFile(publish(lake, folder / "out" / "veririsk.duckdb", 90, 30).path)
    lake.close()


def printed(show: Callable[[Console], None], width: int = 140) -> str:
    file = StringIO()
    show(Console(file=file, width=width, force_terminal=False))
    return file.getvalue()


def ranking(published: PublishedFile, width: int = 140) -> str:
    return printed(lambda out: show_ranking(published, out, None, 24), width)


def cells_of(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if line.startswith("│")]


@pytest.mark.parametrize("width", [60, 80, 140])
def test_a_ranking_obeys_no_name_and_leaves_room_for_score_and_level(published: PublishedFile, width: int) -> None:
    text = ranking(published, width)
    assert not {unicodedata.category(sign) for sign in text if sign != "\n"} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert all(cell_len(line) <= width for line in text.splitlines() if line.startswith("│"))
    rows = cells_of(text)
    assert [(row[1], row[2]) for row in rows] == [(f"{90 - i}", "HIGH") for i in range(1, len(NAMES))]
    # In 60 cells there is no room for a reason.
    assert width == 60 or all(LONG.startswith(row[-1].rstrip("…")) for row in rows)
    assert [row[0] for row in rows[:3]] == ["[/red]", "[bold]vault[/bold]", ":fire:"]


@pytest.mark.parametrize("width", [60, 140])
def test_a_pool_is_found_by_what_the_ranking_shows(published: PublishedFile, width: int) -> None:
    rows = cells_of(ranking(published, width))
    assert [published.entity_id(row[0]) for row in rows] == [f"id:{i}" for i in range(1, len(NAMES))]


def test_a_beginning_that_fits_several_pools_names_their_ids(published: PublishedFile) -> None:
    with pytest.raises(UnknownEntity, match=r"2 pools are shown as '<…'; their ids: id:8, id:14"):
        published.entity_id("<…")


@pytest.mark.parametrize("i", range(len(NAMES)))
def test_a_prediction_and_a_history_begin_with_the_name_and_the_id(published: PublishedFile, i: int) -> None:
    found = prediction(published, f"id:{i}", None)
    shown_name = "plain" if i == 0 else cells_of(ranking(published))[i - 1][0]
    assert printed(lambda out: show_prediction(published, found, out)).startswith(f"{shown_name} (id:{i})")
    assert printed(lambda out: show_history(published, published.history(f"id:{i}"), out)).startswith(f"{shown_name} (id:{i})")


def test_reasons_are_shown_as_they_are(published: PublishedFile) -> None:
    line = "  1 × [/red] :fire: \ufffd]0;owned\ufffd"
    assert line in ranking(published).splitlines()
    assert "[/red] :fire:" in printed(lambda out: show_history(published, published.history("id:0"), out))


def test_what_a_pull_gave_and_refused_is_shown_with_its_reason() -> None:
    from veririsk_assets.pipeline.step import StepResult

    pulled = StepResult(30, 5, True, {"pulled": True, "rows_kept": 0, "reason": REASON}, refused=1)
    whole = StepResult(30, 0, True, {"pulled": True, "rows_kept": 0, "reason": ""})
    assert printed(lambda out: show_pulls({"pools": pulled, "coins": whole}, HOUR, out)).splitlines() == [
        "2026-11-01 12:00 pools: 30 rows, 1 row refused, 4 values refused – [/red] :fire: \ufffd]0;owned\ufffd",
        "2026-11-01 12:00 coins: 30 rows",
    ]


def test_everything_is_printed_by_the_one_place_that_makes_it_harmless() -> None:
    """A string handed to rich is read as mark-up: lines go through `say`, rows through `add_row`, progress has none."""
    found = []
    for path in sorted((REPOSITORY_ROOT / "veririsk_assets").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("print", "add_row"):
                literal = [ast.unparse(argument).startswith("Text.") for argument in node.args]
                found += [] if literal and all(literal) else [(Path(path).name, ast.unparse(node))]
    assert {name for name, _ in found} == {"terminal.py"}, found
