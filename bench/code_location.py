"""What loading the code location costs over `import dagster`: CPU seconds, medians of five fresh processes each.

    python -m bench.code_location [PROCESSES]

Exits with 1 above the budget of 1.0 s.
"""

import statistics
import subprocess
import sys

BUDGET_SECONDS = 1.0
RUNS = 5
CPU = "; import time; print(time.process_time())"
DAGSTER = "import dagster" + CPU
LOCATION = "import dagster, veririsk_assets.definitions as d; list(d.defs.get_repository_def().asset_graph.asset_nodes)" + CPU


def cpu_seconds(code: str) -> float:
    """Of a fresh interpreter that runs the code; what the interpreter itself needs is in both."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main(runs: int = RUNS) -> int:
    cpu_seconds(LOCATION)  # compiles what has no .pyc yet
    # Taken in turns, so that a busy machine burdens both alike.
    pairs = [(cpu_seconds(DAGSTER), cpu_seconds(LOCATION)) for _ in range(runs)]
    dagster, location = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(f"import dagster        {dagster:5.2f} s CPU")
    print(f"code location, graph  {location:5.2f} s CPU")
    print(f"difference            {location - dagster:5.2f} s CPU (budget {BUDGET_SECONDS:.1f})")
    return int(location - dagster > BUDGET_SECONDS)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
