"""Setting rows aside: out of their tables and into quarantine in one commit, whole and with the reason. Nothing is lost."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import duckdb

from veririsk_assets.contracts.monitoring import QUARANTINE
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import naive
from veririsk_assets.lake.lake import Lake

# Under a name of its own: whoever counts the refused rows of an hour by its as_of must not meet a row that is of another hour.
_KEEP = f"""
INSERT INTO lake.{QUARANTINE.sql_name} ({", ".join(QUARANTINE.names)})
SELECT $table_name, $column_name, $rule, concat($reason, $moment_name, ' is ', {{moment}}), json_object('row', t), $run_id, NULL, $now
FROM lake.{{table}} t WHERE {{moment}} > $after
"""


def later(lake: Lake, moments: Mapping[Table, str], after: datetime) -> list[Table]:
    """Tables with rows whose moment, as SQL over their columns, lies after an instant."""
    asked = " UNION ALL ".join(
        f"SELECT {place} AS place WHERE EXISTS (SELECT 1 FROM lake.{table.sql_name} WHERE {moment} > $after)"
        for place, (table, moment) in enumerate(moments.items())
    )
    found = lake.cursor().execute(asked, {"after": naive(after)}).fetchall()
    return [table for place, table in enumerate(moments) if (place,) in found]


def set_aside(lake: Lake, moments: Mapping[Table, str], after: datetime, rule: str) -> dict[str, int]:
    """Moves those rows; how many, by table. What counts is what the commit itself finds: a second process moves none twice."""
    moved: dict[str, int] = {}

    def change(cursor: duckdb.DuckDBPyConnection) -> None:
        for table, moment in moments.items():
            about: dict[str, Any] = {
                "table_name": table.sql_name,
                "column_name": table.time,
                "rule": rule,
                "moment_name": moment,
                "run_id": lake.run_id,
            }
            about |= {"reason": f"later than {naive(after):%Y-%m-%d %H:%M}: ", "now": naive(lake.now()), "after": naive(after)}
            cursor.execute(_KEEP.format(table=table.sql_name, moment=moment), about)
            gone = cursor.execute(f"DELETE FROM lake.{table.sql_name} WHERE {moment} > $after", {"after": naive(after)}).fetchall()
            moved[table.sql_name] = int(gone[0][0])

    lake.commit(change)
    return moved
