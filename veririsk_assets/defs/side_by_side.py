"""One pass over the live hosts for all raw assets of a run: the first of them asks for all, each tells what came of its own.

Steps run one after the other: a host that is waited for in one of them would cost the next its hour.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import Window
from veririsk_assets.defs.resources import HouseResource

if TYPE_CHECKING:
    from veririsk_assets.pipeline.step import House, StepResult

# Results by table of the run that is on, until its assets have told them.
_told: dict[str, dict[str, "StepResult"]] = {}


def pulled(
    context: dg.AssetExecutionContext, house: HouseResource, opened: "House", table: Table, window: Window, repull: bool
) -> "StepResult":
    """What came of the asset's pull: of the run's pass where there is one, else of a pull of its own."""
    from veririsk_assets.pipeline.known.endpoints import every_endpoint
    from veririsk_assets.pipeline.known.pulls import pull, pull_all

    run_id, outside = context.run.run_id, house.outside(opened)
    if opened.settings.source == "live" and not repull:
        if run_id not in _told:
            _told.clear()
            names = _asked_for(context)
            _told[run_id] = pull_all(
                opened, window, outside, endpoints=[each for each in every_endpoint() if each.table.asset_key in names]
            )
        found = _told[run_id].pop(table.name, None)
        if found is not None:
            return found
    return pull(opened, next(each for each in every_endpoint() if each.table is table), window, outside, repull)


def _asked_for(context: dg.AssetExecutionContext) -> set[tuple[str, ...]]:
    """Keys of the assets that this run makes, without those that are to be asked again: these ask for themselves."""
    steps = context.run.step_keys_to_execute
    ops: Mapping[str, Any] = dict(context.run.run_config).get("ops", {})  # type: ignore[assignment]
    keys = {key for key in context.job_def.asset_layer.selected_asset_keys if not steps or key.to_python_identifier() in steps}
    return {tuple(key.path) for key in keys if not _is_repull(ops.get(key.to_python_identifier(), {}))}


def _is_repull(op: Mapping[str, Any]) -> bool:
    return bool((op.get("config") or {}).get("repull"))
