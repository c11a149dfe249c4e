"""Days that people remember: what every model said of them on their morning, right or wrong."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from veririsk_assets.backtest.run import Backtest

# Of all alert-hours that a month has, the budget of MEDIUM and above is a tenth: who stands among them is looked at.
LOOKED_AT_SHARE = 0.1


@dataclass(frozen=True)
class KnownDay:
    """`names`: how the protocol may be called in a recording; `as_of`: the 00:00 UTC before it happened."""

    what: str
    names: tuple[str, ...]
    as_of: str


KNOWN_DAYS = (
    KnownDay("Harvest: flash-loan attack", ("harvest-finance", "harvest"), "2020-10-26"),
    KnownDay("Cream: flash-loan attack", ("cream-finance", "cream"), "2021-10-27"),
    KnownDay("Rari: re-entrancy attack", ("rari-capital", "rari"), "2022-04-30"),
    KnownDay("Saddle: swap attack", ("saddle-finance", "saddle"), "2022-04-30"),
    KnownDay("Terra week: Curve", ("curve-dex", "curve"), "2022-05-09"),
    KnownDay("Terra week: Abracadabra", ("abracadabra-money", "abracadabra"), "2022-05-09"),
)


def known_days(done: Backtest, days: tuple[KnownDay, ...] = KNOWN_DAYS) -> list[dict[str, Any]]:
    """A row per day: whether it is in the out-of-fold rows, what became of it, and each model's probability and place among that day's.

    `place` 1 is the riskiest of `among`; `is_seen` where it is within the tenth that the budget of MEDIUM and above looks at.
    """
    study, rows = done.study, done.forecasts.rows
    as_of, names = study.rows.as_of[rows], np.array(study.names, dtype=object)[study.pool[rows]]
    found = []
    for day in days:
        today = as_of == np.datetime64(day.as_of, "us")
        own = np.flatnonzero(today & np.isin(names, day.names))
        about: dict[str, Any] = {"what": day.what, "as_of": day.as_of, "names": list(day.names), "is_judged": bool(len(own))}
        if len(own):
            at = own[0]
            about |= {"protocol": str(names[at]), "fell": bool(study.rows.y[rows[at]] > 0), "among": int(today.sum())}
            about["said"] = {name: _said(done, name, at, today) for name in done.forecasts.probability}
        found.append(about)
    return found


def _said(done: Backtest, name: str, at: int, today: np.ndarray) -> dict[str, Any]:
    rank = done.forecasts.rank[name]
    place = int((rank[today] > rank[at]).sum()) + 1
    seen = place <= max(LOOKED_AT_SHARE * int(today.sum()), 1)
    return {"probability": float(done.forecasts.probability[name][at]), "place": place, "is_seen": bool(seen)}
