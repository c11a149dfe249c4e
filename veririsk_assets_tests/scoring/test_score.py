import subprocess
import sys
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pool_features import FEATURE_NAMES
from veririsk_assets.contracts.pools import POOL_SCORES
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.models.artefact import ServedModel, load
from veririsk_assets.models.catalogue import pools as catalogue
from veririsk_assets.scoring import score as scoring
from veririsk_assets.scoring.score import levels
from veririsk_assets.scoring.status import Facts
from veririsk_assets.training.companions import equipped
from veririsk_assets.training.datasets import Dataset, from_panels
from veririsk_assets.training.fit import train
from veririsk_assets_tests.models.rows import market

CALLERS = {"as_of", "pool_key", "scored_at", "lake_snapshot_id"}

score = partial(scoring.score, causes=POOLS.causes)


@cache
def served() -> ServedModel:
    return train(from_panels(*market(), 24), catalogue.spec("gradient_boosting", 24)).served


@cache
def with_heads() -> ServedModel:
    """The same model with two heads beside it."""
    return equipped(replace(served(), version="4"), {}, with_causes())


@cache
def with_causes() -> Dataset:
    """Rows whose labels tell the causes apart; the first twenty pools do not know their LP supply, here and in `columns`."""
    features, labels = market()
    rng = np.random.default_rng(4)
    causes = {name: np.where(rng.random(labels.shape) < 0.6, labels["crash"], 0.0) for name in ("price_fall", "outflow")}
    for values in (*causes.values(), *(features[name] for name in catalogue.LP_COLUMNS)):
        values[:, :20] = np.nan
    return from_panels(features, Panel(labels.window, labels.keys, {**labels.values, **causes}), 24, others=tuple(causes))


def columns(rows: int, seed: int = 5) -> dict[str, np.ndarray]:
    panel, _ = market(hours=rows // 60 + 1, seed=seed)
    for name in catalogue.LP_COLUMNS:
        panel[name][:, :20] = np.nan
    return {name: panel[name].ravel()[:rows] for name in FEATURE_NAMES}


def facts(rows: int, **changes: object) -> Facts:
    calm = {
        "value": np.full(rows, 1e6),
        "input_age_hours": np.full(rows, 0.5),
        "age_hours": np.full(rows, 100.0),
        "is_tombstone": np.zeros(rows, dtype=bool),
        "early_warning_score": np.linspace(0, 100, rows),
        "measure": "tvl_usd",
        "words": ("pool", "TVL"),
    }
    return Facts(**(calm | changes))  # type: ignore[arg-type]


def one(**changes: object) -> tuple[str, str | None, float]:
    scored = score(columns(1), served(), facts(1, **{k: np.array([v]) if k != "source_problems" else v for k, v in changes.items()}), 24)
    return scored["status"][0], scored["status_reason"][0], scored["risk_score"][0]


def test_scores_have_every_column_of_their_table_but_the_callers() -> None:
    for model in (served(), None):
        assert set(score(columns(50), model, facts(50), 24)) == {*POOL_SCORES.names, "confidence"} - CALLERS


def test_a_cause_that_is_not_known_says_why() -> None:
    tvl = np.full(60, 1e6)
    tvl[40] = np.nan
    scored = score(columns(60), with_heads(), facts(60, value=tvl), 24)
    price, liquidity, note = (scored[name] for name in ("price_fall_probability", "liquidity_fall_probability", "cause_note"))
    np.testing.assert_array_equal(np.isnan(liquidity), (np.arange(60) < 20) | (np.arange(60) == 40))
    np.testing.assert_array_equal(np.isnan(price), np.arange(60) == 40)
    assert [set(note[:20]), note[40], set(np.delete(note[20:], 20))] == [{"LP supply is not known"}, "insufficient input", {None}]
    assert set(score(columns(2), replace(served(), version="4"), facts(2), 24)["cause_note"]) == {"no cause model in version 4"}
    assert set(score(columns(2), None, facts(2), 24)["cause_note"]) == {"rule only"}


def test_the_companion_is_saved_with_the_version_and_a_folder_without_one_still_loads(tmp_path: Path) -> None:
    with_heads().save(tmp_path / "new")
    served().save(tmp_path / "old")
    rows, again = columns(60), load(tmp_path / "new", "4")
    for name, column in score(rows, with_heads(), facts(60), 24).items():
        np.testing.assert_array_equal(score(rows, again, facts(60), 24)[name], column)
    assert load(tmp_path / "old").heads is None
    assert {path.suffix for path in (tmp_path / "new").rglob("*") if path.is_file()} == {".json", ".ubj"}


def test_two_heads_that_won_are_their_own_companion(tmp_path: Path) -> None:
    first = with_heads().heads
    assert first is not None
    winner = equipped(first, {}, with_causes())
    assert (winner.companion, winner.heads) == (None, winner)
    assert winner.metadata["causes"] == with_heads().metadata["causes"]
    assert all(0.6 < one["auc"] < 1 and one["ece"] < 0.02 for one in winner.metadata["causes"].values())
    winner.save(tmp_path)
    again = load(tmp_path, "5")
    assert again.heads is again
    assert not (tmp_path / "causes").exists()


def test_where_no_heads_can_be_trained_the_metadata_say_why() -> None:
    alone = equipped(served(), {}, from_panels(*market(), 24))
    assert alone.heads is None
    assert alone.metadata["causes"] == "no cause model: 0 training rows with label price_fall, 24 h; 2,000 are needed"


def test_levels_follow_the_score_and_probability_ranks_as_the_score_does() -> None:
    scored = score(columns(6_000), served(), facts(6_000), 24)
    risk, probability = scored["risk_score"], scored["probability"]
    assert set(scored["risk_level"]) == {"LOW", "MEDIUM", "HIGH"}
    np.testing.assert_array_equal(scored["risk_level"] == "HIGH", probability >= served().score_map.high)
    assert (np.diff(risk[np.argsort(probability)]) >= 0).all()
    assert set(scored["status"]) == {"ok"}
    assert set(scored["status_reason"]) == {None}


def test_levels_change_at_30_and_65() -> None:
    edges = np.array([0.0, np.nextafter(30, 0), 30.0, np.nextafter(65, 0), 65.0, 100.0, np.nan])
    assert levels(edges).tolist() == ["LOW", "LOW", "MEDIUM", "MEDIUM", "HIGH", "HIGH", "UNKNOWN"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"value": np.nan}, "TVL is not known"),
        ({"value": 0.0}, "TVL is zero"),
        ({"value": -5.0}, "TVL is zero"),
        ({"input_age_hours": 24.5}, "older than 24 hours"),
        ({"input_age_hours": np.nan}, "older than 24 hours"),
        ({"age_hours": 23.0}, "less than 24 hours of history"),
        ({"age_hours": np.nan}, "less than 24 hours of history"),
        ({"is_tombstone": True}, "missing from its source"),
    ],
)
def test_insufficient_input_gives_no_score_and_never_a_low_one(change: dict[str, object], reason: str) -> None:
    for model in (served(), None):
        scored = score(columns(1), model, facts(1, **{key: np.array([value]) for key, value in change.items()}), 24)
        assert scored["status"][0] == "insufficient"
        assert reason in scored["status_reason"][0]
        assert scored["risk_level"][0] == "UNKNOWN"
        assert np.isnan([scored[name][0] for name in ("risk_score", "probability", "margin")]).all()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"input_age_hours": 2.5}, "older than 2 hours"),
        ({"quarantine_share": 0.21}, "over 20% of the source's rows"),
        ({"source_problems": ("defillama did not answer",)}, "defillama did not answer"),
    ],
)
def test_weaker_input_degrades_a_score_and_says_why(change: dict[str, object], reason: str) -> None:
    status, said, risk = one(**change)
    assert status == "degraded"
    assert reason in str(said)
    assert np.isfinite(risk)


def test_two_weaknesses_are_both_said() -> None:
    _, said, _ = one(input_age_hours=3.0, source_problems=("coingecko did not answer",))
    assert said == "the last observation is older than 2 hours; coingecko did not answer"


def test_a_recorded_source_may_be_older() -> None:
    scored = score(columns(1), served(), facts(1, input_age_hours=np.array([5.0]), aged_hours=6.0), 24)
    assert scored["status"][0] == "ok"


def test_a_row_that_lacks_half_of_the_features_is_degraded() -> None:
    half = columns(2)
    for name in served().features[: len(served().features) // 2 + 1]:
        half[name] = half[name].copy()
        half[name][0] = np.nan
    scored = score(half, served(), facts(2), 24)
    assert scored["status"].tolist() == ["degraded", "ok"]


def test_without_a_model_the_rule_serves_and_is_called_heuristic() -> None:
    points = np.array([10.0, 70.0, np.nan])
    scored = score(columns(3), None, facts(3, early_warning_score=points), 24)
    np.testing.assert_array_equal(scored["risk_score"], points)
    assert scored["risk_level"].tolist() == ["LOW", "HIGH", "UNKNOWN"]
    assert np.isnan(scored["probability"]).all()
    assert set(scored["model_name"]) == {"early_warning_score"}
    assert "heuristic" in scored["status_reason"][0]
    assert scored["status"].tolist() == ["ok", "ok", "insufficient"]


def test_scoring_imports_no_heavy_library() -> None:
    code = (
        "import sys, veririsk_assets.scoring.score, veririsk_assets.scoring.explain, veririsk_assets.models.artefact, "
        "veririsk_assets.training.choice\n"
        "sys.exit(str({'xgboost', 'sklearn', 'mlflow', 'scipy', 'numba', 'shap'} & set(sys.modules) or ''))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).stderr.strip() == b""


def test_scoring_and_explaining_with_a_saved_model_need_no_sklearn_and_no_mlflow(tmp_path: Path) -> None:
    served().save(tmp_path)
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from veririsk_assets.models.artefact import load\n"
        "from veririsk_assets.scoring.explain import Words, explain\n"
        f"model = load(Path({str(tmp_path)!r}), '1')\n"
        "columns = {name: np.zeros(8, np.float32) for name in model.features}\n"
        "margin = model.margin(model.matrix(columns))\n"
        "assert len(explain(columns, model, margin, 24, Words({}, 'crash'))['row']) == 40\n"
        "assert not {'sklearn', 'mlflow'} & set(sys.modules)\n"
        "from sklearn.linear_model import LogisticRegression\n"
    )
    result = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
