"""The shadow: champion and challenger score the same hours; whoever does not serve an entity is kept apart, unseen."""

from collections.abc import Iterator

import pandas as pd

from veririsk_assets.contracts.monitoring import SHADOW_SCORES
from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.windows import Window, naive
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.saying.scores import Inputs, read_inputs, scored
from veririsk_assets.pipeline.step import House, StepResult

ONE_SCORE = ["as_of", "entity_key", "horizon_hours", "model_name", "model_version"]


def shadow_scores(house: House, system: System, window: Window) -> StepResult:
    """monitoring/shadow_scores of a system: after its scores, which say who serves; nothing where no challenger waits."""
    snapshot_id = house.lake.snapshot_id()
    waiting = {horizon: champions.line_up(house, system, horizon) for horizon in system.horizons}
    names = SHADOW_SCORES.names
    result = pd.DataFrame(columns=names)
    if any(pair.challenger for line_up in waiting.values() for pair in line_up.pairs):
        inputs = read_inputs(house, system, window)
        frames = [frame for horizon, line_up in waiting.items() for frame in _of_horizon(house, system, inputs, horizon, line_up)]
        result = pd.concat(frames, ignore_index=True).rename(columns={system.key: "entity_key"}) if frames else result
    result = _without_served(house, system, result, window)
    result = result.assign(system=system.name, scored_at=pd.Timestamp(naive(house.now())), lake_snapshot_id=snapshot_id)
    written = house.lake.replace(SHADOW_SCORES, result[names], window, system.name)
    return StepResult.of(written, versions=_counts(result))


def _counts(result: pd.DataFrame) -> dict[str, int]:
    if result.empty:
        return {}
    of = result["role"] + " version " + result["model_version"] + ", " + result["horizon_hours"].astype(str) + " h"
    return {str(name): int(count) for name, count in of.value_counts().items()}


def _of_horizon(house: House, system: System, inputs: Inputs, horizon: int, line_up: champions.LineUp) -> Iterator[pd.DataFrame]:
    for pair, rows in line_up.parts(inputs.rows):
        if pair.challenger is None or not champions.folder(house.settings, system, horizon, pair.challenger).exists():
            continue
        for role, version in (("champion", pair.champion), ("challenger", pair.challenger)):
            yield from (frame.assign(role=role) for frame in scored(house, system, inputs, rows, horizon, version))


def _without_served(house: House, system: System, result: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Of the two, the one that did not serve the entity, by what the score itself says."""
    if result.empty:
        return result
    key = [system.key if name == "entity_key" else name for name in ONE_SCORE]
    served = house.lake.read(system.scores, window, key)
    is_served = pd.MultiIndex.from_frame(result[ONE_SCORE]).isin(pd.MultiIndex.from_frame(served))
    return result[~is_served]
