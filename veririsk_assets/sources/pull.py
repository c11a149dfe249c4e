"""What a client gives back: the rows of one raw table, typed as its contract has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts.tables import PANDAS_TYPES, Table
from veririsk_assets.contracts.windows import naive
from veririsk_assets.sources.numbers import mapping
from veririsk_assets.wire.errors import TransientSourceError
from veririsk_assets.wire.session import Reply

STAMP = np.dtype("datetime64[us]")
# As "str", which pandas would look up for every array.
TEXT = pd.StringDtype(na_value=np.nan)


@dataclass(frozen=True)
class Pull:
    """`frame`: columns and types of the raw table. Rows that break its contract are in it: the lake quarantines them."""

    frame: pd.DataFrame


def rows_of(reply: Reply, body: Any) -> list[dict[str, Any]]:
    """The reply's list of objects; what is no object becomes an empty one, which has no id. Raises when it is no list."""
    if not isinstance(body, list):
        raise TransientSourceError(f"{reply.provider}: {reply.endpoint} did not answer with a list of rows")
    return [mapping(row) for row in body]


def frame(
    table: Table, reply: Reply, columns: Mapping[str, Sequence[Any]], observed_at: Sequence[Any] | None = None, kind: str = "none"
) -> pd.DataFrame:
    """One reply's rows. `columns`: the table's own ones; provenance is added. `observed_at`: naive UTC or None per row."""
    count = len(next(iter(columns.values())))
    pulled_at = np.full(count, naive(reply.pulled_at), STAMP)
    said = {"source": reply.provider, "endpoint": reply.endpoint, "observed_kind": kind, "payload_hash": reply.payload_hash}
    values: dict[str, Any] = {name: _constant(value, count) for name, value in said.items()}
    values |= {"pulled_at": pulled_at, "available_at": pulled_at.copy()}
    values["observed_at"] = np.full(count, "NaT", STAMP) if observed_at is None else np.array(observed_at, STAMP)
    for column in table.columns:
        if column.name in columns:
            values[column.name] = _typed(columns[column.name], column.kind)
    return pd.DataFrame({name: values[name] for name in table.names}, copy=False)


def together(table: Table, frames: list[pd.DataFrame]) -> Pull:
    """The rows of several replies, in the order in which they came."""
    if len(frames) == 1:
        return Pull(frames[0])
    if not frames:
        return Pull(pd.DataFrame({column.name: pd.Series(dtype=PANDAS_TYPES[column.kind]) for column in table.columns}))
    return Pull(pd.concat(frames, ignore_index=True))


def _constant(value: str, count: int) -> Any:
    return pd.array([value] * count, dtype=TEXT)


def _typed(values: Sequence[Any], kind: str) -> Any:
    if kind == "float":
        return np.array(values, dtype=np.float64)
    if kind == "int":
        return pd.array(values, dtype="Int64")
    return np.array(values, dtype=STAMP) if kind == "time" else pd.array(values, dtype=TEXT)
