"""The threshold sensor: a pool that turns HIGH is told once per onset. The alerts room will replace it."""

import dagster as dg

from veririsk_assets.contracts.windows import utc
from veririsk_assets.defs.resources import HouseResource
from veririsk_assets.settings import Settings

STATUS = dg.DefaultSensorStatus.STOPPED if Settings().source == "recorded" else dg.DefaultSensorStatus.RUNNING


@dg.sensor(name="high_risk", minimum_interval_seconds=60, default_status=STATUS)
def high_risk(context: dg.SensorEvaluationContext, house: HouseResource) -> dg.SkipReason:
    """HIGH in the latest hour and not in the one before: one log line, and one POST where a webhook is set."""
    from veririsk_assets.pipeline.onsets import new_onsets, tell

    opened = house.open()
    as_of, onsets = new_onsets(opened, utc(context.cursor) if context.cursor else None)
    for line in tell(opened.settings, onsets):
        context.log.warning(line)
    if as_of is not None:
        context.update_cursor(utc(as_of).isoformat())
    return dg.SkipReason(f"{len(onsets)} pools turned HIGH at {as_of}" if as_of else "no new hour")


SENSORS = [high_risk]
