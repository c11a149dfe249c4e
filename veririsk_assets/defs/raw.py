"""Stage raw: what each source said. The work is done in `sources/`, `wire/` and `pipeline/pulls.py`."""

import dagster as dg

from veririsk_assets.contracts.raw import SOURCE_STATUS
from veririsk_assets.contracts.windows import Window
from veririsk_assets.defs.partitions import HOURLY, window_of
from veririsk_assets.defs.resources import HouseResource
from veririsk_assets.defs.stage import OWNERS, column_schema, contract_check, contract_result, describe, key_of, metadata_of
from veririsk_assets.pipeline.pulls import ENDPOINTS, Endpoint, pull


class PullConfig(dg.Config):
    """`repull`: ask again for an hour that is stored already, and append what comes."""

    repull: bool = False


def _pull_asset(endpoint: Endpoint) -> dg.AssetsDefinition:
    table = endpoint.table

    @dg.asset(
        key=key_of(table),
        group_name="raw",
        owners=OWNERS,
        kinds={"python", "parquet"},
        description=describe(table),
        metadata={"dagster/column_schema": column_schema(table), "dagster/table_name": table.sql_name},
        partitions_def=HOURLY,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=endpoint.source,
        check_specs=[
            contract_check(table),
            dg.AssetCheckSpec("pulled", asset=key_of(table), description="The source answered for this hour."),
        ],
    )
    def asset(context: dg.AssetExecutionContext, config: PullConfig, house: HouseResource) -> dg.MaterializeResult:
        opened = house.open(context.run_id)
        window: Window = window_of(context)
        result = pull(opened, endpoint, window, house.outside(opened), config.repull)
        pulled = dg.AssetCheckResult(
            passed=bool(result.metadata["pulled"]) or result.metadata["rows_kept"] > 0,
            check_name="pulled",
            asset_key=key_of(table),
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "reason": result.metadata["reason"],
                "rows_kept": result.metadata["rows_kept"],
                "outcomes": result.metadata["outcomes"],
            },
        )
        return dg.MaterializeResult(metadata=metadata_of(result), check_results=[contract_result(table, result), pulled])

    return asset


ASSETS = [_pull_asset(endpoint) for endpoint in ENDPOINTS]
STATUS = dg.AssetSpec(
    key=key_of(SOURCE_STATUS),
    group_name="raw",
    owners=OWNERS,
    kinds={"parquet"},
    description=describe(SOURCE_STATUS) + "\n\nWritten by every raw asset.",
    metadata={"dagster/column_schema": column_schema(SOURCE_STATUS)},
    deps=[key_of(endpoint.table) for endpoint in ENDPOINTS],
)
