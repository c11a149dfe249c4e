"""Replay of one score: from the raw rows that were available then, and the version that served then, to the score, in memory."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.texts import is_shown_as
from veririsk_assets.contracts.vocabulary import HEURISTIC
from veririsk_assets.contracts.windows import Window, naive, utc
from veririsk_assets.pipeline.known.known_then import Then, first_pull, known_then
from veririsk_assets.pipeline.learning import champions, recalibration
from veririsk_assets.pipeline.saying.performance import first_published
from veririsk_assets.pipeline.saying.scores import Inputs, on_grid, refused_ratio, scored, source_doubts
from veririsk_assets.pipeline.step import House

TOLERANCE = 1e-6
# What a score says of when and by what it was made, and in whose name, is no part of what it says.
NOT_COMPARED = ("as_of", "horizon_hours", "cause_note", "scored_at", "lake_snapshot_id")


@dataclass(frozen=True)
class Replay:
    """`replayed` and `published` by column; `differences`: column → (published, replayed); `remarks`: what else a reader should know."""

    entity_id: str
    horizon: int
    replayed: dict[str, Any]
    published: dict[str, Any] | None
    differences: dict[str, tuple[Any, Any]]
    remarks: list[str] = field(default_factory=list)

    @property
    def is_same(self) -> bool:
        return self.published is not None and not self.differences


def replay_score(house: House, system: System, entity: str, as_of: datetime, horizons: tuple[int, ...]) -> list[Replay]:
    """Replays the entity's scores of one instant. Raises ValueError for an unknown entity, an instant to come, or raw rows that say nothing of it."""
    entity_id, key = find_entity(house, system, entity)
    window = Window.ending(as_of, step_hours=system.step_hours)
    if window.cutoff > house.now():
        raise ValueError(f"the decision about {as_of:%Y-%m-%d %H:%M} UTC is taken at {window.cutoff:%H:%M}: it cannot be replayed before")
    then = known_then(house, system, window)
    if key not in set(then.grid[system.key]):
        first = first_pull(house, system)
        begins = f"; raw history begins {first:%Y-%m-%d %H:%M}" if first else "; there are no raw rows"
        raise ValueError(f"raw rows available by {window.cutoff:%Y-%m-%d %H:%M} say nothing of {entity_id}{begins}")
    return [_replayed(house, system, entity_id, key, horizon, window, then) for horizon in horizons]


def find_entity(house: House, system: System, entity: str) -> tuple[str, int]:
    """Id and key of an entity by its id or its name, in any case."""
    known = house.lake.read(system.entities, columns=[*system.identity[:2], system.key])
    for column in system.identity[:2]:
        found = known[known[column].str.lower() == entity.lower()]
        found = found if len(found) else known[[is_shown_as(value, entity) for value in known[column]]]
        if len(found) > 1:
            raise ValueError(f"{entity!r} names {len(found)} {system.name}: {', '.join(found[system.id])}")
        if len(found):
            return str(found[system.id].iloc[0]), int(found[system.key].iloc[0])
    raise ValueError(f"no {system.singular} has the id or name {entity!r}; `veririsk rank --all --system {system.name}` lists them")


def _replayed(house: House, system: System, entity_id: str, key: int, horizon: int, window: Window, then: Then) -> Replay:
    published = _published(house, system, key, horizon, window)
    scored_at = utc(published["scored_at"].to_pydatetime()) if published else None
    version, remarks = _served_then(house, system, key, horizon, window, published)
    inputs = Inputs(
        on_grid(system, then.grid, then.features),
        source_doubts(house, system, window, scored_at),
        refused_ratio(house, system, window, scored_at),
        recalibration.known_days(house, system, window, scored_at),
    )
    own = inputs.rows[inputs.rows[system.key] == key]
    replayed = {str(k): v for k, v in pd.concat(scored(house, system, inputs, own, horizon, version)).iloc[0].items()}
    differences = _differences(system, published, replayed) if published else {}
    remarks = [
        *then.remarks,
        *remarks,
        *_received_since(house, system, window, published),
        *_rewritten(house, system, key, horizon, window, published),
    ]
    if differences:
        remarks += _moved_features(house, system, own, window)
    return Replay(entity_id, horizon, replayed, published, differences, remarks)


def _served_then(
    house: House, system: System, key: int, horizon: int, window: Window, published: dict[str, Any] | None
) -> tuple[str, list[str]]:
    """The version by what had been decided when the score was made; where entities are split the score itself says which of the two."""
    scored_at = utc(published["scored_at"].to_pydatetime()) if published else None
    pair = champions.line_up(house, system, horizon, scored_at).at(window.as_of)
    if published is None:
        is_split = pair.challenger is not None and champions.is_split(np.array([key]), house.settings.challenger_share)[0]
        return str(pair.challenger) if is_split else pair.champion, []
    said = champions.NO_MODEL if published["model_name"] == HEURISTIC else str(published["model_version"])
    if said == pair.challenger:
        return said, [f"the challenger served this {system.singular}"]
    return pair.champion, []


def _published(house: House, system: System, key: int, horizon: int, window: Window) -> dict[str, Any] | None:
    return _one(house, system, f"({first_published(house, system, f'as_of = TIMESTAMP {_quoted(window)}')})", key, horizon, window)


def _quoted(window: Window) -> str:
    return f"'{naive(window.as_of).isoformat(sep=' ')}'"


def _one(house: House, system: System, source: str, key: int, horizon: int, window: Window) -> dict[str, Any] | None:
    query = f"SELECT * FROM {source} WHERE as_of = ? AND {system.key} = ? AND horizon_hours = ?"
    rows = house.lake.sql(query, [naive(window.as_of), key, horizon])
    return {str(k): v for k, v in rows.iloc[0].items()} if len(rows) else None


def _received_since(house: House, system: System, window: Window, published: dict[str, Any] | None) -> list[str]:
    """Raw rows about these hours that were stored after the score had been made: a replay knows them, the score did not."""
    if published is None:
        return []
    seen = int(published["lake_snapshot_id"])
    back = window.lookback(system.lookback_steps)
    bounds = [naive(back.start), naive(window.cutoff)]
    counts = {table.name: house.lake.count_added(table, seen, "available_at > ? AND available_at <= ?", bounds) for table in system.feeds}
    said = ", ".join(f"{count:,} of {name}" for name, count in counts.items() if count)
    total = sum(count or 0 for count in counts.values())
    return [f"raw has since received {total:,} rows for these hours ({said}); `veririsk recompute` takes them in"] if total else []


def _rewritten(house: House, system: System, key: int, horizon: int, window: Window, published: dict[str, Any] | None) -> list[str]:
    now = _one(house, system, f"lake.{system.scores.sql_name}", key, horizon, window)
    moved = _differences(system, published, now) if published and now else {}
    return [f"scored again since, at {now['scored_at']:%Y-%m-%d %H:%M}: {', '.join(moved)} changed"] if now and moved else []


def _differences(system: System, published: dict[str, Any], replayed: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    compared = [name for name in system.columns(system.scores) if name not in NOT_COMPARED]
    return {name: (published[name], replayed[name]) for name in compared if not _is_same(published[name], replayed[name])}


def _is_same(a: Any, b: Any) -> bool:
    if pd.isna(a) or pd.isna(b):
        return bool(pd.isna(a) and pd.isna(b))
    return a == b if isinstance(a, str) else bool(np.isclose(float(a), float(b), rtol=TOLERANCE, atol=TOLERANCE))


def _moved_features(house: House, system: System, own: pd.DataFrame, window: Window) -> list[str]:
    """Where a score differs: which of its features differ from the stored ones."""
    stored = house.lake.read(system.features, window, where=f"{system.key} = ?", parameters=[int(own[system.key].iloc[0])])
    if stored.empty:
        return ["no features of that hour are stored"]
    names = [name for name in system.feature_names if name in own and not _is_same(stored[name].iloc[0], own[name].iloc[0])]
    said = [f"{name} {stored[name].iloc[0]:.6g} → {own[name].iloc[0]:.6g}" for name in names[:5]]
    return [f"{len(names)} features differ from the stored ones: {', '.join(said)}"] if names else ["its features are the stored ones"]
