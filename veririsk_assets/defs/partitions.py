"""Hours and days. A partition key is the start of its step; `as_of` is its end."""

from datetime import datetime

import dagster as dg

from veririsk_assets.contracts.windows import Window, utc
from veririsk_assets.settings import Settings

FIRST_HOUR = {"simulated": "2025-01-01-00:00", "live": "2025-01-01-00:00", "recorded": "2020-05-01-00:00"}

HOURLY = dg.HourlyPartitionsDefinition(start_date=FIRST_HOUR[Settings().source])
DAILY = dg.DailyPartitionsDefinition(start_date=FIRST_HOUR[Settings().source].removesuffix("-00:00"))
# Step in hours → its partitions.
OF_STEP: dict[int, dg.TimeWindowPartitionsDefinition] = {1: HOURLY, 24: DAILY}


def window_of(context: dg.AssetExecutionContext, step_hours: int = 1) -> Window:
    """The run's steps as one window."""
    span = context.partition_time_window
    return Window(utc(span.start), utc(span.end), step_hours)


def partition_key(start: datetime, step_hours: int = 1) -> str:
    return utc(start).strftime(OF_STEP[step_hours].fmt)
