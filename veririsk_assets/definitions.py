"""VeriRisk as Dagster sees it: the stages in reading order; nothing else."""

import dagster as dg

from veririsk_assets.defs import (
    backtest,
    checks,
    features,
    jobs,
    learning,
    monitoring,
    published,
    raw,
    schedules,
    scores,
    sensors,
    snapshots,
)
from veririsk_assets.defs.resources import HouseResource

defs = dg.Definitions(
    assets=[
        *raw.ASSETS,
        raw.STATUS,
        *snapshots.ASSETS,
        *features.ASSETS,
        *learning.ASSETS,
        *scores.ASSETS,
        *monitoring.ASSETS,
        *backtest.ASSETS,
        *published.ASSETS,
    ],
    asset_checks=checks.CHECKS,
    jobs=jobs.JOBS,
    schedules=schedules.SCHEDULES,
    sensors=sensors.SENSORS,
    resources={"house": HouseResource()},
    # The UI's Materialize uses it too: the hour is one chain, and a process per step would cost more than the step.
    executor=dg.in_process_executor,
)
