"""The declared path as assets: one per step, partitioned by its clock or made as of an instant, and who is appointed to serve."""

import dagster as dg

from veririsk_assets.contracts.models import CHAMPIONS, MODEL_VERSIONS
from veririsk_assets.contracts.monitoring import SHADOW_SCORES
from veririsk_assets.contracts.systems import POOLS, SYSTEMS, known_system
from veririsk_assets.contracts.windows import floor_hour, utc
from veririsk_assets.defs.plots import of_step
from veririsk_assets.defs.resources import HouseResource, now
from veririsk_assets.defs.stage import OWNERS, describe, key_of, metadata_of, spec_of, step_asset
from veririsk_assets.pipeline.path import PATH, WINDOWED, Step

PROMOTION_KEY = dg.AssetKey(["training", "promotion"])
SERVES = "The first version serves at once; a later one waits as challenger until it passes the gate (training/promotion)."


class AsOfConfig(dg.Config):
    """`as_of`: as if it were then (ISO, UTC), what had matured by then counts; empty: the last full hour."""

    as_of: str = ""


class PromotionConfig(dg.Config):
    """One order. `action`: judge (the gate decides), promote or rollback (you do).

    `version`: empty for the challenger, or on a rollback for the champion before; `valid_from`: as_of from which it holds
    (ISO, UTC), empty for the next one to be scored; `horizon`: empty for the one that the system shows; `reason`: kept in models/champions and as a tag in the registry.
    """

    system: str = POOLS.name
    horizon: int | None = None
    version: str = ""
    action: str = "judge"
    valid_from: str = ""
    reason: str = ""


def _as_of_asset(step: Step) -> dg.AssetsDefinition:
    is_training = step.cadence == "training"

    @dg.asset(
        **spec_of(step.table, step.key),
        kinds={"python", "xgboost", "mlflow"} if is_training else {"python", "duckdb", "parquet"},
        description=describe(step.table) + (f"\n\n{SERVES}" if is_training else ""),
        deps=[key_of(table) for table in step.reads],
        retry_policy=dg.RetryPolicy(max_retries=1) if is_training else None,
    )
    def asset(context: dg.AssetExecutionContext, config: AsOfConfig, house: HouseResource) -> dg.MaterializeResult:
        as_of = floor_hour(utc(config.as_of)) if config.as_of else floor_hour(now())
        return dg.MaterializeResult(metadata=metadata_of(step.make(house.open(context.run.run_id), as_of)))

    return asset


@dg.asset(
    key=PROMOTION_KEY,
    group_name="training",
    owners=OWNERS,
    kinds={"python", "mlflow"},
    description=(
        "Who serves from when on: the gate's verdict, a promotion or a rollback; all three are this materialization with a version. "
        f"Writes {CHAMPIONS.sql_name} and moves the registry's aliases champion and challenger."
    ),
    deps=[
        key_of(table)
        for table in (
            MODEL_VERSIONS,
            *(one for system in SYSTEMS if system.learns for one in (system.features, system.labels)),
            SHADOW_SCORES,
        )
    ],
)
def promotion(context: dg.AssetExecutionContext, config: PromotionConfig, house: HouseResource) -> dg.MaterializeResult:
    from veririsk_assets.pipeline.learning.promotion import Order, appoint, next_instant

    try:
        system = known_system(config.system)
        horizon = system.known_horizon(config.horizon)
    except ValueError as unknown:
        raise dg.Failure(str(unknown), allow_retries=False) from None
    opened = house.open(context.run.run_id)
    since = floor_hour(utc(config.valid_from)) if config.valid_from else next_instant(opened, system)
    done = appoint(opened, Order(system, horizon, config.action, since, config.version, config.reason))
    return dg.MaterializeResult(metadata={"horizon": horizon, "action": config.action, **metadata_of(done)})


CHAMPIONS_SPEC = dg.AssetSpec(
    **spec_of(CHAMPIONS, CHAMPIONS.asset_key),
    kinds={"parquet"},
    description=describe(CHAMPIONS) + "\n\nWritten by models/versions.",
    deps=[key_of(MODEL_VERSIONS)],
)
OF_STEP: dict[Step, dg.AssetsDefinition] = {
    step: step_asset(step, of_step(step)) if step.cadence in WINDOWED else _as_of_asset(step) for step in PATH
}
ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [*OF_STEP.values(), promotion, CHAMPIONS_SPEC]
