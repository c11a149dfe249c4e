"""What a table is: one declaration that gives the lake table, the asset, the checks, the docs and the BI comments."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

Kind = Literal["str", "int", "float", "bool", "time"]
SQL_TYPES: dict[Kind, str] = {"str": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "time": "TIMESTAMP"}
PANDAS_TYPES: dict[Kind, str] = {
    "str": "str",
    "int": "Int64",
    "float": "float64",
    "bool": "boolean",
    "time": "datetime64[us]",
}


class ContractError(Exception):
    """A table fault: a missing or unknown column, a wrong type, a doubled key. Nothing is written."""


@dataclass(frozen=True)
class Column:
    """One column: its meaning, unit and the range outside which a value goes to quarantine.

    A broken `required` value takes its row with it. Any other broken value becomes null and its row is kept: a refused
    volume must not hide a TVL. `expected`: a row without the value is kept too, but that is a fault with a quarantine row of
    its own. `before`: what rows have that were stored before the column existed, as SQL; null without it.
    """

    name: str
    kind: Kind
    description: str
    unit: str = ""
    required: bool = False
    expected: bool = False
    gt: float | None = None
    ge: float | None = None
    le: float | None = None
    isin: tuple[str, ...] = ()
    formula: str = ""
    lookback_hours: int = 0
    before: str = ""


@dataclass(frozen=True)
class Table:
    """`stage.name` in the lake, `[stage, name]` as asset key. `time` is the column that windows select by, `step_hours` (1 or 24)
    how far its instants lie apart."""

    stage: str
    name: str
    grain: str
    key: tuple[str, ...]
    time: str
    description: str
    columns: tuple[Column, ...]
    sort: tuple[str, ...] = ()
    step_hours: int = 1

    @property
    def entity(self) -> str:
        """The column of its key that names an entity; empty where a row is about a whole instant."""
        return next((name for name in self.key if name.endswith("_key")), "")

    @property
    def sql_name(self) -> str:
        return f"{self.stage}.{self.name}"

    @property
    def asset_key(self) -> tuple[str, str]:
        return self.stage, self.name

    @property
    def is_shared(self) -> bool:
        """Whether rows of several systems lie in it: every read and every replace names the system that it means."""
        return "system" in self.key

    @cached_property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def column(self, name: str) -> Column:
        found = next((c for c in self.columns if c.name == name), None)
        if found is None:
            raise ContractError(f"{self.sql_name} has no column {name!r}")
        return found

    @cached_property
    def needed(self) -> frozenset[str]:
        """Columns without which a row says too little: a fault in one of them is a refusal."""
        return frozenset(column.name for column in self.columns if column.required or column.expected)

    @cached_property
    def schema(self) -> Any:
        """The Pandera schema of the row rules (ranges, nulls, vocabularies); types and keys are checked before it."""
        import pandera.pandas as pa

        return pa.DataFrameSchema({c.name: pa.Column(checks=_checks(c), nullable=not c.required) for c in self.columns}, name=self.sql_name)


def _checks(column: Column) -> list[Any]:
    import pandera.pandas as pa

    checks = []
    if column.gt is not None:
        checks.append(pa.Check.gt(column.gt, error=f"not above {column.gt:g}"))
    if column.ge is not None:
        checks.append(pa.Check.ge(column.ge, error=f"below {column.ge:g}"))
    if column.le is not None:
        checks.append(pa.Check.le(column.le, error=f"above {column.le:g}"))
    if column.isin:
        checks.append(pa.Check.isin(column.isin, error=f"not one of {', '.join(column.isin)}"))
    return checks


def text(name: str, description: str, **rules: Any) -> Column:
    return Column(name, "str", description, **rules)


def number(name: str, description: str, unit: str = "", **rules: Any) -> Column:
    return Column(name, "float", description, unit, **rules)


def whole(name: str, description: str, unit: str = "", **rules: Any) -> Column:
    return Column(name, "int", description, unit, **rules)


def flag(name: str, description: str, **rules: Any) -> Column:
    return Column(name, "bool", description, **rules)


def instant(name: str, description: str, **rules: Any) -> Column:
    return Column(name, "time", description, "UTC", **rules)


def by_stage(tables: Iterable[Table]) -> dict[str, list[Table]]:
    """Tables grouped by stage, in the order in which they are declared."""
    stages: dict[str, list[Table]] = {}
    for table in tables:
        stages.setdefault(table.stage, []).append(table)
    return stages
