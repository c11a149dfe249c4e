"""The named jobs. They are coupled through stored data, never through each other's run status."""

from typing import Any

import dagster as dg

from veririsk_assets.defs import backtest, checks, path, published, raw
from veririsk_assets.defs.resources import HouseResource
from veririsk_assets.pipeline.path import PATH, Cadence

# Step in hours → what its jobs are called: of scoring, and of learning from what has matured.
NAMES = {1: ("hourly_scoring", "daily_learning"), 24: ("daily_scoring", "daily_learning_of_days")}
CLOCKS = sorted({step.step_hours for step in PATH})


def _made(cadence: Cadence, step_hours: int | None = None) -> list[Any]:
    return [path.OF_STEP[step] for step in PATH if step.cadence == cadence and step_hours in (None, step.step_hours)]


def _tags(name: str, max_runtime_seconds: int) -> dict[str, str]:
    return {"veririsk/job": name, "dagster/max_runtime": str(max_runtime_seconds)}


def _scoring(step_hours: int) -> Any:
    """Raw is by the hour: a slower clock reads what the hours have stored."""
    name, assets = NAMES[step_hours][0], [*(raw.ASSETS if step_hours == 1 else []), *_made("scoring", step_hours), *published.ASSETS]
    looked_at = dg.AssetSelection.checks(*(check for check, clock in checks.BY_CLOCK if clock == step_hours))
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(*assets) | looked_at,
        executor_def=dg.in_process_executor,
        tags=_tags(name, 1800),
        description=f"{'Raw' if step_hours == 1 else 'Snapshots'} to published for one {'hour' if step_hours == 1 else 'day'}, or a range in one run.",
    )


def _learning(step_hours: int) -> Any:
    name = NAMES[step_hours][1]
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(*_made("learning", step_hours)),
        executor_def=dg.in_process_executor,
        tags=_tags(name, 1800),
        description="Labels of what has passed its horizon, and the drift of the base rate that they show.",
    )


SCORING = {step_hours: _scoring(step_hours) for step_hours in CLOCKS}
LEARNING = {step_hours: _learning(step_hours) for step_hours in CLOCKS if _made("learning", step_hours)}
weekly_training = dg.define_asset_job(
    "weekly_training",
    selection=dg.AssetSelection.assets(*_made("training")),
    executor_def=dg.multiprocess_executor.configured({"max_concurrent": 2, "start_method": {"forkserver": {}}}),
    tags=_tags("weekly_training", 7200),
    description="Trains every horizon on what has matured; the first version serves at once, a later one once it has passed the gate.",
)

daily_review = dg.define_asset_job(
    "daily_review",
    selection=dg.AssetSelection.assets(*_made("review")),
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


JOBS: list[Any] = [*SCORING.values(), *LEARNING.values(), daily_review, weekly_training, backtest_job, upkeep]
