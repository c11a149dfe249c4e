"""Which version serves which hour and entity: the newest champion valid at the hour, or its challenger on a share of entities."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts.models import CHAMPIONS, MODEL_VERSIONS
from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.windows import naive
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings

NO_MODEL = "rule"
# An entity's key is a hash of 48 bits: as a fraction of them it is a stable, even draw between 0 and 1.
KEY_SPACE = 2**48
OF_HORIZON = "system = ? AND horizon_hours = ?"


@dataclass(frozen=True)
class Pair:
    """Who serves and who waits: the challenger is the newest version after the champion that has never served."""

    champion: str
    challenger: str | None = None


@dataclass(frozen=True)
class LineUp:
    """The pairs of one horizon through time; `pairs[i]` holds from `since[i]` on."""

    since: np.ndarray
    pairs: tuple[Pair, ...]

    @property
    def newest(self) -> Pair:
        return self.pairs[-1] if self.pairs else Pair(NO_MODEL)

    def at(self, as_of: datetime) -> Pair:
        found = next(iter(self.parts(pd.DataFrame({"as_of": [pd.Timestamp(naive(as_of))]}))))
        return found[0]

    def parts(self, rows: pd.DataFrame) -> Iterator[tuple[Pair, pd.DataFrame]]:
        """The rows apart by the pair of their hour; the rule alone before the first version."""
        position = np.searchsorted(self.since, rows["as_of"].to_numpy(dtype="datetime64[us]"), side="right")
        for i in np.unique(position):
            yield (self.pairs[i - 1] if i else Pair(NO_MODEL)), rows[position == i]


def line_up(house: House, system: System, horizon: int, decided_by: datetime | None = None) -> LineUp:
    """From models/champions and models/versions; `decided_by` leaves out what was decided later."""
    reigns = reigns_of(house, system, horizon)
    if decided_by is not None:
        reigns = reigns[reigns["decided_at"] <= naive(decided_by)]
    trained = house.lake.read(MODEL_VERSIONS, columns=["version", "trained_as_of"], where=OF_HORIZON, parameters=[system.name, horizon])
    trained = trained.assign(number=trained["version"].astype(int)).sort_values(["trained_as_of", "number"], ignore_index=True)
    moments = sorted({*reigns["valid_from"], *trained["trained_as_of"]})
    return LineUp(np.array(moments, dtype="datetime64[us]"), tuple(_pair(reigns, trained, moment) for moment in moments))


def reigns_of(house: House, system: System, horizon: int) -> pd.DataFrame:
    """Every promotion and rollback of a horizon, in the order in which they came into force."""
    reigns = house.lake.read(CHAMPIONS, where=OF_HORIZON, parameters=[system.name, horizon])
    return reigns.sort_values(["valid_from", "decided_at"], ignore_index=True)


def _pair(reigns: pd.DataFrame, trained: pd.DataFrame, moment: pd.Timestamp) -> Pair:
    served = reigns.loc[reigns["valid_from"] <= moment, "version"]
    champion = str(served.iloc[-1]) if len(served) else NO_MODEL
    known = trained.loc[trained["trained_as_of"] <= moment, "version"]
    place = known.index[known == champion]
    later = known.loc[place[0] + 1 :] if len(place) else known
    waiting = later[~later.isin(served)]
    return Pair(champion, str(waiting.iloc[-1]) if len(waiting) else None)


def by_version(house: House, system: System, rows: pd.DataFrame, horizon: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows apart by the version that serves their hour and entity; `rule` before the first champion."""
    share = house.settings.challenger_share
    for pair, part in line_up(house, system, horizon).parts(rows):
        split = is_split(part[system.key].to_numpy(), share) & _is_at_home(house.settings, system, horizon, pair.challenger)
        for version, mask in ((pair.champion, ~split), (str(pair.challenger), split)):
            if mask.any():
                yield version, part[mask]


def is_split(key: np.ndarray, share: float) -> np.ndarray:
    """Whether the challenger serves the entity: stable by the hash of its id, and a larger share keeps the entities of a smaller one."""
    return np.asarray(key, dtype=np.float64) < share * KEY_SPACE


def _is_at_home(settings: Settings, system: System, horizon: int, version: str | None) -> bool:
    return version is not None and folder(settings, system, horizon, version).exists()


def folder(settings: Settings, system: System, horizon: int, version: str) -> Path:
    """Where a version's artefact is kept, so that hourly scoring needs no server."""
    return settings.models_folder / system.name / f"{horizon}h" / version


def load(settings: Settings, system: System, horizon: int, version: str) -> Any:
    """The served model, or None for the rule (also when its artefact is gone: then the score says heuristic)."""
    path = folder(settings, system, horizon, version)
    return None if version == NO_MODEL or not path.exists() else _loaded(path, version)


@lru_cache(maxsize=16)
def _loaded(path: Path, version: str) -> Any:
    from veririsk_assets.models.artefact import load as load_artefact

    return load_artefact(path, version)
