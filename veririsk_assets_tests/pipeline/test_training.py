"""A whole training, from rows in the lake to a run in a real MLflow store with all that it promises."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from veririsk_assets.cli.models import app
from veririsk_assets.contracts import pools
from veririsk_assets.contracts.models import CHAMPIONS, MODEL_VERSIONS
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.windows import Window, utc
from veririsk_assets.models.artefact import load
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.learning import train as learning
from veririsk_assets.pipeline.learning.comparison import compared
from veririsk_assets.pipeline.step import House
from veririsk_assets.registry import store
from veririsk_assets.registry.versions import registered_name, versions
from veririsk_assets.settings import Settings
from veririsk_assets_tests.models.rows import END, market

# MLflow's own tables use a loader strategy that SQLAlchemy 2.1 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")
NAME = registered_name(POOLS.name, 24)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, dict[str, Any]]]:
    """Fifty days of 60 pools whose crashes follow two falls at once, 24 h ahead only, and one training on them."""
    house = House.open(Settings(home=tmp_path_factory.mktemp("home")), lambda: utc(END), run_id="test")
    features, labels = market()
    falls = sum(np.minimum(features[name], 0.0) for name in ("tvl_change_24h", "tvl_change_6h"))
    labels.values["crash"] = (np.random.default_rng(2).random(falls.shape) < 1.0 / (1.0 + np.exp(5.0 + 50.0 * falls))).astype(np.float32)
    bounded = (column.name for column in pools.POOL_FEATURES.columns if column.ge is not None and column.name in features.values)
    features.values.update({name: np.abs(features[name]) for name in bounded})
    house.lake.replace(pools.POOL_FEATURES, features.frame("pool_key")[pools.POOL_FEATURES.names], features.window)
    frame = labels.frame("pool_key")
    known = {"horizon_hours": 24, "is_at_risk": True, "matured_at": frame["as_of"] + pd.Timedelta(hours=24)}
    house.lake.replace(pools.POOL_LABELS, frame.assign(**known).reindex(columns=pools.POOL_LABELS.names), labels.window)
    yield house, learning.train(house, POOLS, utc(END)).metadata
    house.close()


def artifact(house: House, name: str) -> bytes:
    newest = versions(house.settings.tracking_uri, NAME)[0]
    return Path(store.client(house.settings.tracking_uri).download_artifacts(newest.run_id, f"report/{name}")).read_bytes()


def test_the_verdict_names_its_folds_and_what_cannot_be_trained_says_why(trained: tuple[House, dict[str, Any]]) -> None:
    said = trained[1]
    assert said["24h"].startswith("promoted: on 3 walk-forward folds")
    assert said["6h"].startswith("not trained: ")


def test_a_run_logs_every_metric_with_its_interval(trained: tuple[House, dict[str, Any]]) -> None:
    metrics = versions(trained[0].settings.tracking_uri, NAME)[0].metrics
    for name in ("ap", "auc", "brier_skill", "walk_forward_ap", "walk_forward_auc", "walk_forward_brier_skill"):
        assert metrics[f"{name}_lo"] <= metrics[name] <= metrics[f"{name}_hi"], name
    assert metrics["ece"] <= metrics["ece_hi"] and metrics["walk_forward_ece"] <= metrics["walk_forward_ece_hi"]


def test_a_run_says_what_it_learnt_from(trained: tuple[House, dict[str, Any]]) -> None:
    house = trained[0]
    newest = versions(house.settings.tracking_uri, NAME)[0]
    params = store.client(house.settings.tracking_uri).get_run(newest.run_id).data.params
    assert params["algorithm"] == "gradient_boosting" and params["label"] == "crash"
    assert int(params["train_rows_count"]) > int(params["train_events_count"]) > 0
    assert newest.tags["lake_snapshot_id"]


def test_a_run_names_the_recipe_that_runs_are_compared_by(trained: tuple[House, dict[str, Any]]) -> None:
    house = trained[0]
    newest = versions(house.settings.tracking_uri, NAME)[0]
    params = store.client(house.settings.tracking_uri).get_run(newest.run_id).data.params
    model = load(champions.folder(house.settings, POOLS, 24, "1"))
    recipe = {"max_depth": "4", "eta": "0.08", "lambda": "5.0", "subsample": "0.8", "colsample_bytree": "0.6", "min_child_weight": "10.0"}
    recipe |= {"rounds": "150", "patience": "20", "seed": "7", "is_weighted": "False", "horizon_hours": "24"}
    assert {name: params[name] for name in recipe} == recipe
    assert int(params["best_iteration"]) == model.model.booster.num_boosted_rounds() - 1
    assert params["features"].split(", ") == list(model.features) and params["features_count"] == str(len(model.features))
    assert params["calibration"] == model.calibration.kind and float(params["calibration_slope"]) == model.calibration.slope


def test_a_training_that_was_stopped_before_its_version_was_crowned_is_finished(trained: tuple[House, dict[str, Any]]) -> None:
    house = trained[0]
    assert learning.untrained(house, POOLS, utc(END)) == (6,)
    reign = house.lake.read(CHAMPIONS)
    house.lake.commit(lambda cursor: cursor.execute(f"DELETE FROM lake.{CHAMPIONS.sql_name}"))
    assert learning.untrained(house, POOLS, utc(END)) == (6,)
    again = house.lake.read(CHAMPIONS)
    pd.testing.assert_frame_equal(again.drop(columns="decided_at"), reign.drop(columns="decided_at"))


def test_a_version_that_was_registered_and_not_noted_is_taken_up_again(trained: tuple[House, dict[str, Any]]) -> None:
    house = trained[0]
    tags = versions(house.settings.tracking_uri, NAME)[0].tags
    about = {name: tags[name] for name in ("lake_snapshot_id", "trained_as_of")}
    assert learning._left_behind(house, POOLS, 24, about) is None
    noted = house.lake.read(MODEL_VERSIONS)
    house.lake.commit(lambda cursor: cursor.execute(f"DELETE FROM lake.{MODEL_VERSIONS.sql_name}"))
    assert learning._left_behind(house, POOLS, 24, about) == "1"
    assert learning._left_behind(house, POOLS, 24, about | {"lake_snapshot_id": 10_000}) is None
    house.lake.append(MODEL_VERSIONS, noted)


def test_a_run_keeps_plots_the_folds_and_the_reference_for_drift(trained: tuple[House, dict[str, Any]]) -> None:
    house = trained[0]
    for name in ("reliability.png", "precision_recall.png", "confusion_matrix.png", "classification_report.png"):
        assert artifact(house, name).startswith(b"\x89PNG")
    reference = json.loads(artifact(house, "reference.json"))
    assert reference["apy"]["null_ratio"] == pytest.approx(0.3, abs=0.05) and len(reference["apy"]["deciles"]) == 11
    table = pd.read_csv(io.BytesIO(artifact(house, "walk_forward.csv")))
    assert set(table["model"]) >= {"gradient_boosting", "volatility_logistic", "ewma_volatility_7d", "tvl_change_24h"}
    assert set(table["fold"].dropna()) == {0, 1, 2}
    pooled = table[table["fold"].isna() & (table["model"] == "gradient_boosting")].iloc[0]
    metrics = versions(house.settings.tracking_uri, NAME)[0].metrics
    assert pooled["ap"] == pytest.approx(metrics["walk_forward_ap"]) and pooled["positive"] > 100


def test_the_artefact_remembers_its_intervals_and_a_comparison_shows_them(
    trained: tuple[House, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = trained[0]
    known = load(champions.folder(house.settings, POOLS, 24, "1")).metadata["intervals"]
    assert set(known["walk_forward_ap"]) == {"value", "lo", "hi"}
    found = compared(house, POOLS, 24, ("1", "1"), Window.ending(END, 24))
    assert found["intervals"]["validation_ap"] == (known["validation_ap"],) * 2
    monkeypatch.setenv("VERIRISK_HOME", str(house.settings.home))
    shown = CliRunner().invoke(app, ["compare", "1", "1"])
    assert shown.exit_code == 0, shown.output
    assert "walk_forward_ap" in shown.output and f"{known['walk_forward_ap']['lo']:.4g}" in shown.output
