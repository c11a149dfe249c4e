"""`veririsk backtest pools` from a folder with recorded pools to its files. The pools are simulated pairs, recorded as the real ones are."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from veririsk_assets.backtest.setting import Setting
from veririsk_assets.cli.backtest import app
from veririsk_assets.evaluation.metrics import average_precision, roc_auc
from veririsk_assets.evaluation.splits import CannotBeHonest
from veririsk_assets.pages.backtest import report_page, write_pages
from veririsk_assets.pipeline import backtest
from veririsk_assets.pipeline.backtest_recorded import read_recorded
from veririsk_assets.simulation.market import EPOCH, Market
from veririsk_assets.simulation.recording import recorded_file

START = EPOCH + timedelta(days=1)
MODELS = ("ewma_volatility_7d", "volatility_logistic", "gradient_boosting")
SETTING = Setting(folds=2, test_days=15, validation_days=12, models=MODELS, draws=40, pool_groups=2)
REAL = Path(__file__).resolve().parents[3] / "shared" / "data"
PLOTS = {"reliability", "precision_recall", "lead_times", "worst_events", "alert_hours_recall"}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a hundred days of the simulated pairs."""
    return recorded_file(Market(seed=3, pools=80), START, START + timedelta(days=100), tmp_path_factory.mktemp("recorded")).parent


@pytest.fixture(scope="module")
def finished(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> backtest.Finished:
    folder = tmp_path_factory.mktemp("out")
    return backtest.backtest_pools(backtest.recorded_material(recorded, SETTING), SETTING, folder)


def test_the_panel_holds_the_newest_observation_that_was_known(recorded: Path) -> None:
    rows, seen = pd.read_parquet(recorded / "pool_reserves_4h.parquet"), read_recorded(recorded)
    column, hour = 3, 500
    mine = rows[(rows["dex"] + ":" + rows["pool"]) == seen.names[column]]
    cutoff = pd.Timestamp(seen.pools.as_ofs[hour]) + pd.Timedelta(minutes=30)
    last = mine[mine["ts"] <= cutoff].iloc[-1]
    assert seen.pools["tvl_usd"][hour, column] == np.float32(last["tvl_usd"])
    age = (cutoff - last["ts"]) / pd.Timedelta(hours=1)
    assert seen.pools["input_age_hours"][hour, column] == pytest.approx(age, abs=1e-4) and 0 <= age <= 6


def test_an_observation_serves_at_most_six_hours_and_a_gap_that_ends_is_no_exit(recorded: Path, tmp_path: Path) -> None:
    rows = pd.read_parquet(recorded / "pool_reserves_4h.parquet")
    names = (rows["dex"] + ":" + rows["pool"]).to_numpy()
    gap, gone = sorted(set(names))[:2]
    since = START.replace(tzinfo=None) + timedelta(days=20)
    holes = (names == gap) & rows["ts"].between(since, since + timedelta(days=1))
    rows[~(holes | ((names == gone) & (rows["ts"] > since)))].to_parquet(tmp_path / "pool_reserves_4h.parquet", index=False)
    seen = read_recorded(tmp_path)
    tvl, tombstone = seen.pools["tvl_usd"], seen.pools["is_tombstone"] > 0
    assert np.isnan(tvl[:, seen.names.index(gap)]).sum() in range(15, 27) and not tombstone[:, seen.names.index(gap)].any()
    exit_hours = np.flatnonzero(tombstone[:, seen.names.index(gone)])
    assert abs(exit_hours[0] - 20 * 24) <= 8 and np.isnan(tvl[exit_hours[0] :, seen.names.index(gone)]).all()


def test_a_window_of_the_recording_knows_nothing_outside_it(recorded: Path) -> None:
    start, end = START + timedelta(days=10), START + timedelta(days=30)
    seen = read_recorded(recorded, start, end)
    assert start - timedelta(hours=1) <= seen.pools.window.start and seen.pools.window.end <= end


def test_every_promised_file_is_written(finished: backtest.Finished) -> None:
    assert {path.stem for path in finished.folder.glob("*.png")} >= PLOTS
    assert json.loads((finished.folder / "report.json").read_text()) == finished.report
    page = (finished.folder / "report.md").read_text()
    for name in MODELS:
        assert f"| {name} |" in page
    frame = pd.read_parquet(finished.folder / "predictions.parquet")
    columns = ["pool", "as_of", "fold", "model", "probability", "label", "at_risk", "weight", "run", "unshifted", "fit", "rank"]
    assert list(frame.columns) == columns
    assert set(frame["fold"]) == {0, 1} and set(frame["model"]) == set(MODELS) and set(frame["run"]) == {"over_time", "unseen_pools"}
    keys = [tuple(map(str, rows[["pool", "as_of"]].to_numpy().ravel())) for _, rows in frame.groupby(["model", "run"], observed=True)]
    assert len({len(key) for key in keys}) == 1 and len(set(keys)) == 1


def test_the_predictions_give_the_reported_numbers(finished: backtest.Finished) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    frame = pd.read_parquet(finished.folder / "predictions.parquet").query("run == 'over_time'")
    for name, rows in frame.groupby("model", observed=True):
        found = finished.report["results"][name]["all"]
        fits = [fit for _, fit in rows.groupby("fit")]
        weights = [fit["label"].sum() for fit in fits]
        for metric, of in (("ap", average_precision_score), ("auc", roc_auc_score)):
            parts = [of(fit["label"], fit["rank"]) for fit in fits]
            assert np.average(parts, weights=weights) == pytest.approx(found[metric]["value"])
        hours = [hour for _, hour in rows.groupby("as_of") if hour["label"].nunique() == 2]
        assert np.mean([roc_auc_score(hour["label"], hour["rank"]) for hour in hours]) == pytest.approx(found["within_hour_auc"]["value"])
        known = np.array_equal(rows["rank"], rows["probability"])
        assert known == (name != "ewma_volatility_7d")


def test_a_second_and_a_resumed_run_write_the_same_files(finished: backtest.Finished, recorded: Path) -> None:
    before = {path.name: path.read_bytes() for path in finished.folder.iterdir() if path.is_file()}
    stored = next((finished.folder / "parts").rglob("*.npz"))
    stored.unlink()
    again = backtest.backtest_pools(backtest.recorded_material(recorded, SETTING), SETTING, finished.folder, resume=True)
    assert stored.exists()
    assert {path.name: path.read_bytes() for path in again.folder.iterdir() if path.is_file()} == before


def test_the_pages_name_what_it_is_useless_for(finished: backtest.Finished, tmp_path: Path) -> None:
    page, card = (path.read_text() for path in write_pages(finished.report, tmp_path))
    assert "Control-layer attacks" in card and "Yearn" in card
    assert "`gradient_boosting`:" in card and "4 × is asked" in card
    assert "## Detection: what has begun" in page and "Detection is no forecast" in card
    assert "| 20 % below the 24-hour high |" in page
    assert "## Paired gains" in page and "](reliability.png)" not in page


def test_a_model_that_is_not_judged_on_unseen_pools_is_named_with_its_reason(finished: backtest.Finished) -> None:
    report = json.loads((finished.folder / "report.json").read_text())
    assert "Not judged here" not in report_page(report)
    report["leave_pools_out"]["refused"] = {"two_heads": "two_heads: 0 positive validation rows of each of its labels; 1 are needed"}
    assert "- Not judged here: two_heads: 0 positive validation rows of each of its labels; 1 are needed\n\n|" in report_page(report)


def test_a_failed_chance_check_is_said_loudly(finished: backtest.Finished) -> None:
    report = json.loads((finished.folder / "report.json").read_text())
    one = report["chance"]["models"]["gradient_boosting"]
    report["chance"]["models"] = {"gradient_boosting": one | {"holds": True}, "volatility_logistic": one | {"holds": False}}
    page = report_page(report)
    assert "**FAILED for volatility_logistic:" in page
    report["chance"]["models"]["volatility_logistic"]["holds"] = True
    assert "FAILED" not in report_page(report) and "## Chance check" in page


def test_too_little_history_is_refused_in_a_sentence(recorded: Path) -> None:
    few = replace(SETTING, event_floor=100_000)
    with pytest.raises(CannotBeHonest, match="events in the test hours"):
        backtest.backtest_pools(backtest.recorded_material(recorded, few), few, recorded / "never")
    with pytest.raises(CannotBeHonest, match="no label of 24 h has matured"):
        backtest.recorded_material(recorded, SETTING, START, START + timedelta(days=1))
    with pytest.raises(FileNotFoundError, match=r"has no pool_reserves_4h.parquet"):
        backtest.recorded_material(recorded / "elsewhere", SETTING)


def test_one_command_judges_the_pools_of_a_folder(recorded: Path, tmp_path: Path) -> None:
    arguments = f"pools --recorded-dir {recorded} --out {tmp_path / 'out'} --folds 1 --test-days 20 --draws 20 --pool-groups 0".split()
    arguments += ["--models", ",".join(MODELS[:2]), "--alert-hours", "12", "--docs", str(tmp_path)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "out" / "report.json").read_text())
    assert found["settings"]["high_alert_hours"] == 12 and set(found["results"]) == {"ewma_volatility_7d", "volatility_logistic"}
    assert (tmp_path / "model_card.md").exists()
    assert found["data"]["left_out"] == [] and "Of the data" not in report_page(found)
    found["data"]["left_out"] = ["pool_reserves_4h.parquet: of 9 rows left out: 1 without pool"]
    assert "- Of the data, pool_reserves_4h.parquet: of 9 rows left out: 1 without pool." in report_page(found)
    wrong = CliRunner().invoke(app, [*arguments[:-2], "--models", "crystal_ball"])
    assert isinstance(wrong.exception, ValueError) and "no model 'crystal_ball'" in str(wrong.exception)


@pytest.mark.stress
def test_the_baselines_are_reproduced_on_the_whole_recording(tmp_path: Path) -> None:
    if not (REAL / "pool_reserves_4h.parquet").exists():
        pytest.skip(f"NO RECORDED DATA: {REAL} has no pool_reserves_4h.parquet")
    setting = Setting(models=("phase2_recipe", "ewma_volatility_7d", "gradient_boosting"), pool_groups=0)
    found = backtest.backtest_pools(backtest.recorded_material(REAL, setting), setting, tmp_path).report
    assert found["data"]["base_rate"] == pytest.approx(0.0174, abs=0.001)
    # The search before us pooled the calibrated rows of all folds; the report does not.
    frame = pd.read_parquet(tmp_path / "predictions.parquet")
    pooled = {name: (rows["label"], rows["probability"]) for name, rows in frame.groupby("model", observed=True)}
    assert average_precision(*pooled["phase2_recipe"]) == pytest.approx(0.035, abs=0.006)
    assert average_precision(*pooled["ewma_volatility_7d"]) == pytest.approx(0.067, abs=0.006)
    assert roc_auc(*pooled["ewma_volatility_7d"]) == pytest.approx(0.736, abs=0.02)
