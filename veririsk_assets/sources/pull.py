"""What a client gives back: the rows of one raw table, typed as its contract has them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts.tables import PANDAS_TYPES, Kind, Table
from veririsk_assets.contracts.texts import identifier, stored
from veririsk_assets.contracts.windows import naive
from veririsk_assets.sources.numbers import mapping
from veririsk_assets.wire.errors import TransientSourceError
from veririsk_assets.wire.session import Reply

STAMP = np.dtype("datetime64[us]")


@dataclass(frozen=True)
class Pull:
    """Rows of `table` as columns of equal length, a part per reply. Rows that break its contract are in it: the lake quarantines them."""

    table: Table
    parts: tuple[Mapping[str, Sequence[Any]], ...]

    def __len__(self) -> int:
        return sum(len(part["source"]) for part in self.parts)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The rows in the order in which they came. Made once for many parts: a frame costs the same for two rows as for thousands."""
        return pd.DataFrame({column.name: self._column(column.name, column.kind) for column in self.table.columns}, copy=False)

    def _column(self, name: str, kind: Kind) -> Any:
        values = list(chain.from_iterable(part[name] for part in self.parts))
        if kind == "float":
            return np.array(values, dtype=np.float64)
        if kind == "str":
            # What names a row must be whole; any other text is repaired.
            values = list(map(identifier if name in self.table.key else stored, values))
        return np.array(values, dtype=STAMP) if kind == "time" else pd.array(values, dtype=PANDAS_TYPES[kind])


def rows_of(reply: Reply, body: Any) -> list[dict[str, Any]]:
    """The reply's list of objects; what is no object becomes an empty one, which has no id. Raises when it is no list."""
    if not isinstance(body, list):
        raise TransientSourceError(f"{reply.provider}: {reply.endpoint} did not answer with a list of rows")
    return [mapping(row) for row in body]


def pulled(
    table: Table, reply: Reply, columns: Mapping[str, Sequence[Any]], observed_at: Sequence[Any] | None = None, kind: str = "none"
) -> Pull:
    """One reply's rows. `columns`: the table's own ones; provenance is added. `observed_at`: naive UTC or None per row."""
    count = len(next(iter(columns.values())))
    stamp = naive(reply.pulled_at)
    said = {"source": reply.provider, "endpoint": reply.endpoint, "observed_kind": kind, "payload_hash": reply.payload_hash}
    known = {name: [value] * count for name, value in (said | {"pulled_at": stamp, "available_at": stamp}).items()}
    return Pull(table, ({**known, "observed_at": [None] * count if observed_at is None else observed_at, **columns},))


def together(table: Table, pulls: Iterable[Pull]) -> Pull:
    """The rows of several pulls, in the order in which they came."""
    return Pull(table, tuple(part for pull in pulls for part in pull.parts))
