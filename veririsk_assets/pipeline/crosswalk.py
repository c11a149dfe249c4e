"""Which ids of two sources are one pool: only what a person has reviewed and dated in `contracts/pools_crosswalk.csv`."""

import csv
from functools import lru_cache
from importlib.resources import files

SIMULATOR = "simulator"


@lru_cache(maxsize=2)
def crosswalk(simulated: bool) -> dict[str, str]:
    """Source-native id → the pool id that it is another name of. The simulator's own rows count in its market only."""
    text = files("veririsk_assets.contracts").joinpath("pools_crosswalk.csv").read_text()
    rows = csv.DictReader(text.splitlines())
    return {row["same_as"]: row["pool_id"] for row in rows if (row["reviewer"] == SIMULATOR) == simulated}
