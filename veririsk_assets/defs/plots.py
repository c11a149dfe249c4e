"""Small pictures in metadata, where a person would rather look than read."""

import base64
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from veririsk_assets.contracts.pools import POOL_SCORES, POOL_SNAPSHOTS
from veririsk_assets.contracts.vocabulary import HIGH_SCORE, MEDIUM_SCORE
from veririsk_assets.contracts.windows import Window

if TYPE_CHECKING:
    from veririsk_assets.pipeline.step import House


def tvl_by_hour(house: "House", window: Window) -> dg.MetadataValue | None:
    """Total TVL of the last two days up to the window's end; drawn for ranges only, to keep an hourly run quick."""
    if window.hours == 1:
        return None
    rows = house.lake.sql(
        f"SELECT as_of, sum(tvl_usd) AS tvl FROM lake.{POOL_SNAPSHOTS.sql_name} WHERE as_of > ? AND as_of <= ? GROUP BY 1 ORDER BY 1",
        [window.lookback(max(48 - window.hours, 0)).start.replace(tzinfo=None), window.end.replace(tzinfo=None)],
    )
    figure, axis = _figure()
    axis.plot(rows["as_of"], rows["tvl"] / 1e6)
    axis.set_ylabel("TVL of all pools, million USD")
    axis.set_ylim(bottom=0)
    return _png(figure)


def score_histogram(house: "House", window: Window) -> dg.MetadataValue | None:
    """How the 24-hour scores of the window are spread over the levels; drawn for ranges only."""
    if window.hours == 1:
        return None
    scores = house.lake.read(POOL_SCORES, window, ["risk_score"], where="horizon_hours = 24 AND risk_score IS NOT NULL")["risk_score"]
    figure, axis = _figure()
    axis.hist(scores, bins=50, range=(0, 100))
    axis.set_yscale("symlog")
    for threshold in (MEDIUM_SCORE, HIGH_SCORE):
        axis.axvline(threshold, color="grey", linestyle="--", linewidth=1)
    axis.set_xlabel("risk score, 24 h (lines: MEDIUM and HIGH)")
    axis.set_ylabel("pool-hours")
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
