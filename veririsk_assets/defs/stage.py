"""How a table's declaration becomes an asset: key, group, kinds, owner, description and Columns tab; one call of its step."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import dagster as dg

from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.tables import SQL_TYPES, Table
from veririsk_assets.contracts.windows import Window, naive
from veririsk_assets.defs.partitions import OF_STEP, partition_key, window_of
from veririsk_assets.defs.resources import HouseResource
from veririsk_assets.pipeline.path import Step

if TYPE_CHECKING:
    from veririsk_assets.pipeline.step import House, StepResult

OWNERS = ["team:veririsk"]
REFUSED_ERROR_RATIO = 0.2
Plot = Callable[["House", System, Window], dg.MetadataValue | None]


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


def spec_of(table: Table, key: tuple[str, str]) -> dict[str, Any]:
    """What every asset of a table says of it: key, group, owners, Columns tab."""
    return {
        "key": dg.AssetKey(list(key)),
        "group_name": table.stage,
        "owners": OWNERS,
        "metadata": {"dagster/column_schema": column_schema(table), "dagster/table_name": table.sql_name},
    }


def step_asset(step: Step, plot: Plot | None = None) -> dg.AssetsDefinition:
    """A partitioned asset of one step, by its clock; a range is one run."""
    table, clock = step.table, step.step_hours
    beside = " and ".join("/".join(one.asset_key) for one in step.beside)

    @dg.asset(
        **spec_of(table, step.key),
        kinds={"python", "duckdb", "parquet"},
        description=describe(table) + (f"\n\nWrites {beside} beside it." if beside else ""),
        partitions_def=OF_STEP[clock],
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[key_of(one) for one in step.reads],
        check_specs=[contract_check(table, step.key)],
    )
    def asset(context: dg.AssetExecutionContext, house: HouseResource) -> dg.MaterializeResult:
        opened, window = house.open(context.run.run_id), window_of(context, clock)
        result = step.make(opened, window)
        rows_per_step(context, opened, table, window)
        picture = plot(opened, step.systems[0], window) if plot else None
        metadata = metadata_of(result) | ({"plot": picture} if picture else {})
        return dg.MaterializeResult(metadata=metadata, check_results=[contract_result(table, result, step.key)])

    return asset


def metadata_of(result: "StepResult") -> dict[str, Any]:
    """A step's result as asset metadata."""
    return {"dagster/row_count": result.rows, "quarantined": result.quarantined, "changed": result.changed, **result.metadata}


def contract_check(table: Table, key: tuple[str, str] | None = None) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        "contract",
        asset=dg.AssetKey(list(key or table.asset_key)),
        description="Rows that broke the table's contract went to monitoring/quarantine.",
    )


def contract_result(table: Table, result: "StepResult", key: tuple[str, str] | None = None) -> dg.AssetCheckResult:
    """WARN when rows were refused, ERROR above 20 %; never blocking: the rest of the rows is good."""
    severe = result.quarantined_ratio > REFUSED_ERROR_RATIO
    return dg.AssetCheckResult(
        passed=result.quarantined == 0,
        check_name="contract",
        asset_key=dg.AssetKey(list(key or table.asset_key)),
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
        context.add_asset_metadata({name: rows}, asset_key=context.asset_key, partition_key=partition_key(one.start, window.step_hours))
