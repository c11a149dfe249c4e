"""What has begun: drops under way, hour by hour, and the head that tells which of them are falls."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts import pools, systems
from veririsk_assets.contracts.detections import POOL_DETECTIONS
from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.vocabulary import DETECTION_HORIZON_HOURS, DETECTION_STATES
from veririsk_assets.contracts.windows import HOUR, Window
from veririsk_assets.features import detections as begun
from veririsk_assets.labels.detections import fall_labels
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.step import House, StepResult

HOUR_AND_POOL = ["as_of", "pool_key"]
CHUNK_HOURS = 24 * 28
# A little more than the states' own limit: the stored feature is a float of its own.
DOWN = "drawdown_24h <= -0.099"


def store_detections(house: House, window: Window) -> StepResult:
    """scores/hourly_pool_detections: every pool on the grid, by the version that serves its hour at 6 h."""
    grid = house.lake.read(pools.POOL_SNAPSHOTS, window, [*HOUR_AND_POOL, "tvl_usd", "input_age_hours", "is_tombstone", "doubt"])
    panel = house.lake.panel(pools.POOL_SNAPSHOTS, begun.INPUTS, window.lookback(begun.LOOKBACK_HOURS))
    rows = grid.merge(begun.detect(panel, window.hours).frame("pool_key"), on=HOUR_AND_POOL)
    if (rows["state"] >= begun.FALLING).any():
        rows = rows.merge(_features(house, window, DOWN), on=HOUR_AND_POOL, how="left")
    frames = [_said(house, part, version) for version, part in champions.by_version(house, systems.POOLS, rows, DETECTION_HORIZON_HOURS)]
    result = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=POOL_DETECTIONS.names)
    written = house.lake.replace(POOL_DETECTIONS, result[POOL_DETECTIONS.names], window)
    return StepResult.of(written, state=result["state"].value_counts().to_dict())


def _features(house: House, window: Window, where: str = "") -> pd.DataFrame:
    from veririsk_assets.models.catalogue.pools import DETECTION_COLUMNS

    stored = [name for name in DETECTION_COLUMNS if name in pools.POOL_FEATURES.names and name not in ("drop_ratio", "input_age_hours")]
    return house.lake.read(pools.POOL_FEATURES, window, [*HOUR_AND_POOL, *stored], where=where)


def _said(house: House, rows: pd.DataFrame, version: str) -> pd.DataFrame:
    state = rows["state"].to_numpy(dtype=np.int64)
    has_begun = state >= begun.FALLING
    served = champions.load(house.settings, systems.POOLS, DETECTION_HORIZON_HOURS, version)
    head = served.detection if served else None
    probability = np.full(len(rows), np.nan)
    note = np.full(len(rows), None, dtype=object)
    note[state == begun.UNKNOWN] = _why(rows[state == begun.UNKNOWN])
    unsure = has_begun & rows["doubt"].notna().to_numpy()
    if head is None:
        note[has_begun] = "rule only" if served is None else f"no detection head in version {version}"
    elif has_begun.any():
        # A feature that is not stored is not known.
        seen = rows[has_begun].reindex(columns=list(head.features))
        probability[has_begun] = head.probability(head.margin(head.matrix(seen)))
    note[unsure] = [f"{said}; {doubt}" if said else doubt for said, doubt in zip(note[unsure], rows["doubt"][unsure], strict=True)]
    return rows[[*HOUR_AND_POOL, "high_tvl_usd"]].assign(
        state=np.array(DETECTION_STATES, dtype=object)[state],
        begun_at=rows["as_of"] - pd.to_timedelta(rows["begun_hours"], unit="h"),
        drop_ratio=np.where(state == begun.UNKNOWN, np.nan, rows["drop_ratio"]),
        probability=probability,
        model_version=version,
        note=note,
    )


def _why(rows: pd.DataFrame) -> np.ndarray:
    """Why a state is unknown; most telling first."""
    reasons = (
        (rows["is_tombstone"].to_numpy(dtype=bool), "the pool is missing from its source"),
        (~(rows["tvl_usd"] >= 0).to_numpy(), "TVL is not known"),
        ((rows["high_tvl_usd"] <= 0).to_numpy(), "TVL is zero"),
        ((rows["input_age_hours"] > begun.STALE_HOURS).to_numpy(), f"the last observation is older than {begun.STALE_HOURS:g} hours"),
    )
    return np.select([mask for mask, _ in reasons], [reason for _, reason in reasons], "less than half of the last 24 hours is known")


def equipped(house: House, served: Any, window: Window) -> Any:
    """A version of the detection's horizon with the head that the window can teach; where it cannot, the metadata say why (`detection`)."""
    from veririsk_assets.models.catalogue import pools as catalogue
    from veririsk_assets.training.datasets import CannotTrain, from_frames
    from veririsk_assets.training.fit import train

    if served.horizon_hours != DETECTION_HORIZON_HOURS:
        return served
    try:
        rows = training_rows(house, window)
        names = [name for name in catalogue.DETECTION_COLUMNS if name in rows]
        dataset = from_frames(rows, rows, "pool_key", DETECTION_HORIZON_HOURS, "fall", window.as_of, names, step_hours=1)
        head = train(dataset, catalogue.spec(catalogue.DETECTION, DETECTION_HORIZON_HOURS)).served
    except CannotTrain as reason:
        return replace(served, metadata=served.metadata | {"detection": f"no detection head: {reason}"})
    return replace(served, detection=head)


def training_rows(house: House, window: Window) -> pd.DataFrame:
    """Hours with a drop under way, their features and `fall`: what had become of them by the window's end."""
    span = house.lake.span(pools.POOL_FEATURES)
    start = max(window.start, span[0] - HOUR) if span else window.end
    end = window.end - DETECTION_HORIZON_HOURS * HOUR
    frames = [_begun_rows(house, chunk) for chunk in Window(start, end).chunks(CHUNK_HOURS)] if start < end else []
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[*HOUR_AND_POOL, "fall"])


def _begun_rows(house: House, window: Window) -> pd.DataFrame:
    seen = Window(window.start - begun.LOOKBACK_HOURS * HOUR, window.end + DETECTION_HORIZON_HOURS * HOUR)
    panel = house.lake.panel(pools.POOL_SNAPSHOTS, (*begun.INPUTS, "is_tombstone"), seen)
    known = _until(panel, window.end)
    found = begun.detect(known, window.hours)
    fall = fall_labels(panel.tail(window.hours + DETECTION_HORIZON_HOURS), found["high_tvl_usd"])
    columns = found.values | {"fall": fall, "input_age_hours": known["input_age_hours"][-window.hours :]}
    keep = (found["state"] >= begun.FALLING) & np.isfinite(fall)
    return Panel(window, panel.keys, columns).frame("pool_key", keep).merge(_features(house, window, DOWN), on=HOUR_AND_POOL)


def _until(panel: Panel, end: datetime) -> Panel:
    """The panel as it was at `end`."""
    window = Window(panel.window.start, end)
    return Panel(window, panel.keys, {name: values[: window.hours] for name, values in panel.values.items()})
