"""The named jobs. They are coupled through stored data, never through each other's run status."""

from typing import Any

import dagster as dg

from veririsk_assets.contracts.models import CALIBRATION_SHIFTS
from veririsk_assets.contracts.pools import POOL_LABELS
from veririsk_assets.defs import backtest, checks, features, learning, monitoring, published, raw, scores, snapshots
from veririsk_assets.defs.resources import HouseResource
from veririsk_assets.defs.stage import key_of

HOURLY_ASSETS = [*raw.ASSETS, *snapshots.ASSETS, *features.ASSETS, *scores.ASSETS, monitoring.SHADOW, *published.ASSETS]


def _tags(name: str, max_runtime_seconds: int) -> dict[str, str]:
    return {"veririsk/job": name, "dagster/max_runtime": str(max_runtime_seconds)}


hourly_scoring = dg.define_asset_job(
    "hourly_scoring",
    selection=dg.AssetSelection.assets(*HOURLY_ASSETS) | dg.AssetSelection.checks(*checks.CHECKS),
    executor_def=dg.in_process_executor,
    tags=_tags("hourly_scoring", 1800),
    description="Raw to published for one hour, or a range of hours in one run.",
)
daily_learning = dg.define_asset_job(
    "daily_learning",
    selection=dg.AssetSelection.assets(key_of(POOL_LABELS), key_of(CALIBRATION_SHIFTS)),
    executor_def=dg.in_process_executor,
    tags=_tags("daily_learning", 1800),
    description="Labels of the hours whose horizon has passed, and the drift of the base rate that they show.",
)
weekly_training = dg.define_asset_job(
    "weekly_training",
    selection=dg.AssetSelection.assets(learning.versions),
    executor_def=dg.multiprocess_executor.configured({"max_concurrent": 2, "start_method": {"forkserver": {}}}),
    tags=_tags("weekly_training", 7200),
    description="Trains every horizon on what has matured; the first version serves at once, a later one once it has passed the gate.",
)
daily_review = dg.define_asset_job(
    "daily_review",
    selection=dg.AssetSelection.assets(monitoring.performance),
    executor_def=dg.in_process_executor,
    tags=_tags("daily_review", 1800),
    description="How published scores turned out, per model version, beside what was promised.",
)

backtest_job = dg.define_asset_job(
    "backtest",
    selection=dg.AssetSelection.assets(backtest.backtest_pools),
    executor_def=dg.in_process_executor,
    tags=_tags("backtest", 7200),
    description="Every model judged anew on the lake's own history.",
)


@dg.op(description="Merges small files, expires lake snapshots older than 30 days, removes what nothing refers to.")
def tidy_lake(context: dg.OpExecutionContext, house: HouseResource) -> None:
    from veririsk_assets.lake import upkeep as lake_upkeep
    from veririsk_assets.pipeline.upkeep import kept_snapshots

    opened = house.open(context.run_id)
    done = lake_upkeep.run(opened.lake, kept_snapshots(opened))
    context.log.info(f"{done.files_before} → {done.files_after} files, {done.snapshots_expired} snapshots expired")


@dg.job(executor_def=dg.in_process_executor, tags=_tags("upkeep", 3600), description="Keeps the lake fast and small.")
def upkeep() -> None:
    tidy_lake()


JOBS: list[Any] = [hourly_scoring, daily_learning, daily_review, weekly_training, backtest_job, upkeep]
