"""Recorded pairs as a subgraph lists them at given instants, and the price of ETH that they trade at.

A pair that is silent for a while and comes back was there all the time: it is listed without values. One that ends before the
others is gone: it is not listed any more.
"""

from datetime import timedelta

import numpy as np

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.windows import DECISION_DELAY, PULL_DELAY
from veririsk_assets.sources.recorded_file import SAID_BY_PAIRS, Recording
from veririsk_assets.sources.recorded_told import UNKNOWN_TIME, Told

# A row serves at most this long before the cut-off.
MAX_AGE = timedelta(hours=6)
DAY = 24 * 3600
NOT_LISTED, SILENT = -1, -2
ETH = "weth"
# Dollars by construction: the other side of a pair with one of them is priced in dollars by the pair itself.
DOLLARS = ("usdc", "usdt", "dai")


class RecordedPairs:
    """The pairs of a recording; `seconds` of an instant are unix seconds."""

    def __init__(self, file: Recording) -> None:
        self._file = file
        self._starts, ends = (np.array(places) for places in zip(*file.spans, strict=True))
        self._last = ends - 1
        self._goes = _gone_for_good(file.seconds[self._last])
        self._dollar_pairs = [
            (pair, side)
            for pair, start in enumerate(self._starts)
            if (side := _ether_side(*(str(t[start]).lower() for t in file.tokens))) is not None
        ]

    def listed(self, seconds: np.ndarray) -> np.ndarray:
        """Instants × pairs: the row that says a pair's values, SILENT or NOT_LISTED. An instant that no row serves lists nothing."""
        spans, said = self._file.spans, self._file.seconds
        last = np.column_stack([np.searchsorted(said[a:b], seconds, side="right") + a - 1 for a, b in spans])
        begun = last >= self._starts
        oldest = seconds + int((DECISION_DELAY - PULL_DELAY - MAX_AGE).total_seconds())
        is_fresh = begun & (said[np.maximum(last, 0)] >= oldest[:, None])
        is_there = begun & ~(self._goes & (last == self._last))
        found = np.where(is_fresh, last, np.where(is_there, SILENT, NOT_LISTED))
        return np.where(is_fresh.any(axis=1)[:, None], found, NOT_LISTED)

    def told(self, seconds: np.ndarray) -> Told:
        """Rows of THEGRAPH_PAIRS by instant; a row that is said again is told the first time only."""
        file, listed = self._file, self.listed(seconds)
        is_new = listed != NOT_LISTED
        is_new[1:] &= (listed[1:] != listed[:-1]) | (listed[1:] == SILENT)
        instant, pair = np.nonzero(is_new)
        row = listed[instant, pair]
        about, is_silent = self._starts[pair], row == SILENT
        columns = {said: np.where(is_silent, np.nan, file.values[name][row].astype(np.float64)) for name, said in SAID_BY_PAIRS.items()}
        tokens = {f"token{side}": _lower(file.tokens[side])[about] for side in (0, 1)}
        observed = np.where(is_silent, seconds[instant], file.seconds[row]).astype("datetime64[s]").astype("datetime64[us]")
        return Told(raw.THEGRAPH_PAIRS, instant, observed, {"pair": file.ids[about], "dex": file.dexs[about]} | tokens | columns)

    def ether(self, seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """ETH in USD as the deepest pair of it with a dollar token trades it, and when it did; NaN where there is no such pair."""
        file = self._file
        price, depth = (np.full((len(seconds), len(self._dollar_pairs) + 1), empty) for empty in (np.nan, -1.0))
        row = np.column_stack([self.listed(seconds)[:, [pair for pair, _ in self._dollar_pairs]], np.full(len(seconds), NOT_LISTED)])
        for column, (_, side) in enumerate(self._dollar_pairs):
            known = row[:, column] >= 0
            ether, dollars = (file.values[f"reserve{one}"][row[known, column]].astype(np.float64) for one in (side, 1 - side))
            with np.errstate(divide="ignore", invalid="ignore"):
                price[known, column] = np.where(ether > 0, dollars / ether, np.nan)
            depth[known, column] = np.nan_to_num(file.values["tvl_usd"][row[known, column]].astype(np.float64), nan=-1.0)
        deepest = np.argmax(np.where(np.isfinite(price), depth, -2.0), axis=1)
        here = np.arange(len(seconds))
        at = file.seconds[row[here, deepest]].astype("datetime64[s]").astype("datetime64[us]")
        found = price[here, deepest]
        return found, np.where(np.isfinite(found), at, UNKNOWN_TIME)


def _ether_side(first: str, second: str) -> int | None:
    """Which of a pair's tokens is ETH, the other being a dollar; None: it is no such pair."""
    return 0 if first == ETH and second in DOLLARS else 1 if second == ETH and first in DOLLARS else None


def _lower(names: np.ndarray) -> np.ndarray:
    return np.array([str(name).lower() or None for name in names], dtype=object)


def _gone_for_good(last: np.ndarray) -> np.ndarray:
    """Whether each pair, whose last rows are of these seconds, goes then. Where half of the pairs end within a day the recording does."""
    lasts = np.sort(last)
    ended = np.searchsorted(lasts, last + DAY, side="right") - np.searchsorted(lasts, last - DAY, side="left")
    alive = len(last) - np.searchsorted(lasts, last - DAY, side="left")
    return ~((2 * ended >= alive) & (ended > 1))
