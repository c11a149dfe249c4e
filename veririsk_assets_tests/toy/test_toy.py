"""A second system from raw to published without an edit to a shared module: three lanterns by the day beside pools by the hour."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

DAY = "2026-04-04"


def python(module: str, *arguments: str, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({"VERIRISK_HOME": str(home), "VERIRISK_SOURCE": "simulated"} if home else {})
    command = [sys.executable, "-W", "ignore", "-m", f"veririsk_assets_tests.toy.{module}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("toy")


@pytest.fixture(scope="module")
def made(home: Path) -> dict[str, Any]:
    done = python("run", str(home))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_it_is_known_learnt_judged_and_said(made: dict[str, Any]) -> None:
    assert made["counts"] == {
        f"{stage}/daily_lanterns": count
        for stage, count in {"snapshots": 3570, "features": 3570, "labels": 3555, "scores": 867, "explanations": 867}.items()
    }
    first, second = made["trained"]
    assert first.startswith("promoted: ")
    assert second.startswith("not promoted: challenger of version 1, which serves")
    assert "glow_change_3d" in made["gate"]
    assert "hours in shadow" in made["gate"]
    assert made["shared"] == {
        "models.versions": 3, "models.champions": 2, "models.calibration_shifts": made["shared"]["models.calibration_shifts"],
        "monitoring.shadow_scores": 3 * (239 + 1), "monitoring.performance": 2,
    }  # fmt: skip
    assert made["shared"]["models.calibration_shifts"] >= 2 * 5
    assert (made["versions"], made["status"]) == (["2"], ["ok"])


def test_a_score_of_it_is_replayed_from_raw(made: dict[str, Any], home: Path) -> None:
    assert made["replayed_same"], made["differences"]
    done = python("registered", "replay", "amber", "--as-of", "2026-04-05", "--system", "lanterns", home=home)
    assert "equals what was published" in done.stdout, done.stderr


def test_pools_beside_it_are_scored_as_ever(made: dict[str, Any]) -> None:
    assert made["row_counts"]["pool_risk_latest"] == 16
    assert made["row_counts"]["lantern_risk_latest"] == 3


def test_the_published_file_has_its_tables_with_its_own_words(made: dict[str, Any]) -> None:
    with duckdb.connect(made["published"], read_only=True) as connection:
        rows = connection.execute("SELECT lantern_id, risk_level, glow, model_version FROM lantern_risk_latest ORDER BY 1").fetchall()
        sentence = connection.execute(
            "SELECT sentence FROM lantern_risk_reasons WHERE lantern_id = 'amber' ORDER BY as_of DESC LIMIT 1"
        ).fetchall()[0][0]
    assert [row[0] for row in rows] == ["amber", "brass", "coral"]
    assert sentence.startswith("Glow ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rank",), "Risk of a 20 % dimming within 72 h"),
        (("predict", "amber"), "amber (amber), 72 h from 2026-04-05T00:00:00Z"),
        (("predict", "amber", "--json"), '"lantern_id": "amber"'),
        (("history", "coral"), "glow, lux"),
        (("models", "list"), "line"),
        (("models", "compare", "1", "2"), "both have scored"),
        (("predict", "nobody"), "no published lantern has the id or name 'nobody'"),
        (("rank", "--horizon", "24"), "there is no horizon of 24 hours: known are 72"),
    ],
)
def test_every_command_knows_it(made: dict[str, Any], home: Path, arguments: tuple[str, ...], said: str) -> None:
    done = python("registered", *arguments, "--system", "lanterns", home=home)
    assert said in " ".join((done.stdout + done.stderr).split())


def test_dagster_makes_its_day(made: dict[str, Any], home: Path) -> None:
    done = python("by_dagster", DAY, home=home)
    assert done.returncode == 0, done.stderr[-2000:]
    scored, learnt = done.stdout.splitlines()
    assert learnt == "daily_learning_of_days 2026-03-30 2026-03-30 labels/daily_lanterns labels/daily_protocols"
    assert scored.split() == [
        "daily_scoring", "2026-03-27", DAY, "explanations/daily_lanterns", "explanations/daily_protocols", "features/daily_lanterns", "features/daily_protocols",
        "monitoring/daily_shadow_scores", "monitoring/restatements", "monitoring/score_distribution", "published/veririsk",
        "scores/daily_lanterns", "scores/daily_protocols", "snapshots/daily_lanterns", "snapshots/daily_protocols",
    ]  # fmt: skip


@pytest.mark.stress
def test_pools_are_what_they_are_without_it() -> None:
    """The golden run with lanterns in the process, whose host fails every hour: not a value of a table of pools differs."""
    code = "import veririsk_assets_tests.toy.registered, sys; sys.argv = ['golden']; import veririsk_assets_tests.golden as g; g.main()"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    differing = {line.split(":")[0].split("/")[2] for line in done.stdout.splitlines()}
    assert {name for name in differing if "lantern" not in name} == {"_about.row_counts", "raw.source_status", "raw.toy_glows"}
