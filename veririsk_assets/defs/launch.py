"""Runs one named job in this process: `python -m veririsk_assets.defs.launch JOB [tag=value …]`."""

import sys

import dagster as dg


def main(job_name: str, *tags: str) -> int:
    from veririsk_assets.definitions import defs

    with dg.DagsterInstance.get() as instance:
        job = defs.resolve_job_def(job_name)
        result = job.execute_in_process(instance=instance, tags=dict(tag.split("=", 1) for tag in tags), raise_on_error=False)
    return 0 if result.success else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
