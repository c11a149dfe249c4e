"""Hours. A partition key is the start of its hour; `as_of` is its end."""

from datetime import datetime

import dagster as dg

from veririsk_assets.contracts.windows import Window, utc
from veririsk_assets.settings import Settings

FIRST_HOUR = {"simulated": "2025-01-01-00:00", "live": "2025-01-01-00:00", "recorded": "2020-05-01-00:00"}

HOURLY = dg.HourlyPartitionsDefinition(start_date=FIRST_HOUR[Settings().source])


def window_of(context: dg.AssetExecutionContext) -> Window:
    """The run's hours as one window."""
    span = context.partition_time_window
    return Window(utc(span.start), utc(span.end))


def partition_key(start: datetime) -> str:
    return utc(start).strftime("%Y-%m-%d-%H:%M")
