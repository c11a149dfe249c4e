"""The hours that a recording can be asked about: a run ends where it does, and says so."""

from dataclasses import dataclass
from datetime import datetime

from veririsk_assets.pipeline.known.outside import recorded_market
from veririsk_assets.settings import Settings


@dataclass(frozen=True)
class AskedHours:
    """`[start, end)`, and what has to be said about them first."""

    start: datetime
    end: datetime
    said: tuple[str, ...] = ()


def within_recording(settings: Settings, start: datetime, end: datetime) -> AskedHours:
    """The hours that are recorded; all of them where nothing is replayed from a file. Raises ValueError where none is."""
    if settings.source != "recorded":
        return AskedHours(start, end)
    market = recorded_market(settings)
    first, last = market.first_hour, market.last_hour
    if start >= last or end <= first:
        raise ValueError(
            f"nothing is recorded from {_hour(start)} to {_hour(end)}: the recording runs from {_hour(first)} to {_hour(last)} UTC"
        )
    said = [*market.left_out]
    said += (
        [f"the recording begins at {_hour(first)} UTC: --from {_hour(start)} is before it, the run begins there"] if start < first else []
    )
    said += [f"the recording ends at {_hour(last)} UTC: --to {_hour(end)} is after it, the run ends there"] if end > last else []
    return AskedHours(max(start, first), min(end, last), tuple(said))


def _hour(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
