"""A second system with the same entities, hours and version numbers changes nothing of the first, table by table."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from veririsk_assets.contracts.catalogue import TABLES
from veririsk_assets.contracts.models import CALIBRATION_SHIFTS, CHAMPIONS, MODEL_VERSIONS, PERFORMANCE
from veririsk_assets.contracts.monitoring import SHADOW_SCORES
from veririsk_assets.contracts.systems import POOLS, System, known_system
from veririsk_assets.contracts.tables import ContractError
from veririsk_assets.contracts.windows import HOUR, Window
from veririsk_assets.pipeline.learning import champions, recalibration
from veririsk_assets.pipeline.learning.comparison import compared, listed
from veririsk_assets.pipeline.learning.gate import judge, shadow_hours
from veririsk_assets.pipeline.learning.promotion import previous
from veririsk_assets.pipeline.saying.performance import judge_scores, outcomes
from veririsk_assets.pipeline.saying.scores import store_scores
from veririsk_assets.pipeline.saying.shadow import shadow_scores
from veririsk_assets.pipeline.step import House
from veririsk_assets_tests.pipeline.small_house import HORIZON, SECOND, two_versions

SHARED = [table for table in TABLES if table.is_shared]
SCORED = Window(SECOND, SECOND + 9 * 24 * HOUR)
# The same entities under another name: all that differs is the system.
PONDS = replace(POOLS, name="ponds", singular="pond")


def work(house: House, system: System) -> None:
    recalibration.daily_shifts(house, system, SCORED)
    shadow_scores(house, system, SCORED)
    judge_scores(house, system, SCORED.end)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Pools with a champion and a challenger over nine days, all of it written down."""
    opened = two_versions(tmp_path)
    store_scores(opened, POOLS, SCORED)
    work(opened, POOLS)
    yield opened
    opened.close()


def settle(house: House) -> None:
    """Ponds get both versions of the pools, the other way round: there the second one serves."""
    shutil.copytree(house.settings.models_folder / POOLS.name, house.settings.models_folder / PONDS.name)
    trained = house.lake.read(MODEL_VERSIONS).assign(system=PONDS.name, base_rate_ratio=0.5)
    trained["trained_as_of"] = trained["trained_as_of"].to_numpy()[::-1]
    house.lake.append(MODEL_VERSIONS, trained)
    house.lake.append(CHAMPIONS, house.lake.read(CHAMPIONS).assign(system=PONDS.name, version="2"))


def of(house: House, system: System) -> dict[str, pd.DataFrame]:
    return {table.sql_name: house.lake.read(table, where="system = ?", parameters=[system.name]) for table in SHARED}


def said(house: House, system: System) -> list[object]:
    """Everything that is read of a system's models."""
    return [
        champions.line_up(house, system, HORIZON).pairs,
        champions.reigns_of(house, system, HORIZON).to_dict("records"),
        recalibration.known_days(house, system, SCORED).to_dict("records"),
        listed(house, system).to_dict("records"),
        outcomes(house, system, SCORED, HORIZON, "shadow").to_dict("records"),
        shadow_hours(house, system, HORIZON, "2", SCORED.end),
        judge(house, system, HORIZON, "2", "1", SCORED.end).text,
        previous(house, system, HORIZON, SCORED.end),
        str(compared(house, system, HORIZON, ("1", "2"), SCORED)),
    ]


def test_all_tables_that_systems_share_are_known_as_such() -> None:
    assert set(SHARED) == {MODEL_VERSIONS, CHAMPIONS, CALIBRATION_SHIFTS, SHADOW_SCORES, PERFORMANCE}


def test_a_second_system_changes_nothing_of_the_first(house: House) -> None:
    before, heard = of(house, POOLS), said(house, POOLS)
    settle(house)
    work(house, PONDS)
    after, ponds = of(house, POOLS), of(house, PONDS)
    for name, rows in before.items():
        pd.testing.assert_frame_equal(after[name], rows, obj=name)
        assert len(ponds[name]), name
    assert str(said(house, POOLS)) == str(heard)
    assert champions.line_up(house, PONDS, HORIZON).newest.champion == "2"
    work(house, POOLS)
    for name, rows in of(house, PONDS).items():
        pd.testing.assert_frame_equal(rows, ponds[name], obj=name)


def test_a_replace_names_its_system_where_a_table_is_shared_and_only_there(house: House) -> None:
    rows = house.lake.read(SHADOW_SCORES, SCORED)
    with pytest.raises(ContractError, match="is shared: say which system"):
        house.lake.replace(SHADOW_SCORES, rows, SCORED)
    with pytest.raises(ContractError, match="rows of pools among those of ponds"):
        house.lake.replace(SHADOW_SCORES, rows, SCORED, "ponds")
    with pytest.raises(ContractError, match="it has no system"):
        house.lake.replace(POOLS.scores, house.lake.read(POOLS.scores, SCORED), SCORED, "pools")


def test_an_unknown_system_is_named_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match="no system 'ponds'; known: pools"):
        known_system("ponds")
