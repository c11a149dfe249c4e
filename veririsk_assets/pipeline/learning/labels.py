"""Snapshots → labels: what happened next, once it has."""

from datetime import datetime

import numpy as np
import pandas as pd

from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.windows import HOUR, Window, floor_step, utc
from veririsk_assets.pipeline.known import late
from veririsk_assets.pipeline.step import House, StepResult
from veririsk_assets.pipeline.systems import Labels, bound


def store_labels(house: House, system: System, window: Window, now: datetime | None = None) -> StepResult:
    """The system's labels of the instants of the window whose horizon has passed by `now` (default: the run's time).

    A horizon has passed only once its snapshots are stored: where they lag behind the clock, labels wait for them.
    """
    own, seen = bound(system).labels, house.lake.snapshot_id()
    assert own is not None
    if system.tells_its_past:
        window = late.widened(house, system, system.labels, [system.snapshots], "as_of", window, seen)
    span = house.lake.span(system.snapshots)
    known_until = min(utc(now or house.now()), span[1]) if span else window.start
    frames = [frame for horizon in system.horizons for frame in _of_horizon(house, system, own, horizon, window, known_until)]
    names = system.labels.names
    result = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=names)
    events = {f"{system.label}_{h}h": int(result.loc[result["horizon_hours"] == h, system.label].sum()) for h in system.horizons}
    written = house.lake.replace(system.labels, result[names], window)
    if system.tells_its_past:
        late.remember(house, system.labels, seen)
    return StepResult.of(written, **events)


def _of_horizon(house: House, system: System, own: Labels, horizon: int, window: Window, known_until: datetime) -> list[pd.DataFrame]:
    step, hours = window.step, system.step_hours
    end = min(window.end, floor_step(known_until - horizon * HOUR, hours))
    if end <= window.start:
        return []
    ahead = horizon // hours
    beyond = min(int((known_until - end) / step) - ahead, own.beyond)
    panel = house.lake.panel(system.snapshots, own.inputs, Window(window.start - own.back * step, end + (ahead + beyond) * step, hours))
    labels = own.build(panel, ahead, Window(window.start, end, hours).steps, beyond)
    frame = labels.frame(system.key, ~np.isnan(labels[system.label]))
    matured = frame["as_of"] + pd.to_timedelta(horizon + frame.get("waited_hours", 0), unit="h")
    flags = {column.name: frame[column.name] > 0 for column in system.labels.columns if column.kind == "bool"}
    return [frame.assign(horizon_hours=horizon, matured_at=matured, **flags)]
