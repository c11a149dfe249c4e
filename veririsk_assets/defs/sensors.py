"""The threshold sensor: a pool that turns HIGH is told once per onset. The alerts room will replace it."""

import dagster as dg

from veririsk_assets.defs.resources import HouseResource
from veririsk_assets.settings import Settings

STATUS = dg.DefaultSensorStatus.STOPPED if Settings().source == "recorded" else dg.DefaultSensorStatus.RUNNING


@dg.sensor(name="high_risk", minimum_interval_seconds=60, default_status=STATUS)
def high_risk(context: dg.SensorEvaluationContext, house: HouseResource) -> dg.SkipReason:
    """HIGH in an hour since the last look and not in the pool's hour before it: one log line, and one POST where a webhook is set."""
    from veririsk_assets.pipeline.learning.onsets import Told, news, tell

    opened = house.open()
    found = news(opened, Told.parse(context.cursor) if context.cursor else None)
    if found is None:
        return dg.SkipReason("nothing was scored yet")
    lines, told = tell(opened.settings, found)
    for line in lines:
        context.log.warning(line)
    context.update_cursor(str(told))
    waiting = f", {len(told.owed)} wait for the webhook" if told.owed else ""
    return dg.SkipReason(f"{len(found.onsets)} pools turned HIGH up to {told.until:%Y-%m-%d %H:%M} UTC{waiting}")


SENSORS = [high_risk]
