"""The simulator's part of `contracts/pools_crosswalk.csv`: which ids of two sources are one simulated pool.

`python -m veririsk_assets.simulation.crosswalk` writes the file. It is run once, when the catalogue changes; the rows are
reviewed like any others, and a test holds the file to what the catalogue says.
"""

import csv
from io import StringIO
from pathlib import Path

from veririsk_assets import contracts
from veririsk_assets.simulation.catalogue import catalogue

FILE = Path(contracts.__path__[0]) / "pools_crosswalk.csv"
COLUMNS = ("pool_id", "same_as", "reviewed_at", "reviewer", "note")
REVIEWER = "simulator"
REVIEWED_AT = "2025-01-01"
POOLS = 120


def rows() -> list[dict[str, str]]:
    """One row per linked pool of the simulated market of 120: canonical id, the on-chain source's id, and its name."""
    return [
        {
            "pool_id": pool.pool_id,
            "same_as": pool.onchain_id,
            "reviewed_at": REVIEWED_AT,
            "reviewer": REVIEWER,
            "note": f"simulated market only: {pool.name}",
        }
        for pool in catalogue(POOLS)
        if pool.is_linked
    ]


def text(others: list[dict[str, str]] | None = None) -> str:
    """The file: rows of other reviewers as they are, then the simulator's."""
    out = StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows((others or []) + rows())
    return out.getvalue()


def read() -> list[dict[str, str]]:
    """The rows of the file; none when there is no file."""
    if not FILE.exists():
        return []
    with FILE.open(newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    FILE.write_text(text([row for row in read() if row["reviewer"] != REVIEWER]))
