"""A real MLflow store in a folder: nothing here is a mock."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from veririsk_assets.registry import store, versions
from veririsk_assets.registry.runs import Training, log_training

NAME = "pools-24h"
# MLflow's own tables use a loader strategy that SQLAlchemy 2.1 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def uri(home: Path) -> str:
    return f"sqlite:///{home / 'deep' / 'mlflow' / 'mlflow.db'}"


@pytest.fixture(scope="module")
def two(home: Path, uri: str) -> tuple[str, str]:
    folder = home / "fitted"
    folder.mkdir()
    (folder / "artefact.json").write_text('{"format": 1}')
    example = pd.DataFrame({"tvl_change_24h": [0.1, np.nan], "log_tvl": [13.0, 14.0]})
    training = Training(
        NAME, folder, example, {"trees": 150}, {"ap": 0.25, "brier_skill": math.nan}, {"lake_snapshot_id": 12}, {"lake_snapshot_id": 12}
    )
    return log_training(uri, "pools", training), log_training(uri, "pools", training)


def test_a_training_becomes_a_new_version_with_its_numbers(uri: str, two: tuple[str, str]) -> None:
    assert two == ("1", "2")
    newest, oldest = versions.versions(uri, NAME)
    assert (newest.version, oldest.version) == ("2", "1")
    assert newest.metrics == {"ap": 0.25}
    assert newest.tags["lake_snapshot_id"] == "12"


def test_many_and_long_parameters_are_kept_as_far_as_the_store_takes_them(uri: str, tmp_path: Path) -> None:
    folder = tmp_path / "fitted"
    folder.mkdir()
    params = {f"causes.price_fall_{i}": i for i in range(230)} | {"features": "volatility, " * 80, "endless": "x" * 7_000}
    log_training(uri, "pools", Training("wide-24h", folder, pd.DataFrame({"a": [1.0]}), params))
    stored = store.client(uri).get_run(versions.versions(uri, "wide-24h")[0].run_id).data.params
    assert len(stored) == 232 and stored["causes.price_fall_229"] == "229"
    assert stored["features"] == "volatility, " * 80
    assert len(stored["endless"]) == 6_000 and stored["endless"].endswith("x…")


def test_everything_is_kept_in_the_home(home: Path, two: tuple[str, str]) -> None:
    assert {path.name for path in (home / "deep" / "mlflow").iterdir()} == {"mlflow.db", "artifacts"}


def test_a_downloaded_version_has_signature_example_and_metadata_and_no_pickle(home: Path, uri: str, two: tuple[str, str]) -> None:
    folder = versions.download(uri, NAME, "1", home / "models" / "pools-24h" / "1")
    assert {path.name for path in folder.iterdir()} == {"artefact.json", "MLmodel", "metadata.json", "input_example.json"}
    assert json.loads((folder / "metadata.json").read_text()) == {"lake_snapshot_id": 12}
    assert not list(folder.parent.glob(".download-*"))

    from mlflow.models import Model

    model = Model.load(str(folder))
    assert model.signature.inputs.input_names() == ["tvl_change_24h", "log_tvl"]
    assert model.signature.outputs.input_names() == ["probability"]
    example: Any = model.load_input_example(str(folder))
    assert example.shape == (2, 2)


def test_a_version_that_is_at_home_is_not_fetched_again(home: Path, two: tuple[str, str]) -> None:
    folder = home / "kept"
    folder.mkdir()
    assert versions.download("http://127.0.0.1:9", NAME, "1", folder) == folder


def test_an_alias_moves_and_says_why_and_can_be_taken_away(uri: str, two: tuple[str, str]) -> None:
    assert versions.get_alias(uri, NAME, versions.CHALLENGER) is None
    for version in two:
        versions.set_alias(uri, NAME, versions.CHALLENGER, version, {"reason": f"test {version}"})
        assert versions.get_alias(uri, NAME, versions.CHALLENGER) == version
    newest = versions.versions(uri, NAME)[0]
    assert newest.aliases == (versions.CHALLENGER,)
    assert newest.tags["reason"] == "test 2"
    versions.clear_alias(uri, NAME, versions.CHALLENGER)
    assert versions.get_alias(uri, NAME, versions.CHALLENGER) is None


def test_an_unknown_version_is_named(home: Path, uri: str, two: tuple[str, str]) -> None:
    with pytest.raises(versions.UnknownVersion, match="no version 9 of pools-24h"):
        versions.download(uri, NAME, "9", home / "models" / "9")
    with pytest.raises(versions.UnknownVersion, match="no version 1 of nothing"):
        versions.set_alias(uri, "nothing", versions.CHAMPION, "1")
    assert not (home / "models" / "9").exists()


def test_an_empty_home_has_no_versions_and_stays_empty(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow' / 'mlflow.db'}"
    assert versions.versions(uri, NAME) == []
    assert versions.get_alias(uri, NAME, versions.CHAMPION) is None
    with pytest.raises(versions.UnknownVersion, match="nothing was registered yet"):
        versions.download(uri, NAME, "1", tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_training_registers_nothing(home: Path, uri: str, two: tuple[str, str]) -> None:
    with pytest.raises(FileNotFoundError):
        log_training(uri, "pools", Training("broken-6h", home / "absent", pd.DataFrame({"a": [1.0]})))
    assert versions.versions(uri, "broken-6h") == []


def test_importing_the_room_does_not_import_mlflow() -> None:
    code = "import sys, veririsk_assets.registry.runs, veririsk_assets.registry.versions; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
