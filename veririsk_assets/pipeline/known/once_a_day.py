"""What moves slowly is asked about once a day: an hour in which what is stored is young costs no call."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import numpy as np

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.pipeline.known.outside import Outside
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets.sources import coingecko
from veririsk_assets.sources.fear_greed import fear_greed
from veririsk_assets.sources.lp_positions import lp_positions
from veririsk_assets.sources.pull import Pull
from veririsk_assets.wire.session import Wire

# None: what is stored is young.
Ask = Callable[[Wire, Settings, Outside], Pull | None]
NOT_DUE = "nothing is due: what is stored is young enough, or nobody is there to ask about"
DAY = timedelta(hours=24)
# A pair that was not seen for so long is not asked about.
SEEN_WITHIN = timedelta(hours=6)


class Newest:
    """When the newest answer about each name is from: what is stored before a window and, hour by hour, in it, and what has come since.

    A window that is asked about again, because a run was stopped in it, has answers of its own already.
    """

    def __init__(self, house: House, window: Window, name: str, stamp: str, table: str) -> None:
        rows = house.lake.sql(
            f"SELECT {name} AS name, max({stamp}) AS newest FROM lake.{table} WHERE pulled_at <= ? GROUP BY ALL HAVING newest IS NOT NULL",
            [naive(window.start + HOUR)],
        )
        self._newest = dict(zip(rows["name"], rows["newest"], strict=True))
        inside = house.lake.sql(
            f"SELECT DISTINCT {name} AS name, {stamp} AS stamp FROM lake.{table} "
            f"WHERE pulled_at > ? AND pulled_at <= ? AND {stamp} IS NOT NULL ORDER BY stamp DESC",
            [naive(window.start + HOUR), naive(window.end + HOUR)],
        )
        self._to_come = list(zip(inside["stamp"], inside["name"], strict=True))

    def due(self, names: Iterable[str], now: datetime) -> list[str]:
        """Names without an answer of the last 24 hours, the oldest answer first, those without any last. `now` never goes back."""
        while self._to_come and self._to_come[-1][0] <= now:
            stamp, name = self._to_come.pop()
            self._newest[name] = stamp
        known = {name: self._newest.get(name, now) for name in names}
        old = [name for name in known if name not in self._newest or now - known[name] >= DAY]
        return sorted(old, key=lambda name: known[name])

    def answered(self, names: Iterable[str], when: datetime) -> None:
        self._newest.update(dict.fromkeys(names, when))


def index(house: House, window: Window) -> Ask:
    """The Fear & Greed index, when the newest one is a day old. One that says it is from the future is from now."""
    name = "index"
    newest = Newest(house, window, f"'{name}'", "least(observed_at, pulled_at)", raw.FEAR_GREED.sql_name)

    def ask(wire: Wire, settings: Settings, _: Outside) -> Pull | None:
        now = naive(wire.clock.now())
        if not newest.due([name], now):
            return None
        answer = fear_greed(wire, settings)
        days = answer.frame["observed_at"]
        if days.notna().any():
            newest.answered([name], min(days.max(), now))
        return answer

    return ask


def coins(house: House, window: Window) -> Ask:
    """By which addresses coins are known, when the newest list is a day old."""
    name = "list"
    newest = Newest(house, window, f"'{name}'", "pulled_at", raw.COINGECKO_COINS.sql_name)

    def ask(wire: Wire, settings: Settings, _: Outside) -> Pull | None:
        now = naive(wire.clock.now())
        if not newest.due([name], now):
            return None
        answer = coingecko.coins(wire, settings)
        newest.answered([name], now)
        return answer

    return ask


def holders(house: House, window: Window) -> Ask:
    """The holders of the pairs seen lately whose newest answer is a day old."""
    newest = Newest(house, window, "pair", "pulled_at", raw.THEGRAPH_LP_POSITIONS.sql_name)
    seen = house.lake.sql(
        f"SELECT DISTINCT pair, pulled_at FROM lake.{raw.THEGRAPH_PAIRS.sql_name} WHERE pulled_at > ? AND pulled_at <= ? ORDER BY pulled_at, pair",
        [naive(window.start + HOUR - SEEN_WITHIN), naive(window.end + HOUR)],
    )

    pairs, stamps = seen["pair"].tolist(), seen["pulled_at"].to_numpy(dtype="datetime64[us]")

    def ask(wire: Wire, settings: Settings, _: Outside) -> Pull | None:
        now = naive(wire.clock.now())
        first, last = np.searchsorted(stamps, np.array([now - SEEN_WITHIN, now], dtype="datetime64[us]"), side="right")
        due = newest.due(pairs[first:last], now)
        if not due:
            return None
        answer = lp_positions(wire, settings, due)
        newest.answered(answer.frame["pair"].unique(), now)
        return answer

    return ask
