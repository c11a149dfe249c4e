"""Rebuilding moves no behaviour: the rows of every lake table are what they were."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from veririsk_assets_tests.golden import FILE, differences, golden

# MLflow's own tables use a loader strategy that SQLAlchemy 2.1 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text())["digests"])


def test_every_table_holds_the_rows_that_it_held(recorded: dict[str, Any], tmp_path: Path) -> None:
    assert differences(golden(tmp_path), recorded) == []


def test_one_moved_value_and_one_new_null_are_seen(recorded: dict[str, Any]) -> None:
    moved = copy.deepcopy(recorded)
    sums = moved["market"]["features.hourly_pools"]["columns"]["volatility_24h"]
    sums[2] += sums[3] * 2e-6
    moved["market"]["scores.hourly_pools"]["columns"]["probability"][0] += 1
    moved["market"]["_about.row_counts"].popitem()
    assert len(differences(moved, recorded)) == 3
