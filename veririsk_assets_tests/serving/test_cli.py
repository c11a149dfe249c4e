"""The command line as a person meets it, on a small home."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from veririsk_assets.pipeline import replay
from veririsk_assets.pipeline.publishing import publish
from veririsk_assets.settings import Settings
from veririsk_assets_tests.pipeline.world import home, hours, outside

KEYS = [
    "pool_id", "risk_score", "risk_level", "prediction_horizon", "prediction_type", "top_reasons", "early_warning_score", "features_used",
    "model_version", "timestamp",
]  # fmt: skip


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with thirty scored hours of a small market."""
    folder = tmp_path_factory.mktemp("home")
    house = home(Settings(home=folder))
    replay.score_window(house, outside(house), hours(0, 30))
    publish(house)
    house.close()
    return folder


def veririsk(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"VERIRISK_HOME": str(folder)} | variables
    command = [sys.executable, "-c", "from veririsk_assets.cli import main; main()", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_rank_shows_pools_by_risk_and_counts_the_insufficient_ones(published: Path) -> None:
    done = veririsk(published, "rank")
    assert done.returncode == 0
    assert "critical_risk_pool" in done.stdout
    assert "Insufficient input: 0 pools" in done.stdout
    assert "early_warning_score version" in done.stdout


def test_predict_as_json_prints_exactly_its_keys(published: Path) -> None:
    found = json.loads(veririsk(published, "predict", "curve_3pool", "--json").stdout)
    assert list(found) == KEYS
    assert 0 <= found["risk_score"] <= 100
    assert (found["prediction_horizon"], found["prediction_type"]) == ("24h", "predictive")
    assert [set(reason) for reason in found["top_reasons"]] == [{"feature", "impact", "direction", "explanation"}] * 3
    assert found["timestamp"] == "2025-03-02T06:00:00Z"
    assert found["features_used"]["log_tvl"] > 0


def test_predict_shows_the_cause_and_apart_from_it_what_has_begun(published: Path) -> None:
    lines = veririsk(published, "predict", "curve_3pool").stdout.splitlines()
    assert "  price fall and liquidity fall are not known: rule only" in lines
    assert any(line.startswith(("  has begun: nothing, TVL is ", "  has begun: TVL is ")) for line in lines)


def test_predict_knows_earlier_hours(published: Path) -> None:
    found = json.loads(veririsk(published, "predict", "curve_3pool", "--as-of", "2025-03-02T03:00", "--json").stdout)
    assert found["timestamp"] == "2025-03-02T03:00:00Z"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("predict", "no_such_pool"), "no published pool has the id or name 'no_such_pool'"),
        (("predict", "curve_3pool", "--as-of", "2024-01-01"), "has no published score at 2024-01-01 00:00 UTC"),
        (("history", "no_such_pool"), "no published pool has the id or name"),
        (("run", "--from", "2025-03-05", "--to", "2025-03-04"), "is not after --from"),
        (("run", "--from", "2025-03-04", "--to", "2025-03-05", "--history", "some"), "--history is 'all' or a number of days"),
        (("generate", "x", "--profile", "wild"), "unknown risk profile 'wild'"),
    ],
)
def test_what_cannot_be_done_is_one_clear_sentence(published: Path, words: tuple[str, ...], sentence: str) -> None:
    done = veririsk(published, *words)
    assert done.returncode == 1
    assert sentence in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("rank",), ("predict", "curve_3pool"), ("history", "curve_3pool"), ("status",)])
def test_an_empty_home_says_what_to_do(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = veririsk(tmp_path, *words)
    assert done.returncode == 1
    assert "nothing is published yet" in done.stderr or "no lake in" in done.stderr
    assert "Traceback" not in done.stderr


def test_status_gives_reasons_only_where_there_are_any(published: Path) -> None:
    assert "(nan)" not in veririsk(published, "status").stdout


def test_status_says_from_when_a_model_can_exist(published: Path) -> None:
    lines = " ".join(veririsk(published, "status").stdout.split())
    assert "24 h: the rule-based score serves; a model can exist from 2025-04-30 on" in lines
    assert "quarantine: empty" in lines


def test_a_recorded_home_without_its_folder_says_so(tmp_path: Path) -> None:
    done = veririsk(tmp_path, "run", "--from", "2021-04-01", "--to", "2021-04-02", VERIRISK_SOURCE="recorded")
    assert done.returncode == 1
    assert "VERIRISK_RECORDED_DIR" in done.stderr


def test_generate_prints_the_report_s_pool(published: Path) -> None:
    lines = veririsk(published, "generate", "mine", "--profile", "crash_prone", "--hours", "100", "--force").stdout.splitlines()
    assert len(lines) == 101
    assert lines[0].startswith("pool_id,hour,state,tvl_usd")
