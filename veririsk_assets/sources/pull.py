"""What a client gives back: the rows of one raw table, typed as its contract has them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts.tables import PANDAS_TYPES, Kind, Table
from veririsk_assets.contracts.texts import identifier, stored
from veririsk_assets.contracts.windows import naive
from veririsk_assets.sources.numbers import mapping
from veririsk_assets.wire.errors import SourceError, TransientSourceError
from veririsk_assets.wire.session import Check, Reply

STAMP = np.dtype("datetime64[us]")
FAILED = ("error", "fail", "failed", "failure")
LONGEST_ERROR = 200


@dataclass(frozen=True)
class Pull:
    """Rows of `table` as columns of equal length, a part per reply. Rows that break its contract are in it: the lake quarantines them.

    `shortfall`: why later replies are missing; `note`: what was not asked for. No part at all: there was nothing to ask.
    """

    table: Table
    parts: tuple[Mapping[str, Sequence[Any]], ...]
    shortfall: str = ""
    note: str = ""

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
            mended = identifier if name in self.table.key else stored
            texts = {value: mended(value) for value in {value for value in values if type(value) is str}}
            values = [texts[value] if type(value) is str else None for value in values]
        return np.array(values, dtype=STAMP) if kind == "time" else pd.array(values, dtype=PANDAS_TYPES[kind])


def listed(body: Any, *path: str) -> list[Any]:
    """The list at `path` of a parsed reply. Raises TransientSourceError when there is none, or an error beside it."""
    found, told = body, _error(body)
    for name in path:
        found = mapping(found).get(name)
    if told or not isinstance(found, list):
        raise TransientSourceError(f"did not answer with a list of rows{f': {told}' if told else ''}")
    return found


def rows_expected(named: str, *path: str) -> Check:
    """A check for the wire: the list at `path` has a row that says its `named`; an empty list is no market without pools."""

    def check(body: Any) -> None:
        rows = listed(body, *path)
        if not any(mapping(row).get(named) for row in rows):
            raise TransientSourceError(f"answered with {len(rows)} rows, none of which has a {named!r}")

    return check


def list_expected(*path: str) -> Check:
    """A check for the wire: there is a list at `path`, which may be empty."""
    return lambda body: listed(body, *path)


def rows_of(reply: Reply, *path: str) -> list[dict[str, Any]]:
    """The reply's list of objects; what is no object becomes an empty one, which has no id. Raises when it is no list."""
    return [mapping(row) for row in listed(reply.body, *path)]


def _error(body: Any) -> str:
    """What the reply says went wrong: hosts send such objects with HTTP 200, in place of the rows or beside them."""
    said = mapping(body)
    status = said.get("status")
    told = said.get("error") or said.get("errors") or mapping(status).get("error_message") or mapping(said.get("metadata")).get("error")
    if not told and (mapping(status).get("error_code") or str(status).lower() in FAILED):
        told = said.get("message") or status
    return str(told)[:LONGEST_ERROR] if told else ""


def pulled(
    table: Table,
    reply: Reply,
    columns: Mapping[str, Sequence[Any]],
    observed_at: Sequence[Any] | None = None,
    kind: str = "none",
    available_at: Sequence[Any] | None = None,
) -> Pull:
    """One reply's rows. `columns`: the table's own ones; provenance is added. `observed_at`: naive UTC or None per row; `available_at`:
    when each could have been known, where the reply tells of what is past (default: when it came)."""
    count = len(next(iter(columns.values())))
    stamp = naive(reply.pulled_at)
    said = {"source": reply.provider, "endpoint": reply.endpoint, "observed_kind": kind, "payload_hash": reply.payload_hash}
    known: dict[str, Sequence[Any]] = {
        name: [value] * count for name, value in (said | {"pulled_at": stamp, "available_at": stamp}).items()
    }
    known |= {} if available_at is None else {"available_at": available_at}
    return Pull(table, ({**known, "observed_at": [None] * count if observed_at is None else observed_at, **columns},))


def together(table: Table, pulls: Iterable[Pull]) -> Pull:
    """The rows of several pulls, in the order in which they came, and what they lack."""
    came = list(pulls)
    said = ("; ".join(dict.fromkeys(filter(None, told))) for told in zip(*((pull.shortfall, pull.note) for pull in came), strict=True))
    return Pull(table, tuple(part for pull in came for part in pull.parts), *said)


def as_far_as_it_goes(table: Table, *runs: Iterator[Pull]) -> Pull:
    """The replies of runs that ask while they are read: one that fails leaves those before it, and `shortfall` says so.

    A run that is refused for good does not end the others; a host in trouble is left alone. Raises the first error when no row came.
    """
    came: list[Pull] = []
    errors: list[SourceError] = []
    for run in runs:
        try:
            for one in run:
                came.append(one)
        except SourceError as error:
            errors.append(error)
            if isinstance(error, TransientSourceError):
                break
    if errors and not any(len(one) for one in came):
        raise errors[0]
    told = f"{len(came)} replies came, then: {'; '.join(map(str, errors))}" if errors else ""
    return replace(together(table, came), shortfall=told)
