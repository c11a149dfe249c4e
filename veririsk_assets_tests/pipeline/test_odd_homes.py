"""Homes whose paths SQL, an address or a pattern would read as syntax: what is stored lies in them, and only there."""

import os
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from veririsk_assets.contracts.paths import plain, write_whole
from veririsk_assets.contracts.pools import POOL_SNAPSHOTS
from veririsk_assets.lake.upkeep import run as upkeep
from veririsk_assets.pipeline import replay
from veririsk_assets.pipeline.demo import dagster_home
from veririsk_assets.pipeline.publishing import publish
from veririsk_assets.registry import versions
from veririsk_assets.registry.runs import Training, log_training
from veririsk_assets.registry.store import sqlite_file
from veririsk_assets.serving.queries import PublishedFile
from veririsk_assets.settings import Settings
from veririsk_assets_tests.lake.rows import snapshot_rows
from veririsk_assets_tests.pipeline.world import home, hours, outside

QUOTED = 'o\'brien [ab]* "q"; #1 {b} $HOME 東京 🚀\n.'
ADDRESSED = "a?b=c&d 100% %20%3f o'brien"
NAMES = [QUOTED, ADDRESSED, "plain", "a?b", "100%", "%20x", "%2525", "a#b", "file:x", "~", "a:b@c"]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(autouse=True)
def scratch(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Links and scratch files of a test lie in a folder of its own."""
    folder = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.mark.parametrize("name", [QUOTED, ADDRESSED])
def test_an_hour_is_stored_published_and_read_in_such_a_home(tmp_path: Path, name: str) -> None:
    house = home(Settings(home=tmp_path / name))
    first = publish(house)
    replay.score_window(house, outside(house), hours(0))
    second = publish(house)
    assert (first.is_written, first.is_incremental, second.is_written, second.is_incremental) == (True, False, True, True)
    upkeep(house.lake, set())
    house.close()
    with duckdb.connect(str(second.path), read_only=True) as connection:
        assert connection.execute("SELECT count(DISTINCT as_of) FROM pool_risk_history").fetchall() == [(1,)]
    assert "curve_3pool" in set(PublishedFile(second.path).ranking()["name"])
    assert names_in(tmp_path) == [name]
    assert names_in(second.path.parent) == ["publish.lock", "veririsk.duckdb"]


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")
def test_a_training_is_logged_and_fetched_in_such_a_home(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / ADDRESSED)
    fitted = tmp_path / "fitted"
    fitted.mkdir()
    (fitted / "artefact.json").write_text("{}")
    version = log_training(settings.tracking_uri, "pools", Training("pools-24h", fitted, pd.DataFrame({"log_tvl": [13.0]})))
    got = versions.download(settings.tracking_uri, "pools-24h", version, settings.models_folder / version)
    assert (got / "artefact.json").read_text() == "{}"
    assert names_in(tmp_path) == sorted([ADDRESSED, "fitted"])
    assert names_in(settings.mode_home / "mlflow") == ["artifacts", "mlflow.db"]


@pytest.mark.parametrize("name", NAMES)
def test_the_address_of_the_mlflow_store_means_a_file_in_the_home(tmp_path: Path, name: str) -> None:
    from sqlalchemy.engine import make_url

    settings = Settings(home=tmp_path / name)
    settings.mode_home.mkdir(parents=True)
    file = settings.mode_home / "mlflow" / "mlflow.db"
    address = settings.tracking_uri
    # SQLAlchemy decodes an address, MLflow makes the folder of one as it is written.
    for read in (str(make_url(address).database), address.removeprefix("sqlite:///"), str(sqlite_file(address))):
        assert Path(read).resolve() == file


@pytest.mark.parametrize("name", NAMES)
def test_dagster_gets_a_folder_that_it_can_write_as_an_address(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    folder = dagster_home(Settings(home=tmp_path / name))
    assert not set("?%") & set(str(folder))
    assert folder.resolve() == (tmp_path / name / "dagster").resolve()
    assert "telemetry" in (folder / "dagster.yaml").read_text()


def test_a_link_of_somebody_else_is_not_followed(tmp_path: Path, scratch: Path) -> None:
    link = plain(tmp_path / "a?b")
    assert link.readlink() == tmp_path / "a?b"
    assert plain(tmp_path / "a?b") == link
    assert link.parent == scratch
    link.unlink()
    link.symlink_to(tmp_path)
    with pytest.raises(ValueError, match="should be a link to"):
        plain(tmp_path / "a?b")


def test_upkeep_leaves_a_neighbour_alone_whose_folder_fits_the_pattern(tmp_path: Path) -> None:
    neighbour, pattern = home(Settings(home=tmp_path / "star")), home(Settings(home=tmp_path / "st*r"))
    neighbour.lake.replace(POOL_SNAPSHOTS, snapshot_rows(hours(0)), hours(0))
    files = sorted((tmp_path / "star").rglob("*.parquet"))
    for file in files:
        os.utime(file, (0, 0))
    upkeep(pattern.lake, set())
    assert files
    assert sorted((tmp_path / "star").rglob("*.parquet")) == files


def test_a_backslash_is_refused_in_a_sentence_before_a_folder_is_made_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="choose another VERIRISK_HOME"):
        home(Settings(home=tmp_path / "back\\slash"))
    assert names_in(tmp_path) == ["back\\slash"]


def test_a_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(path: Path, text: str, encoding: str) -> None:
        path.write_bytes(text.encode()[:3])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", torn)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "market.json", '{"seed": 11}')
    assert names_in(tmp_path) == []
