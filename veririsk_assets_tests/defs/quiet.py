"""The code location without its schedules and sensors: nothing runs but what a test launches."""

import dagster as dg

from veririsk_assets import definitions

# A module may hold one Definitions only.
defs = dg.Definitions(
    assets=definitions.defs.assets,
    asset_checks=definitions.defs.asset_checks,
    jobs=definitions.defs.jobs,
    resources=definitions.defs.resources,
    executor=definitions.defs.executor,
)
