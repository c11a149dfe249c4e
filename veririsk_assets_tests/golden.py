"""What a small fixed run leaves in the lake and in the published file, as digests: behaviour that a rebuilding must not move.

`python -m veririsk_assets_tests.golden` says what differs from golden.json; with `--record` it writes it anew. What was renamed since
is listed there, each with the commit that did it.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb

from veririsk_assets.contracts.catalogue import TABLES
from veririsk_assets.contracts.migrations import APPLIED
from veririsk_assets.contracts.pools import POOL_SNAPSHOTS
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import HOUR, Window, utc
from veririsk_assets.lake.lake import Lake
from veririsk_assets.pipeline import replay
from veririsk_assets.pipeline.learning import recalibration
from veririsk_assets.pipeline.publishing import publish
from veririsk_assets.pipeline.saying.performance import judge_scores
from veririsk_assets.pipeline.saying.scores import store_scores
from veririsk_assets.pipeline.saying.shadow import shadow_scores
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets_tests.pipeline.small_house import SECOND, two_versions
from veririsk_assets_tests.pipeline.world import START, outside

FILE = Path(__file__).with_name("golden.json")
COUNT, SEED, HISTORY_DAYS, SCORED_HOURS = 32, 3, 14, 26
# Protocols whose years of history are asked for: enough to learn from, few enough to be quick.
FOLLOWED = 10
# Counts commits: how often a step writes is not what it writes.
VOLATILE = ("lake_snapshot_id",)
# Sums of floats differ in the last digits between machines.
TOLERANCE = 1e-6
Digest = dict[str, Any]


def golden(folder: Path) -> Digest:
    """Digests of both homes, by table and column."""
    return {"market": _market(folder / "market"), "two_versions": _two_versions(folder / "two_versions")}


def _market(home: Path) -> Digest:
    """A market of two weeks, one training on it, a day scored, labelled and judged."""
    house = House.open(
        Settings(home=home, pools=COUNT, seed=SEED, max_protocols=FOLLOWED), lambda: utc("2025-06-01T12:30"), run_id="golden"
    )
    begin = START + HISTORY_DAYS * 24 * HOUR
    end = begin + SCORED_HOURS * HOUR
    replay.run(house, outside(house, pools=COUNT, seed=SEED), START, begin, end, lambda *_: None)
    replay.label_until(house, POOLS, end)
    judge_scores(house, POOLS, end)
    published = publish(house).path
    with duckdb.connect(str(published), read_only=True) as connection:
        counts = json.loads(connection.execute("SELECT row_counts FROM _about").fetchall()[0][0])
    found = {**_tables(house.lake), "_about.row_counts": counts}
    house.close()
    return found


def _two_versions(home: Path) -> Digest:
    """A champion and its challenger over nine days: shadow, shifts of the base rate, performance; then an hour of nonsense."""
    house = two_versions(home)
    scored = Window(SECOND, SECOND + 9 * 24 * HOUR)
    recalibration.daily_shifts(house, POOLS, scored)
    store_scores(house, POOLS, scored)
    shadow_scores(house, POOLS, scored)
    judge_scores(house, POOLS, scored.end)
    hour = Window.ending(scored.end)
    house.lake.replace(POOL_SNAPSHOTS, house.lake.read(POOL_SNAPSHOTS, hour).assign(tvl_usd=-1.0), hour)
    found = _tables(house.lake)
    house.close()
    return found


def _tables(lake: Lake) -> Digest:
    """All tables but the list of renamings."""
    return {table.sql_name: _digest(lake, table) for table in TABLES if table is not APPLIED}


def _digest(lake: Lake, table: Table) -> Digest:
    """Per column, in the order of the key: a hash, or of floats how many are null and two sums that know the order."""
    names = [name for name in table.names if name not in VOLATILE]
    # A source's rows may repeat their key: the rest of the row decides then.
    order = ", ".join(dict.fromkeys((*table.key, *(name for name in names if table.column(name).kind != "float"), *names)))
    rows = f"(SELECT *, row_number() OVER (ORDER BY {order}) AS place FROM (SELECT {', '.join(names)} FROM lake.{table.sql_name}))"
    asked = ", ".join(f"{_of_float(name) if table.column(name).kind == 'float' else _of_other(name)} AS {name}" for name in names)
    found = lake.sql(f"SELECT count(*) AS all_rows, {asked} FROM {rows}").iloc[0]
    columns = {name: list(found[name]) if table.column(name).kind == "float" else found[name] for name in names}
    return {"rows": int(found["all_rows"]), "columns": columns}


def _of_other(name: str) -> str:
    return f"coalesce(md5(string_agg(coalesce(CAST({name} AS VARCHAR), '∅'), '|' ORDER BY place)), '')"


def _of_float(name: str) -> str:
    value = f"coalesce({name}, 0)"
    sums = (f"coalesce(fsum({term}), 0)" for term in (value, f"{value} * (place % 1009 + 1)", f"abs({value}) * 1009"))
    return f"[CAST(count(*) - count({name}) AS DOUBLE), {', '.join(sums)}]"


def differences(found: Digest, recorded: Digest, where: str = "") -> list[str]:
    """Every place in which two digests differ, as path: this, not that."""
    said = []
    for name in sorted(found.keys() | recorded.keys()):
        path, ours, theirs = f"{where}/{name}", found.get(name), recorded.get(name)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            said += differences(ours, theirs, path)
        elif not _equal(ours, theirs):
            said.append(f"{path}: {ours}, recorded {theirs}")
    return said


def _equal(ours: Any, theirs: Any) -> bool:
    if not (isinstance(ours, list) and isinstance(theirs, list)):
        return bool(ours == theirs)
    (nulls, *sums, scale), (recorded_nulls, *recorded_sums, _) = ours, theirs
    return nulls == recorded_nulls and all(abs(a - b) <= TOLERANCE * scale for a, b in zip(sums, recorded_sums, strict=True))


def main() -> None:
    file = json.loads(FILE.read_text()) if FILE.exists() else {"renamed": [], "digests": {}}
    with tempfile.TemporaryDirectory() as folder:
        found = golden(Path(folder))
    sys.stdout.writelines(f"{line}\n" for line in differences(found, file["digests"]))
    if "--record" in sys.argv:
        FILE.write_text(json.dumps({**file, "digests": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
