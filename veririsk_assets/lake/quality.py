"""Holding a frame against its contract before anything is written.

A table fault raises `ContractError`. A row fault in a required column moves the row to quarantine with its rule and reason; in
any other column only the value goes, and the row is kept without it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts.monitoring import QUARANTINE
from veririsk_assets.contracts.tables import Column, ContractError, Table
from veririsk_assets.contracts.windows import naive

LARGEST = float(np.finfo(np.float32).max)
FAULT_COLUMNS = ("column_name", "rule", "reason", "row_json")

QUARANTINE_ONCE = """
INSERT INTO lake.monitoring.quarantine
SELECT b.* FROM bad_rows b WHERE NOT EXISTS (
    SELECT 1 FROM lake.monitoring.quarantine q
    WHERE q.table_name = b.table_name AND q.row_json = b.row_json AND q.rule = b.rule AND q.column_name = b.column_name
)
"""


@dataclass(frozen=True)
class Checked:
    """`rows` may be stored; `faults` has FAULT_COLUMNS, one row per broken value (of a refused row: the first). `refused_count` rows are not stored."""

    rows: pd.DataFrame
    faults: pd.DataFrame
    refused_count: int = 0


def check(table: Table, frame: pd.DataFrame, duplicates_to_quarantine: bool = False) -> Checked:
    """Typed rows that keep the contract, and the others with the reason.

    Raises ContractError for missing or unknown columns, wrong types, and doubled keys
    (raw tables pass `duplicates_to_quarantine`: a source that repeats itself is a row fault there).
    """
    typed = _typed(table, frame)
    broken = _broken_rules(table, typed)
    required = {column.name for column in table.columns if column.required}
    fatal = broken[broken["column_name"].isin(required)].drop_duplicates("index")
    doubled = typed.duplicated(list(table.key)) & ~typed.index.isin(fatal["index"])
    if doubled.any() and not duplicates_to_quarantine:
        first = typed.loc[doubled, list(table.key)].iloc[0].to_dict()
        raise ContractError(f"{table.sql_name}: {int(doubled.sum())} rows repeat a key, the first is {first}")
    repeats = pd.DataFrame(
        {"index": typed.index[doubled], "column_name": ", ".join(table.key), "rule": "doubled key", "reason": "first row kept"}
    )
    gone = pd.Index([*fatal["index"], *repeats["index"]], dtype=np.int64)
    partial = broken[~broken["index"].isin(gone)].drop_duplicates(["index", "column_name"])
    faults = pd.concat([fatal, partial, repeats], ignore_index=True)
    if faults.empty:
        return Checked(typed, pd.DataFrame(columns=list(FAULT_COLUMNS)))
    faults["row_json"] = [row.to_json(date_format="iso") for _, row in typed.loc[faults["index"]].iterrows()]
    for name, at in partial.groupby("column_name")["index"]:
        typed.loc[at, name] = None
    return Checked(typed.drop(index=gone), faults.drop(columns="index").reset_index(drop=True), len(gone))


def _typed(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in table.names if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in table.names]
    if missing or unknown:
        raise ContractError(f"{table.sql_name}: missing columns {missing}, unknown columns {unknown}")
    return pd.DataFrame({column.name: _cast(table, column, frame[column.name]) for column in table.columns}).reset_index(drop=True)


def _cast(table: Table, column: Column, values: pd.Series) -> pd.Series:
    try:
        if column.kind == "float":
            return values.astype("float64")
        if column.kind == "time":
            return _naive_utc(values)
        if column.kind == "str":
            return values.astype("str")
        return values if str(values.dtype) == _plain(column) else values.astype("Int64" if column.kind == "int" else "boolean")
    except (TypeError, ValueError) as error:
        raise ContractError(f"{table.sql_name}.{column.name} should be {column.kind}, got {values.dtype}: {error}") from error


def _plain(column: Column) -> str:
    return "int64" if column.kind == "int" else "bool"


def _naive_utc(values: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values) and not values.isna().all():
        raise TypeError("a number is not an instant")
    stamps = pd.to_datetime(values)
    stamps = stamps.dt.tz_convert("UTC").dt.tz_localize(None) if stamps.dt.tz is not None else stamps
    return stamps.astype("datetime64[us]")


def _broken_rules(table: Table, typed: pd.DataFrame) -> pd.DataFrame:
    """`index` into `typed`, column_name, rule and reason of every broken rule."""
    from pandera.errors import SchemaErrors

    # Panels hold single precision: what does not fit into it is no number to us.
    endless = {c.name: typed[c.name].abs() > LARGEST for c in table.columns if c.kind == "float"}
    rows = [(index, name, "not finite", repr(float(typed.at[index, name]))) for name, bad in endless.items() for index in typed.index[bad]]
    rows += [(index, c.name, "missing", "None") for c in table.columns if c.expected for index in typed.index[typed[c.name].isna()]]
    if not typed.empty:
        try:
            table.schema.validate(typed, lazy=True)
        except SchemaErrors as errors:
            cases = errors.failure_cases
            whole = cases[cases["index"].isna()]
            if not whole.empty:
                raise ContractError(f"{table.sql_name}: {whole['check'].iloc[0]} on {whole['column'].iloc[0]}") from errors
            rows += [
                (int(i), c, _rule(r), repr(v))
                for i, c, r, v in zip(cases["index"], cases["column"], cases["check"], cases["failure_case"], strict=True)
            ]
    return pd.DataFrame(rows, columns=["index", "column_name", "rule", "reason"])


def _rule(check_name: str) -> str:
    return "missing" if check_name == "not_nullable" else str(check_name)


def quarantine_rows(table: Table, faults: pd.DataFrame, as_of: datetime | None, **about: Any) -> pd.DataFrame:
    """Rows of monitoring/quarantine for the faults of a table's rows."""
    if faults.empty:
        return pd.DataFrame(columns=QUARANTINE.names)
    met_in = pd.Timestamp(naive(as_of)) if as_of else pd.NaT
    return check(QUARANTINE, faults.assign(table_name=table.sql_name, as_of=met_in, **about), duplicates_to_quarantine=True).rows
