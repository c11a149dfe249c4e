"""Which ids of two sources are one pool: only what a person has reviewed and dated in `contracts/pools_crosswalk.csv`.

What the TVL says of it is a suggestion: rows of that file with their evidence, without a reviewer.
"""

import csv
from functools import lru_cache
from importlib.resources import files
from io import StringIO
from typing import Any

import pandas as pd

from veririsk_assets.contracts import pools
from veririsk_assets.lake.twins import twins_of
from veririsk_assets.pipeline.step import House

SIMULATOR = "simulator"
COLUMNS = ("pool_id", "same_as", "reviewed_at", "reviewer", "note")
# The source whose id a pool keeps: it names most pools.
FIRST_SOURCE = "defillama"


@lru_cache(maxsize=2)
def crosswalk(simulated: bool) -> dict[str, str]:
    """Source-native id → the pool id that it is another name of. The simulator's own rows count in its market only."""
    return reviewed(files("veririsk_assets.contracts").joinpath("pools_crosswalk.csv").read_text(), simulated)


def reviewed(text: str, simulated: bool) -> dict[str, str]:
    """As `crosswalk`, of a file's text: names of names lead to the last one; a row that nobody has signed and dated does not count.

    Raises ValueError where names lead back to themselves.
    """
    rows = [row for row in csv.DictReader(StringIO(text, newline="")) if row["reviewer"] and row["reviewed_at"]]
    step = {row["same_as"]: row["pool_id"] for row in rows if (row["reviewer"] == SIMULATOR) == simulated}
    return {name: _last(name, step) for name in step}


def _last(name: str, step: dict[str, str]) -> str:
    passed = {name}
    while name in step:
        name = step[name]
        if name in passed:
            raise ValueError(f"pools_crosswalk.csv: {name} is another name of itself")
        passed.add(name)
    return name


def suggestions(house: House) -> list[dict[str, str]]:
    """Rows of the crosswalk for the suspected twins of the newest week; a person signs and dates them."""
    span = house.lake.span(pools.POOL_SNAPSHOTS)
    twins = twins_of(house.lake, span and span[1])
    about = house.lake.read(pools.POOLS).drop_duplicates("pool_key").set_index("pool_key")
    pairs = [(*sorted((about.loc[p["pool_key"]], about.loc[p["twin_key"]]), key=_seniority), p) for p in twins.to_dict("records")]
    rows: dict[str, dict[str, str]] = {}
    # The senior pools first: of three ids of one pool two are other names of the third.
    for kept, other, pair in sorted(pairs, key=lambda found: (_seniority(found[0]), _seniority(found[1]))):
        if kept["pool_id"] not in rows and other["pool_id"] not in rows:
            values = (kept["pool_id"], other["pool_id"], "", "", _evidence(pair, kept, other))
            rows[other["pool_id"]] = dict(zip(COLUMNS, values, strict=True))
    return list(rows.values())


def as_csv(rows: list[dict[str, str]]) -> str:
    """The rows with their heading."""
    out = StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _seniority(pool: pd.Series) -> tuple[Any, ...]:
    return pool["source"] != FIRST_SOURCE, pool["first_seen_at"], pool["pool_id"]


def _evidence(pair: dict[str, Any], kept: pd.Series, other: pd.Series) -> str:
    hours = f"TVL agrees in {pair['agreeing_hours']} of {pair['compared_hours']} hours"
    names = f"{' '.join(kept['name'].split())} ({kept['source']}) and {' '.join(other['name'].split())} ({other['source']})"
    return f"{hours}, largest difference {pair['largest_difference_ratio']:.1e}: {names}"
