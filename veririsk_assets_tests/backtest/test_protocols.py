"""Protocols by the day on the clock that all studies share: rows, labels and alerts stand where they belong."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from veririsk_assets.backtest.events import study_events
from veririsk_assets.backtest.protocols import build_study
from veririsk_assets.backtest.study import Study
from veririsk_assets.cli.main import app
from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.protocol_features import INPUTS
from veririsk_assets.contracts.windows import Window, utc
from veririsk_assets.evaluation.splits import CannotBeHonest
from veririsk_assets.sources.recorded_protocols import CHAINS

DAYS, PROTOCOLS, END = 420, 24, "2022-06-01"


@cache
def walks() -> np.ndarray:
    """TVL of protocols whose volatility is their own; the wilder fall more often."""
    rng = np.random.default_rng(5)
    volatility = np.geomspace(0.01, 0.12, PROTOCOLS)
    moves = rng.standard_t(4, (DAYS, PROTOCOLS)) * volatility / 1.4
    return np.exp(17 + np.clip(moves.cumsum(axis=0) * 0.5, -2, 2) + moves)


def study(label: str = "crash", days: int = 7, tvl: np.ndarray | None = None) -> Study:
    tvl = walks() if tvl is None else tvl
    unknown = np.full(tvl.shape, np.nan)
    columns = {"tvl_usd": tvl, **dict.fromkeys(INPUTS[1:4], unknown), "input_age_hours": np.full(tvl.shape, 0.5)}
    names = [f"protocol-{i}" for i in range(tvl.shape[1])]
    panel = Panel(Window.ending(utc(END), len(tvl), 24), np.arange(tvl.shape[1]), columns)
    return build_study(panel, names, label, days, 1e5)


def test_a_row_has_its_day_and_the_tvl_of_a_day_stands_until_the_next() -> None:
    made, tvl = study(), walks()
    np.testing.assert_array_equal(made.as_ofs[made.hour], made.rows.as_of)
    assert set(made.rows.as_of.astype("datetime64[h]").astype(np.int64) % 24) == {0}
    day = (made.hour + 1) // 24 - 1
    known = ~np.isnan(made.level[made.hour, made.pool])
    np.testing.assert_allclose(made.level[made.hour, made.pool][known], tvl[day, made.pool][known], rtol=1e-6)
    inside = made.hour + 23 < made.hours
    np.testing.assert_array_equal(made.level[made.hour + 23 * inside, made.pool], made.level[made.hour, made.pool])
    assert made.row_hours == 24 and made.rows.horizon_hours == 168


def test_a_fall_is_an_event_at_the_day_that_shows_it_and_labels_the_days_before() -> None:
    tvl = np.full((100, 4), 1e6)
    tvl[60:, 2] = 5e5
    made = study(tvl=tvl)
    events = study_events(made)
    assert events.key_index.tolist() == [2] and str(made.as_ofs[events.hour_index[0]])[:13] == str(made.as_ofs[24 * 61 - 1])[:13]
    positive = (made.hour[made.rows.y > 0] + 1) // 24 - 1
    assert positive.tolist() == list(range(53, 60)) and (made.pool[made.rows.y > 0] == 2).all()


def test_what_the_source_took_back_is_no_fall_and_no_base_of_one() -> None:
    tvl = np.full((100, 4), 1e6)
    tvl[50, 1], tvl[70:72, 3] = 1e4, 9e6
    made = study(tvl=tvl)
    assert made.rows.y.sum() == 0 and len(study_events(made)) == 0
    assert not (((made.hour + 1) // 24 - 1 == 70) & (made.pool == 3)).any()


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(CannotBeHonest, match="no label 'doom'; known: crash"):
        study("doom")
    with pytest.raises(CannotBeHonest, match="no label of 7 days has matured"):
        study(tvl=np.ones((5, 3)))
    with pytest.raises(CannotBeHonest, match="no row has a TVL above"):
        study(tvl=np.ones((50, 3)))


def test_the_command_judges_a_folder_and_writes_its_page(tmp_path: Path) -> None:
    dates = pd.date_range(end=END, periods=DAYS)
    names = [{3: "curve-dex", 15: "saddle-finance"}.get(i, f"p{i}") for i in range(PROTOCOLS)]
    frames = [pd.DataFrame({"protocol": names[i], "chain": "ethereum", "date": dates, "tvl_usd": walks()[:, i]}) for i in range(PROTOCOLS)]
    pd.concat(frames).to_parquet(tmp_path / f"{CHAINS}.parquet")
    out, docs = tmp_path / "out", tmp_path / "docs"
    models = "volatility_logistic,ewma_volatility_30"
    told = f"--recorded-dir {tmp_path} --days 7 --folds 1 --test-days 120 --draws 40 --models {models} --out {out} --docs {docs}"
    done = CliRunner().invoke(app, ["backtest", "protocols", *told.split()])
    assert done.exit_code == 0, done.output
    assert {path.name for path in out.iterdir()} >= {"report.json", "report.md", "predictions.parquet"}
    page = (docs / "backtest_protocols_168h.md").read_text()
    assert "24 protocols" in page and "pool" not in page and "every 24th hour" in page
    assert "ewma_volatility_30" in done.output
    check_known_days(json.loads((out / "report.json").read_text())["known_days"], pd.read_parquet(out / "predictions.parquet"))
    assert "## Known days" in page and "no row out of fold of rari-capital or rari" in page


def check_known_days(days: list[dict[str, Any]], said: pd.DataFrame) -> None:
    """Each judged one is the row of the file of predictions, at its place among that day's."""
    judged = {day["protocol"]: day for day in days if day["is_judged"]}
    assert set(judged) == {"curve-dex", "saddle-finance"}
    assert len(days) == 6
    for name, day in judged.items():
        today = said[(said["as_of"] == day["as_of"]) & (said["run"] == "over_time")]
        for model, told in day["said"].items():
            of = today[today["model"] == model].set_index("pool")
            assert told["probability"] == pytest.approx(of.loc[name, "probability"])
            assert told["place"] == int((of["rank"] > of.loc[name, "rank"]).sum()) + 1
            assert told["is_seen"] == (told["place"] <= max(0.1 * len(of), 1))
            assert day["fell"] == bool(of.loc[name, "label"])
    # The wilder of the two stands before the calmer one.
    assert all(judged["saddle-finance"]["said"][m]["place"] < judged["curve-dex"]["said"][m]["place"] for m in judged["curve-dex"]["said"])
