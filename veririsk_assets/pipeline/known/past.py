"""What sources tell of their own past: who has told it, and what of an answer is new.

Whose past is stored is read from the lake: a run that was stopped is gone on with, and nothing that is stored is asked for again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import CLOCK_SKEW, naive, utc
from veririsk_assets.pipeline.step import House
from veririsk_assets.sources.pull import Pull

# A history is asked for again, for what was rewritten in it. Who had none is asked the next day: a host in trouble answers so too.
AGAIN_AFTER, NONE_FOR = timedelta(days=30), timedelta(days=1)
SAME_WITHIN = 1e-9


class Past:
    """Of whose past a table holds something, and who has none."""

    def __init__(self, house: House, table: Table, name: str) -> None:
        self._state, self._mark = house.state, f"past/{table.name}/"
        rows = house.lake.sql(f"SELECT {name} AS name, max(pulled_at) AS told FROM lake.{table.sql_name} GROUP BY ALL")
        self.known = {str(one): told.to_pydatetime() for one, told in rows.itertuples(index=False)}
        marks = self._state.starting_with(self._mark).items()
        self._until = {mark.removeprefix(self._mark): naive(utc(until)) for mark, until in marks}

    def due(self, names: Iterable[str], now: datetime, most: int) -> list[str]:
        """Who has not told anything, then who did so long ago; at most so many."""
        return sorted((name for name in dict.fromkeys(names) if not self.rests(name, now)), key=lambda name: name in self.known)[:most]

    def rests(self, name: str, now: datetime) -> bool:
        """Whether it is not asked now. A mark that lasts longer than any can was made by a clock that was ahead, and says nothing."""
        until = self._until.get(name, datetime.min)
        return now - self.known.get(name, datetime.min) < AGAIN_AFTER or now < until <= now + AGAIN_AFTER + CLOCK_SKEW

    def told(self, name: str, now: datetime) -> None:
        """It is not asked again for a while, whatever of its answer is stored."""
        self.known[name] = now
        self._rest(name, now + AGAIN_AFTER)

    def had_none(self, name: str, now: datetime) -> None:
        """The source has nothing of it today."""
        self._rest(name, now + NONE_FOR)

    def _rest(self, name: str, until: datetime) -> None:
        self._until[name] = until
        self._state.put(self._mark + name, until.isoformat())


class Versions:
    """What a table says of each name's days, newest version first; what has come since is known too."""

    def __init__(self, house: House, table: Table, names: tuple[str, ...], value: str) -> None:
        self._house, self._table, self._names, self._value = house, table, names, value
        self._known = dict[tuple[Any, ...], dict[datetime, float]]()

    def news(self, answer: Pull) -> Pull:
        """Of an answer the days that are not stored, or whose newest version differs."""
        return replace(answer, parts=tuple(part for said in answer.parts if said["source"] for part in self._new_in(said)))

    def is_first(self, name: tuple[Any, ...]) -> None:
        """Nothing is stored of it: there is nothing to look up."""
        self._known.setdefault(name, {})

    def _new_in(self, part: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Sequence[Any]]]:
        known = self._of(tuple(part[name][0] for name in self._names))
        said = list(zip(part["observed_at"], part[self._value], part["is_provisional"], strict=True))
        kept = [not _is_same(known.get(at), value) for at, value, _ in said]
        known |= {at: value for at, value, is_provisional in said if not is_provisional}
        if any(kept):
            yield {name: [one for one, keep in zip(column, kept, strict=True) if keep] for name, column in part.items()}

    def _of(self, name: tuple[Any, ...]) -> dict[datetime, float]:
        if name not in self._known:
            where = " AND ".join(("NOT is_provisional", *(f"{column} = ?" for column in self._names)))
            rows = self._house.lake.sql(
                f"SELECT observed_at, arg_max({self._value}, pulled_at) AS value FROM lake.{self._table.sql_name} WHERE {where} GROUP BY 1",
                name,
            )
            self._known[name] = dict(zip(rows["observed_at"].dt.to_pydatetime(), rows["value"], strict=True))
        return self._known[name]


def _is_same(known: float | None, said: float) -> bool:
    return known is not None and (known == said or abs(known - said) <= SAME_WITHIN * abs(known) or (known != known and said != said))
