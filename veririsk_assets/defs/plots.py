"""Small pictures in metadata, where a person would rather look than read."""

import base64
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.vocabulary import HIGH_SCORE, MEDIUM_SCORE
from veririsk_assets.contracts.windows import Window, naive
from veririsk_assets.pipeline.path import Step

if TYPE_CHECKING:
    from veririsk_assets.pipeline.step import House


def total(house: "House", system: System, window: Window) -> dg.MetadataValue | None:
    """What all entities are measured by, together, of the last 48 steps up to the window's end; drawn for ranges only, to keep an hourly run quick."""
    if window.steps == 1:
        return None
    rows = house.lake.sql(
        f"SELECT as_of, sum({system.measure}) AS total FROM lake.{system.snapshots.sql_name} WHERE as_of > ? AND as_of <= ? GROUP BY 1 ORDER BY 1",
        [naive(window.lookback(max(48 - window.steps, 0)).start), naive(window.end)],
    )
    figure, axis = _figure()
    axis.plot(rows["as_of"], rows["total"] / 1e6)
    axis.set_ylabel(f"{system.measured} of all {system.name}, million {system.snapshots.column(system.measure).unit}")
    axis.set_ylim(bottom=0)
    return _png(figure)


def histogram(house: "House", system: System, window: Window) -> dg.MetadataValue | None:
    """How the scores of the shown horizon are spread over the levels; drawn for ranges only."""
    if window.steps == 1:
        return None
    where = f"horizon_hours = {system.shown_horizon} AND risk_score IS NOT NULL"
    scores = house.lake.read(system.scores, window, ["risk_score"], where=where)["risk_score"]
    figure, axis = _figure()
    axis.hist(scores, bins=50, range=(0, 100))
    axis.set_yscale("symlog")
    for threshold in (MEDIUM_SCORE, HIGH_SCORE):
        axis.axvline(threshold, color="grey", linestyle="--", linewidth=1)
    axis.set_xlabel(f"risk score, {system.shown_horizon} h (lines: MEDIUM and HIGH)")
    axis.set_ylabel(f"{system.name} by the {'hour' if system.step_hours == 1 else 'day'}")
    return _png(figure)


def picture_of(png: Path) -> dg.MetadataValue:
    """A picture that was written as a file, shown where it is looked for."""
    return _inline(png.read_bytes())


def _figure() -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 2.4), layout="constrained")
    return figure, figure.subplots()


def _png(figure: Any) -> dg.MetadataValue:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    return _inline(buffer.getvalue())


def _inline(png: bytes) -> dg.MetadataValue:
    return dg.MetadataValue.md(f"![plot](data:image/png;base64,{base64.b64encode(png).decode()})")


def of_step(step: Step) -> Callable[["House", System, Window], dg.MetadataValue | None] | None:
    """The picture of a step's table, where there is one."""
    system = step.systems[0]
    return {system.snapshots: total, system.scores: histogram}.get(step.table)
