"""A real Dagster instance and a small simulated home that has two days of history."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from veririsk_assets.defs import resources
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import REPOSITORY_ROOT
from veririsk_assets_tests.defs.home import HISTORY, market_variables, shared_history


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder in memory where the machine has one: Dagster commits once per event."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="veririsk-", dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture
def fast_disk() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder


@pytest.fixture
def instance(fast_disk: Path) -> Iterator[dg.DagsterInstance]:
    """With the repository's own dagster.yaml."""
    home = fast_disk / "dagster"
    home.mkdir()
    shutil.copy(REPOSITORY_ROOT / "dagster.yaml", home)
    with dg.DagsterInstance.from_config(str(home)) as made:
        yield made


@pytest.fixture(scope="session")
def history() -> Iterator[Path]:
    """A home with HISTORY loaded unscored, and a copy beside it."""
    with memory_folder() as folder:
        shared_history(folder / "home")
        shutil.copytree(folder / "home", folder / "copy")
        yield folder / "home"


@pytest.fixture
def house(history: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The process's house, as Dagster's assets open it, with the history and nothing else.

    A catalog knows where its data is, so the copy goes back to where it was made.
    """
    home = history
    shutil.rmtree(home)
    shutil.copytree(home.parent / "copy", home)
    for name, value in market_variables(home).items():
        monkeypatch.setenv(name, value)
    opened = resources.HouseResource().open()
    assert opened.lake.sql("SELECT count(DISTINCT as_of) AS n FROM lake.features.hourly_pools")["n"].iloc[0] == HISTORY.hours
    yield opened
    opened.close()
    resources._outside.cache_clear()
    resources._house.cache_clear()
