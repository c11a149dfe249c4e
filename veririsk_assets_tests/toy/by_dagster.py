"""Lanterns' daily job for one day, by Dagster: `python -m veririsk_assets_tests.toy.by_dagster DAY`; the home is the environment's."""

import sys

import dagster as dg

import veririsk_assets_tests.toy.registered  # noqa: F401 - before anything reads the systems
from veririsk_assets.definitions import defs

if __name__ == "__main__":
    with dg.DagsterInstance.ephemeral() as instance:
        done = defs.resolve_job_def("daily_scoring").execute_in_process(instance=instance, partition_key=sys.argv[1])
        made = sorted("/".join(event.asset_key.path) for event in done.get_asset_materialization_events() if event.asset_key)
    sys.stdout.write(" ".join(made) + "\n")
