"""The command line as a person meets it, on a small home."""

import json
import os
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from veririsk_assets.cli.demo import show_demo
from veririsk_assets.cli.main import main
from veririsk_assets.pipeline.publishing import publish
from veririsk_assets.settings import Settings
from veririsk_assets_tests.pipeline.world import lived

KEYS = [
    "pool_id", "risk_score", "risk_level", "prediction_horizon", "prediction_type", "top_reasons", "early_warning_score", "features_used",
    "model_version", "timestamp",
]  # fmt: skip


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with thirty scored hours of a small market."""
    folder = tmp_path_factory.mktemp("home")
    house = lived(Settings(home=folder), scored=True)
    publish(house)
    house.close()
    return folder


def veririsk(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"VERIRISK_HOME": str(folder)} | variables
    command = [sys.executable, "-c", "from veririsk_assets.cli.main import main; main()", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_rank_shows_pools_by_risk_and_counts_the_insufficient_ones(published: Path) -> None:
    done = veririsk(published, "rank")
    assert done.returncode == 0
    assert "critical_risk_pool" in done.stdout
    assert "Insufficient input: 0 pools" in done.stdout
    assert "early_warning_score version" in done.stdout


def test_rank_of_a_system_of_which_nothing_is_scored_yet_says_why(published: Path) -> None:
    """Thirty hours after the start no protocol has been known for thirty days."""
    done = veririsk(published, "rank", "--system", "protocols")
    assert done.returncode == 0, done.stderr
    assert "0 of 0 scored protocols shown. Insufficient input:" in done.stdout
    assert "× the protocol has less than 720 hours of history" in done.stdout


def test_predict_as_json_prints_exactly_its_keys(published: Path) -> None:
    found = json.loads(veririsk(published, "predict", "curve_3pool", "--json").stdout)
    assert list(found) == KEYS
    assert 0 <= found["risk_score"] <= 100
    assert (found["prediction_horizon"], found["prediction_type"]) == ("24h", "predictive")
    # The rule's other terms have no part in this score: they are no reasons.
    assert [set(reason) for reason in found["top_reasons"]] == [{"feature", "impact", "direction", "explanation"}] * 2
    assert all(reason["impact"] > 0 for reason in found["top_reasons"])
    assert found["timestamp"] == "2025-03-02T06:00:00Z"
    assert found["features_used"]["log_tvl"] > 0


def test_predict_shows_the_cause_and_apart_from_it_what_has_begun(published: Path) -> None:
    lines = veririsk(published, "predict", "curve_3pool").stdout.splitlines()
    assert "  price fall and liquidity fall are not known: rule only" in lines
    assert any(line.startswith(("  has begun: nothing, TVL is ", "  has begun: TVL is ")) for line in lines)


def test_predict_shows_the_name_before_the_id(published: Path) -> None:
    line = veririsk(published, "predict", "curve_3pool").stdout
    assert line.startswith("curve_3pool (defillama:")
    assert veririsk(published, "predict", line.partition("(")[2].partition(")")[0]).stdout == line


def test_predict_knows_the_other_horizon(published: Path) -> None:
    found = json.loads(veririsk(published, "predict", "curve_3pool", "--horizon", "6", "--json").stdout)
    assert found["prediction_horizon"] == "6h"


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


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("predict", "curve_3pool", "--as-of", "yesterday"), "--as-of 'yesterday' is no instant: write it in UTC, as 2026-11-01"),
        (("replay", "curve_3pool", "--as-of", "0001-01-01T00:00+05:00"), "--as-of '0001-01-01T00:00+05:00' is no instant"),
        (("run", "--from", "2025-13-01", "--to", "9999-12-31"), "--from '2025-13-01' is no instant"),
        (("train", "pools", "--as-of", "9999-12-31T23:00"), "--as-of '9999-12-31T23:00' is no instant"),
        (("backtest", "pools", "--from", "x"), "--from 'x' is no instant"),
        (("models", "promote", "--from", "x"), "--from 'x' is no instant"),
        (("rank", "--horizon", "7"), "there is no horizon of 7 hours: known are 6 and 24"),
        (("predict", "curve_3pool", "--horizon", "7"), "there is no horizon of 7 hours: known are 6 and 24"),
        (("history", "curve_3pool", "--horizon", "0"), "there is no horizon of 0 hours: known are 6 and 24"),
        (("replay", "curve_3pool", "--as-of", "2025-03-02", "--horizon", "12"), "there is no horizon of 12 hours"),
        (("backtest", "pools", "--horizon", "12"), "there is no horizon of 12 hours: known are 6 and 24"),
        (("models", "compare", "1", "2", "--horizon", "12"), "there is no horizon of 12 hours: known are 6 and 24"),
        (("models", "rollback", "--horizon", "-6"), "there is no horizon of -6 hours: known are 6 and 24"),
    ],
)
def test_what_cannot_be_read_is_said_before_anything_is_opened(
    tmp_path: Path, words: tuple[str, ...], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VERIRISK_HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["veririsk", *words])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 1
    assert sentence in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


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


def test_a_reader_that_goes_away_is_no_traceback(published: Path) -> None:
    command = f"{sys.executable} -c 'from veririsk_assets.cli.main import main; main()' rank --all | true"
    done = subprocess.run(
        command, shell=True, env=os.environ | {"VERIRISK_HOME": str(published)}, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


def test_a_terminal_that_lacks_a_sign_still_gets_the_rest(published: Path) -> None:
    done = veririsk(published, "rank", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "critical_risk_pool" in done.stdout


# A shell's `&` makes what it starts, and the children of that, deaf to Ctrl-C.
HEARS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"


def test_ctrl_c_is_one_line_and_the_exit_code_of_a_stopped_command(tmp_path: Path) -> None:
    words = ["run", "--from", "2025-03-01", "--to", "2025-05-01", "--history", "0"]
    command = [sys.executable, "-c", f"{HEARS}from veririsk_assets.cli.main import main; main()", *words]
    environment = os.environ | {"VERIRISK_HOME": str(tmp_path), "VERIRISK_POOLS": "8"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        seen = [running.stderr.readline(), running.stderr.readline()]
        running.send_signal(signal.SIGINT)
        rest = " ".join(running.stderr.read().split())
    assert seen[1].startswith("loading ")
    assert running.returncode == 130
    assert rest.endswith("veririsk: stopped; what was stored stays, the same command goes on from there")
    assert "Traceback" not in rest


SWALLOWS = """
import os
from veririsk_assets.cli.main import main
from veririsk_assets.pipeline import replay
close = replay._close
def swallowing(*given):
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        pass
    close(*given)
replay._close = swallowing
main()
"""


def test_a_ctrl_c_that_a_library_swallowed_stops_before_the_next_step(tmp_path: Path) -> None:
    words = ["run", "--from", "2025-03-01", "--to", "2025-03-02", "--history", "0"]
    environment = os.environ | {"VERIRISK_HOME": str(tmp_path), "VERIRISK_POOLS": "8"}
    done = subprocess.run([sys.executable, "-c", HEARS + SWALLOWS, *words], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr.count("loading ") == 1
    assert "Traceback" not in done.stderr


def test_the_demo_says_what_it_is(published: Path) -> None:
    out = Console(file=StringIO(), width=200)
    show_demo(Settings(home=published), out)
    text = out.file.getvalue()  # type: ignore[attr-defined]
    assert "This is a simulated market, not a forecast of any real pool or protocol." in text
    assert "critical_risk_pool and high_risk_pool are forced into trouble" in text
    assert "lift of about 8.4 is nothing like that of real pools, about 2.3" in text
    assert "VERIRISK_SOURCE=live .venv/bin/veririsk fetch" in text
    assert "VERIRISK_SOURCE=recorded VERIRISK_RECORDED_DIR=" in text
