"""Stages monitoring and training/promotion: what the other version would have said, how scores turned out, who serves.

The work is done in `monitoring/`, `training/` and `registry/`.
"""

from typing import TYPE_CHECKING

import dagster as dg

from veririsk_assets.contracts.models import CHAMPIONS, MODEL_VERSIONS, PERFORMANCE
from veririsk_assets.contracts.monitoring import SHADOW_SCORES
from veririsk_assets.contracts.pools import POOL_FEATURES, POOL_LABELS, POOL_SCORES
from veririsk_assets.contracts.systems import POOLS, known_system
from veririsk_assets.contracts.windows import Window, floor_hour, utc
from veririsk_assets.defs.resources import HouseResource, now
from veririsk_assets.defs.stage import OWNERS, column_schema, describe, key_of, metadata_of, step_asset

if TYPE_CHECKING:
    from veririsk_assets.pipeline.step import House, StepResult

PROMOTION_KEY = dg.AssetKey(["training", "promotion"])


class PerformanceConfig(dg.Config):
    """`as_of`: judge by labels that had matured by then (ISO, UTC); empty: the last full hour."""

    as_of: str = ""


class PromotionConfig(dg.Config):
    """One order. `action`: judge (the gate decides), promote or rollback (you do).

    `version`: empty for the challenger, or on a rollback for the champion before; `valid_from`: as_of from which it holds
    (ISO, UTC), empty for the next hour to be scored; `reason`: kept in models/champions and as a tag in the registry.
    """

    system: str = POOLS.name
    horizon: int = 24
    version: str = ""
    action: str = "judge"
    valid_from: str = ""
    reason: str = ""


def shadow_scores(house: "House", window: Window) -> "StepResult":
    from veririsk_assets.pipeline.shadow import shadow_scores as step

    return step(house, POOLS, window)


@dg.asset(
    key=key_of(PERFORMANCE),
    group_name="monitoring",
    owners=OWNERS,
    kinds={"python", "duckdb", "parquet"},
    description=describe(PERFORMANCE),
    metadata={"dagster/column_schema": column_schema(PERFORMANCE), "dagster/table_name": PERFORMANCE.sql_name},
    deps=[key_of(POOL_SCORES), key_of(SHADOW_SCORES), key_of(POOL_LABELS)],
)
def performance(context: dg.AssetExecutionContext, config: PerformanceConfig, house: HouseResource) -> dg.MaterializeResult:
    from veririsk_assets.pipeline.performance import judge_scores

    as_of = floor_hour(utc(config.as_of)) if config.as_of else floor_hour(now())
    return dg.MaterializeResult(metadata=metadata_of(judge_scores(house.open(context.run.run_id), POOLS, as_of)))


@dg.asset(
    key=PROMOTION_KEY,
    group_name="training",
    owners=OWNERS,
    kinds={"python", "mlflow"},
    description=(
        "Who serves from when on: the gate's verdict, a promotion or a rollback; all three are this materialization with a version. "
        f"Writes {CHAMPIONS.sql_name} and moves the registry's aliases champion and challenger."
    ),
    deps=[key_of(MODEL_VERSIONS), key_of(POOL_FEATURES), key_of(POOL_LABELS), key_of(SHADOW_SCORES)],
)
def promotion(context: dg.AssetExecutionContext, config: PromotionConfig, house: HouseResource) -> dg.MaterializeResult:
    from veririsk_assets.pipeline.promotion import Order, appoint, next_hour

    try:
        system = known_system(config.system)
    except ValueError as unknown:
        raise dg.Failure(str(unknown), allow_retries=False) from None
    opened = house.open(context.run.run_id)
    since = floor_hour(utc(config.valid_from)) if config.valid_from else next_hour(opened, system)
    done = appoint(opened, Order(system, config.horizon, config.action, since, config.version, config.reason))
    return dg.MaterializeResult(metadata={"horizon": config.horizon, "action": config.action, **metadata_of(done)})


SHADOW = step_asset(SHADOW_SCORES, shadow_scores, [POOL_SCORES, POOL_FEATURES])
ASSETS: list[dg.AssetsDefinition] = [SHADOW, performance, promotion]
