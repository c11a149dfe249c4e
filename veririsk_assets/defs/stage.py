"""How a table's declaration becomes an asset: key, group, kinds, owner, description and Columns tab; one call of its step."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from veririsk_assets.contracts.tables import SQL_TYPES, Table
from veririsk_assets.contracts.windows import Window, naive
from veririsk_assets.defs.partitions import OF_STEP, partition_key, window_of
from veririsk_assets.defs.resources import HouseResource

if TYPE_CHECKING:
    from veririsk_assets.pipeline.step import House, StepResult

OWNERS = ["team:veririsk"]
REFUSED_ERROR_RATIO = 0.2
Step = Callable[["House", Window], "StepResult"]


def key_of(table: Table) -> dg.AssetKey:
    return dg.AssetKey(list(table.asset_key))


def column_schema(table: Table) -> dg.TableSchema:
    """The Columns tab: type, unit, meaning, formula."""
    return dg.TableSchema(columns=[dg.TableColumn(c.name, SQL_TYPES[c.kind], _meaning(c)) for c in table.columns])


def _meaning(column: Any) -> str:
    unit = f" [{column.unit}]" if column.unit else ""
    formula = f" = {column.formula}" if column.formula else ""
    return f"{column.description}{unit}{formula}"


def describe(table: Table) -> str:
    return f"{table.description}\n\nGrain: {table.grain}. Key: {', '.join(table.key)}."


def step_asset(
    table: Table,
    step: Step,
    deps: Sequence[Table],
    pool: str | None = None,
    beside: str = "",
    plot: Callable[["House", Window], dg.MetadataValue | None] | None = None,
) -> dg.AssetsDefinition:
    """A partitioned asset of one table, by the hour or the day as the table is; a range is one run."""

    @dg.asset(
        key=key_of(table),
        group_name=table.stage,
        owners=OWNERS,
        kinds={"python", "duckdb", "parquet"},
        description=describe(table) + (f"\n\n{beside}" if beside else ""),
        metadata={"dagster/column_schema": column_schema(table), "dagster/table_name": table.sql_name},
        partitions_def=OF_STEP[table.step_hours],
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[key_of(dep) for dep in deps],
        pool=pool,
        check_specs=[contract_check(table)],
    )
    def asset(context: dg.AssetExecutionContext, house: HouseResource) -> dg.MaterializeResult:
        opened, window = house.open(context.run.run_id), window_of(context, table.step_hours)
        result = step(opened, window)
        rows_per_step(context, opened, table, window)
        picture = plot(opened, window) if plot else None
        metadata = metadata_of(result) | ({"plot": picture} if picture else {})
        return dg.MaterializeResult(metadata=metadata, check_results=[contract_result(table, result)])

    return asset


def metadata_of(result: "StepResult") -> dict[str, Any]:
    """A step's result as asset metadata."""
    return {"dagster/row_count": result.rows, "quarantined": result.quarantined, "changed": result.changed, **result.metadata}


def contract_check(table: Table) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        "contract", asset=key_of(table), description="Rows that broke the table's contract went to monitoring/quarantine."
    )


def contract_result(table: Table, result: "StepResult") -> dg.AssetCheckResult:
    """WARN when rows were refused, ERROR above 20 %; never blocking: the rest of the rows is good."""
    severe = result.quarantined_ratio > REFUSED_ERROR_RATIO
    return dg.AssetCheckResult(
        passed=result.quarantined == 0,
        check_name="contract",
        asset_key=key_of(table),
        severity=dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN,
        metadata={"quarantined": result.quarantined, "rows": result.rows, "quarantined_ratio": result.quarantined_ratio},
    )


def rows_per_step(context: dg.AssetExecutionContext, house: "House", table: Table, window: Window) -> None:
    """One result is shown on every partition of a range: the rows of each step have to be said step by step.

    A raw row belongs to the full step before its pull.
    """
    if window.steps == 1:
        return
    counted = house.lake.sql(
        f"SELECT time_bucket(INTERVAL {window.step_hours} HOUR, {table.time}) AS as_of, count(*) AS n FROM lake.{table.sql_name} "
        f"WHERE {table.time} >= ? AND {table.time} < ? GROUP BY 1",
        [naive(window.start + window.step), naive(window.end + window.step)],
    )
    counts = dict(zip(counted["as_of"], counted["n"], strict=True))
    name = "hour_rows" if window.step_hours == 1 else "day_rows"
    for one in window.each():
        rows = int(counts.get(naive(one.as_of), 0))
        context.add_asset_metadata({name: rows}, asset_key=key_of(table), partition_key=partition_key(one.start, window.step_hours))
