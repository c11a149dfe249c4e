"""Pools by the hour, what happened next: labels once their horizon has passed."""

from datetime import datetime

import numpy as np
import pandas as pd

from veririsk_assets.contracts import pools
from veririsk_assets.contracts.vocabulary import HORIZONS
from veririsk_assets.contracts.windows import HOUR, Window, utc
from veririsk_assets.pipeline.step import House, StepResult


def hourly_pool_labels(house: House, window: Window, now: datetime | None = None) -> StepResult:
    """labels/hourly_pools for the hours of the window whose horizon has passed by `now` (default: the run's time).

    A horizon has passed only once its snapshots are stored: where they lag behind the clock, labels wait for them.
    """
    from veririsk_assets.labels.pools import BEYOND_HOURS, INPUTS, build_labels

    span = house.lake.span(pools.POOL_SNAPSHOTS)
    known_until = min(utc(now or house.now()), span[1]) if span else window.start
    frames = []
    for horizon in HORIZONS:
        end = min(window.end, known_until - horizon * HOUR)
        end = end.replace(minute=0, second=0, microsecond=0)
        if end <= window.start:
            continue
        beyond = min(int((known_until - end) / HOUR) - horizon, BEYOND_HOURS)
        seen = Window(window.start - 24 * HOUR, end + (horizon + beyond) * HOUR)
        panel = house.lake.panel(pools.POOL_SNAPSHOTS, INPUTS, seen)
        labels = build_labels(panel, horizon, Window(window.start, end).hours, beyond)
        frame = labels.frame("pool_key", ~np.isnan(labels["crash"]))
        matured = frame["as_of"] + pd.to_timedelta(horizon + frame["waited_hours"], unit="h")
        frames.append(frame.assign(horizon_hours=horizon, matured_at=matured, is_at_risk=frame["is_at_risk"] > 0))
    result = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=pools.POOL_LABELS.names)
    events = {f"crash_{h}h": int(result.loc[result["horizon_hours"] == h, "crash"].sum()) for h in HORIZONS}
    return StepResult.of(house.lake.replace(pools.POOL_LABELS, result[pools.POOL_LABELS.names], window), **events)
