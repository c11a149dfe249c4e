"""Which model serves which hour: the newest champion whose validity began at or before it."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from veririsk_assets.contracts import pools
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings

FAMILY = "pools"
NO_MODEL = "rule"


def by_version(house: House, rows: pd.DataFrame, horizon: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows apart by the version that serves their hour; `rule` before the first champion."""
    reigns = house.lake.read(pools.CHAMPIONS, where="model = ? AND horizon_hours = ?", parameters=[FAMILY, horizon])
    reigns = reigns.sort_values(["valid_from", "decided_at"]).drop_duplicates("valid_from", keep="last")
    position = reigns["valid_from"].searchsorted(rows["as_of"], side="right") - 1
    versions = [NO_MODEL, *reigns["version"]]
    serving = pd.Series([versions[i + 1] for i in position], index=rows.index)
    for version, index in serving.groupby(serving).groups.items():
        yield str(version), rows.loc[index]


def folder(settings: Settings, horizon: int, version: str) -> Path:
    """Where a version's artefact is kept, so that hourly scoring needs no server."""
    return settings.models_folder / FAMILY / f"{horizon}h" / version


def load(settings: Settings, horizon: int, version: str) -> Any:
    """The served model, or None for the rule (also when its artefact is gone: then the score says heuristic)."""
    path = folder(settings, horizon, version)
    return None if version == NO_MODEL or not path.exists() else _loaded(path, version)


@lru_cache(maxsize=16)
def _loaded(path: Path, version: str) -> Any:
    from veririsk_assets.models.artefact import load as load_artefact

    return load_artefact(path, version)
