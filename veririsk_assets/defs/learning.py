"""Stages labels and models: what happened, and who learns from it. The work is done in `labels/`, `training/` and `registry/`."""

from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg

from veririsk_assets.contracts.models import CALIBRATION_SHIFTS, CHAMPIONS, MODEL_VERSIONS
from veririsk_assets.contracts.pools import POOL_FEATURES, POOL_LABELS, POOL_SNAPSHOTS
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.windows import Window, floor_hour, utc
from veririsk_assets.defs.resources import HouseResource, now
from veririsk_assets.defs.stage import OWNERS, column_schema, describe, key_of, metadata_of, step_asset

if TYPE_CHECKING:
    from veririsk_assets.pipeline.step import House, StepResult


class TrainingConfig(dg.Config):
    """`as_of`: train as if it were then (ISO, UTC); empty: the last full hour."""

    as_of: str = ""


@dg.asset(
    key=key_of(MODEL_VERSIONS),
    group_name="models",
    owners=OWNERS,
    kinds={"python", "xgboost", "mlflow"},
    description=describe(MODEL_VERSIONS)
    + "\n\nThe first version serves at once; a later one waits as challenger until it passes the gate (training/promotion).",
    metadata={"dagster/column_schema": column_schema(MODEL_VERSIONS), "dagster/table_name": MODEL_VERSIONS.sql_name},
    deps=[key_of(POOL_LABELS), key_of(POOL_FEATURES)],
    retry_policy=dg.RetryPolicy(max_retries=1),
)
def versions(context: dg.AssetExecutionContext, config: TrainingConfig, house: HouseResource) -> dg.MaterializeResult:
    from veririsk_assets.pipeline.learning import train

    as_of = utc(config.as_of) if config.as_of else floor_hour(now())
    return dg.MaterializeResult(metadata=metadata_of(train(house.open(context.run.run_id), POOLS, as_of)))


def labels(house: "House", window: Window) -> "StepResult":
    from veririsk_assets.pipeline.labels import hourly_pool_labels

    return hourly_pool_labels(house, window)


def shifts(house: "House", window: Window) -> "StepResult":
    from veririsk_assets.pipeline.recalibration import daily_shifts

    return daily_shifts(house, POOLS, window)


LABELS = step_asset(POOL_LABELS, labels, [POOL_SNAPSHOTS])
SHIFTS = step_asset(CALIBRATION_SHIFTS, shifts, [POOL_LABELS, POOL_FEATURES, MODEL_VERSIONS])
CHAMPIONS_SPEC = dg.AssetSpec(
    key=key_of(CHAMPIONS),
    group_name="models",
    owners=OWNERS,
    kinds={"parquet"},
    description=describe(CHAMPIONS) + "\n\nWritten by models/versions.",
    metadata={"dagster/column_schema": column_schema(CHAMPIONS)},
    deps=[key_of(MODEL_VERSIONS)],
)
ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [LABELS, SHIFTS, versions, CHAMPIONS_SPEC]
# Long enough for the longest horizon to pass, and for a day that was missed.
MATURING = timedelta(days=3)
