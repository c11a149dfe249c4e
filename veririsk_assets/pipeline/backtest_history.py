"""The lake's own history judged now and then: each backtest in a folder of its own in the home, the oldest ones removed."""

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from veririsk_assets.pipeline.backtest import PARTS, Finished, backtest_pools, lake_material
from veririsk_assets.pipeline.step import House

if TYPE_CHECKING:
    from veririsk_assets.backtest.setting import Setting

FOLDER = "backtests"
# A year of monthly ones.
KEPT = 12


def judge_history(
    house: House,
    setting: "Setting",
    start: datetime | None = None,
    end: datetime | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Finished:
    """Runs the backtest and keeps its files in `backtests/<when>-<label>-<horizon>h` of the home, whole or not at all.

    Raises CannotBeHonest or CannotTrain where there is nothing to say; then the folders stay as they were.
    """
    material = lake_material(house, setting, start, end)
    kept = house.settings.mode_home / FOLDER
    kept.mkdir(parents=True, exist_ok=True)
    scratch = Path(mkdtemp(prefix=".building-", dir=kept))
    try:
        building = scratch / "files"
        done = backtest_pools(material, setting, building, progress=progress)
        # The single fits are in the predictions.
        shutil.rmtree(building / PARTS, ignore_errors=True)
        target = kept / f"{house.now():%Y-%m-%dT%H%M%S}-{setting.label}-{setting.horizon_hours}h"
        building.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    _remove_oldest(kept)
    return Finished(done.report, done.backtest, target)


def _remove_oldest(kept: Path) -> None:
    """All but the newest KEPT folders, by their names."""
    for folder in sorted((one for one in kept.iterdir() if not one.name.startswith(".")), reverse=True)[KEPT:]:
        shutil.rmtree(folder)
