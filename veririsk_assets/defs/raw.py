"""Stage raw: what each source said. The work is done in `sources/`, `wire/` and `pipeline/known/pulls.py`."""

from typing import TYPE_CHECKING

import dagster as dg

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.catalogue import PULLS
from veririsk_assets.contracts.raw import SOURCE_STATUS
from veririsk_assets.contracts.systems import SYSTEMS
from veririsk_assets.contracts.tables import Table
from veririsk_assets.defs.partitions import HOURLY, window_of
from veririsk_assets.defs.resources import HouseResource
from veririsk_assets.defs.side_by_side import pulled
from veririsk_assets.defs.stage import OWNERS, column_schema, contract_check, contract_result, describe, key_of, metadata_of, rows_per_step

if TYPE_CHECKING:
    from veririsk_assets.pipeline.step import House, StepResult

TROUBLE = {"failed", "partial", "over_budget", "plan_only"}
# A source that is switched off, that a recording does not have, or that is asked once a day has nothing to answer.
SILENT = {"off", "not_recorded", "not_due"}
# Holders are asked about the pairs that have just been seen.
DEPENDENCIES: dict[Table, tuple[Table, ...]] = {raw.THEGRAPH_LP_POSITIONS: (raw.THEGRAPH_PAIRS,)} | {
    table: before for system in SYSTEMS for table, before in system.asked_after
}


class PullConfig(dg.Config):
    """`repull`: ask again for an hour that is stored already, and append what comes."""

    repull: bool = False


def _pull_asset(table: Table) -> dg.AssetsDefinition:
    @dg.asset(
        key=key_of(table),
        group_name="raw",
        owners=OWNERS,
        kinds={"python", "parquet"},
        description=describe(table),
        metadata={"dagster/column_schema": column_schema(table), "dagster/table_name": table.sql_name},
        partitions_def=HOURLY,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[key_of(dep) for dep in DEPENDENCIES.get(table, ())],
        pool=raw.provider_of(table),
        check_specs=[
            contract_check(table),
            dg.AssetCheckSpec("pulled", asset=key_of(table), description="The source answered, or its rows were stored already."),
        ],
    )
    def asset(context: dg.AssetExecutionContext, config: PullConfig, house: HouseResource) -> dg.MaterializeResult:
        opened, window = house.open(context.run.run_id), window_of(context)
        _set_aside(context, opened)
        result = pulled(context, house, opened, table, window, config.repull)
        rows_per_step(context, opened, table, window)
        return dg.MaterializeResult(metadata=metadata_of(result), check_results=[contract_result(table, result), _pulled(table, result)])

    return asset


def _set_aside(context: dg.AssetExecutionContext, house: "House") -> None:
    from veririsk_assets.pipeline import ahead

    moved = ahead.set_aside(house)
    if moved:
        context.log.warning(f"rows from the future were set aside in monitoring/quarantine: {moved}")


def _pulled(table: Table, result: "StepResult") -> dg.AssetCheckResult:
    """A warning, never an error: a silent source degrades the scores, it does not stop them."""
    said = result.metadata
    outcomes = set(said["outcomes"])
    answered = said["pulled"] or said["rows_kept"] > 0 or outcomes <= SILENT
    return dg.AssetCheckResult(
        passed=bool(answered) and not outcomes & TROUBLE,
        check_name="pulled",
        asset_key=key_of(table),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"pulled": said["pulled"], "rows_kept": said["rows_kept"], "outcomes": said["outcomes"], "reason": said["reason"]},
    )


ASSETS = [_pull_asset(table) for table in PULLS]
STATUS = dg.AssetSpec(
    key=key_of(SOURCE_STATUS),
    group_name="raw",
    owners=OWNERS,
    kinds={"parquet"},
    description=describe(SOURCE_STATUS) + "\n\nWritten by every raw asset.",
    metadata={"dagster/column_schema": column_schema(SOURCE_STATUS)},
    deps=[key_of(table) for table in PULLS],
)
