"""VeriRisk as Dagster sees it: what the declared path says, in reading order; nothing else."""

import dagster as dg

from veririsk_assets.defs import backtest, checks, jobs, path, published, raw, schedules, sensors
from veririsk_assets.defs.resources import HouseResource

defs = dg.Definitions(
    assets=[*raw.ASSETS, raw.STATUS, *path.ASSETS, *backtest.ASSETS, *published.ASSETS],
    asset_checks=checks.CHECKS,
    jobs=jobs.JOBS,
    schedules=schedules.SCHEDULES,
    sensors=sensors.SENSORS,
    resources={"house": HouseResource()},
    # The UI's Materialize uses it too: the hour is one chain, and a process per step would cost more than the step.
    executor=dg.in_process_executor,
)
