"""Stage published: the file that BI reads. The work is done in `lake/publish.py`."""

import dagster as dg

from veririsk_assets.contracts.catalogue import PUBLISHED
from veririsk_assets.contracts.systems import SYSTEMS
from veririsk_assets.defs.resources import HouseResource
from veririsk_assets.defs.stage import OWNERS, key_of
from veririsk_assets.pipeline.path import saying

KEY = dg.AssetKey(["published", "veririsk"])


@dg.asset(
    key=KEY,
    group_name="published",
    owners=OWNERS,
    kinds={"duckdb"},
    description="One read-only DuckDB file with real tables and column comments, moved into place in one rename.\n\nTables: "
    + ", ".join(p.table.name for p in PUBLISHED)
    + ", _about.",
    deps=[key_of(step.table) for system in SYSTEMS for step in saying(system) if not step.table.is_shared],
)
def veririsk(context: dg.AssetExecutionContext, house: HouseResource) -> dg.MaterializeResult:
    from veririsk_assets.pipeline.publishing import publish

    done = publish(house.open(context.run.run_id))
    counts = "\n".join(["| table | rows |", "|---|---|", *(f"| {name} | {count:,} |" for name, count in done.row_counts.items())])
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(done.path),
            "latest_as_of": str(done.latest_as_of),
            "written": done.is_written,
            "incremental": done.is_incremental,
            "hours": done.hours_count,
            "reason": done.reason,
            "tables": dg.MetadataValue.md(counts),
        }
    )


ASSETS = [veririsk]
