"""The shadow: champion and challenger score the same hours; whoever does not serve a pool is kept apart, unseen."""

from collections.abc import Iterator

import pandas as pd

from veririsk_assets.contracts import monitoring, pools
from veririsk_assets.contracts.vocabulary import HORIZONS
from veririsk_assets.contracts.windows import Window, naive
from veririsk_assets.pipeline import champions
from veririsk_assets.pipeline.scores import Inputs, read_inputs, scored
from veririsk_assets.pipeline.step import House, StepResult

ONE_SCORE = ["as_of", "pool_key", "horizon_hours", "model_name", "model_version"]


def hourly_pool_shadow_scores(house: House, window: Window) -> StepResult:
    """monitoring/shadow_scores: after scores/hourly_pools, which says who serves; nothing where no challenger waits."""
    snapshot_id = house.lake.snapshot_id()
    waiting = {horizon: champions.line_up(house, horizon) for horizon in HORIZONS}
    names = monitoring.SHADOW_SCORES.names
    result = pd.DataFrame(columns=names)
    if any(pair.challenger for line_up in waiting.values() for pair in line_up.pairs):
        inputs = read_inputs(house, window)
        frames = [frame for horizon, line_up in waiting.items() for frame in _of_horizon(house, inputs, horizon, line_up)]
        result = pd.concat(frames, ignore_index=True) if frames else result
    result = _without_served(house, result, window)
    result = result.assign(scored_at=pd.Timestamp(naive(house.now())), lake_snapshot_id=snapshot_id)
    written = house.lake.replace(monitoring.SHADOW_SCORES, result[names], window)
    return StepResult.of(written, versions=_counts(result))


def _counts(result: pd.DataFrame) -> dict[str, int]:
    if result.empty:
        return {}
    of = result["role"] + " version " + result["model_version"] + ", " + result["horizon_hours"].astype(str) + " h"
    return {str(name): int(count) for name, count in of.value_counts().items()}


def _of_horizon(house: House, inputs: Inputs, horizon: int, line_up: champions.LineUp) -> Iterator[pd.DataFrame]:
    for pair, rows in line_up.parts(inputs.rows):
        if pair.challenger is None or not champions.folder(house.settings, horizon, pair.challenger).exists():
            continue
        for role, version in (("champion", pair.champion), ("challenger", pair.challenger)):
            yield from (frame.assign(role=role) for frame in scored(house, inputs, rows, horizon, version))


def _without_served(house: House, result: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Of the two, the one that did not serve the pool, by what the score itself says."""
    if result.empty:
        return result
    served = house.lake.read(pools.POOL_SCORES, window, ONE_SCORE)
    is_served = pd.MultiIndex.from_frame(result[ONE_SCORE]).isin(pd.MultiIndex.from_frame(served))
    return result[~is_served]
