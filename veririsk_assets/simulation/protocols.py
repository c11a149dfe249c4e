"""Protocols of the simulated market: those that own its pools, and others beside them, by the day from 2024 on.

What a protocol holds is the sum of its pools and what is not seen of it. Day i begins at FIRST_DAY + i days, 00:00 UTC; random
numbers are keyed by (seed, day), so that a day does not depend on how far anybody asked.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from veririsk_assets.contracts.windows import HOUR, utc

if TYPE_CHECKING:
    from veririsk_assets.simulation.market import Market

FIRST_DAY = utc("2024-04-01")
OTHERS = 29
CATEGORIES = ("Lending", "Dexs", "Yield", "Derivatives", "CDP", "Liquid Staking")
OF_PROJECT = {"aave-v3": "Lending", "compound-v2": "Lending"}
TRADING = ("Dexs", "Derivatives")
CHAINS = ("Ethereum", "Arbitrum", "Base", "Polygon", "Optimism")
# Of what a project with pools holds so much is not seen, beside the pools.
UNSEEN_SHARE = 0.4
CALM, BEFORE, FALL = range(3)
# Days that the unrest before a fall and the fall last, and how often unrest ends in one.
BEFORE_DAYS, FALL_DAYS, FALLS_RATIO = (4, 12), (1, 3), 0.65
PULL = 0.012
STREAM = 2_000_000_000


@dataclass(frozen=True)
class Protocol:
    """`index`: its column; `pools`: the columns of its pools in the market."""

    index: int
    slug: str
    name: str
    category: str
    chains: tuple[str, ...]
    pools: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        return str(9000 + self.index)

    @property
    def coin_id(self) -> str:
        """Of its token; who owns pools has none here."""
        return "" if self.pools else f"{self.slug}-token"


@dataclass(frozen=True)
class Days:
    """Days × protocols: TVL beside the pools, price of the token, volume and fees of the day that begins."""

    unseen_usd: np.ndarray
    price_usd: np.ndarray
    volume_usd: np.ndarray
    fees_usd: np.ndarray


class Protocols:
    """The protocols of one market: `others` beside those that own its pools."""

    def __init__(self, market: "Market", others: int = OTHERS) -> None:
        self._market, self._growing = market, Lock()
        projects = sorted({pool.project for pool in market.pools})
        owned = [tuple(pool.index for pool in market.pools if pool.project == project) for project in projects]
        own = [
            Protocol(i, slug, slug.replace("-", " ").title(), OF_PROJECT.get(slug, "Dexs"), CHAINS[:1], pools)
            for i, (slug, pools) in enumerate(zip(projects, owned, strict=True))
        ]
        self.all = (*own, *(_other(i, len(own)) for i in range(others)))
        self._owners = own
        rng = np.random.Generator(np.random.Philox(key=[market.seed, STREAM]))
        count, seen = len(self.all), np.array([market.book.base_tvl[list(pools)].sum() for pools in owned])
        self._base = np.concatenate([UNSEEN_SHARE * seen, np.exp(rng.uniform(np.log(3e6), np.log(2e9), others))])
        self._seen_before = np.concatenate([seen, np.zeros(others)])
        self._volatility = np.where(self._seen_before > 0, 0.004, np.exp(rng.uniform(np.log(0.004), np.log(0.03), count)))
        self._unrest = np.where(self._seen_before > 0, 0.0, 1.5 * self._volatility)
        self._supply = self._base * rng.uniform(0.05, 0.5, count)
        self._turnover = rng.uniform(0.01, 0.2, count)
        self._state, self._left = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        self._tvl, self._price, self._rows = np.zeros(count), np.zeros(count), list[np.ndarray]()

    def day_of(self, moment: datetime) -> int:
        return (utc(moment) - FIRST_DAY) // timedelta(days=1)

    def by_slug(self, slug: str) -> Protocol | None:
        return next((one for one in self.all if one.slug == slug), None)

    def supply(self, protocol: Protocol) -> float:
        return float(self._supply[protocol.index])

    def days(self, stop: int) -> Days:
        """The days [0, stop)."""
        self._reach(stop)
        tvl, price, volume, fees = np.moveaxis(np.array(self._rows[:stop]), 1, 0)
        return Days(tvl, price, volume, fees)

    def tvl_days(self, stop: int) -> np.ndarray:
        """TVL at the beginning of the days [0, stop), pools included; before the market began its pools stood at their base."""
        tvl = self.days(stop).unseen_usd + self._seen_before
        first = self.day_of(self._market.first)
        if stop > first:
            pools = self._market.tvl_at_midnight(stop - first)
            for one in self._owners:
                tvl[first:, one.index] += pools[:, list(one.pools)].sum(axis=1) - self._seen_before[one.index]
        return tvl

    def at_hour(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """TVL and token price of every protocol at a row of the market: between two beginnings of days as the way leads."""
        moment = self._market.first + row * HOUR
        day, share = self.day_of(moment), moment.hour / 24
        self._reach(day + 2)
        now, then = self._rows[day][:2], self._rows[day + 1][:2]
        unseen, price = np.exp((1 - share) * np.log(now) + share * np.log(then))
        pools = self._market.tvl_at(row)
        for one in self._owners:
            unseen[one.index] += pools[list(one.pools)].sum()
        return unseen, price

    def _reach(self, stop: int) -> None:
        with self._growing:
            while len(self._rows) < stop:
                self._rows.append(self._next_day(len(self._rows)))

    def _next_day(self, day: int) -> np.ndarray:
        rng = np.random.Generator(np.random.Philox(key=[self._market.seed, STREAM + 1 + day]))
        chance, length, noise, token, wave = (rng.random(len(self.all)) for _ in range(5))
        market = 0.008 * rng.standard_normal()
        before = np.array([*self._tvl, *self._price]).reshape(2, -1)
        loud = np.where(self._state == BEFORE, 3.0, np.where(self._state == FALL, 2.0, 1.0))
        volume = self._base * np.exp(before[0]) * self._turnover * loud * np.exp(0.6 * (wave - 0.5))
        fees = volume * 0.002
        row = np.array([self._base * np.exp(before[0]), np.exp(before[1]), volume, fees])
        self._turn(chance, length)
        swing = _normal(noise) * self._volatility * loud
        drift = np.where(self._state == BEFORE, -0.006, np.where(self._state == FALL, -0.16 - 0.25 * wave, -PULL * self._tvl))
        self._tvl = self._tvl + market + drift + swing
        self._price = (
            self._price - PULL * self._price + 2 * market + 0.7 * np.where(self._state == CALM, 0.0, drift) + 0.03 * _normal(token) * loud
        )
        return row

    def _turn(self, chance: np.ndarray, length: np.ndarray) -> None:
        """From calm to unrest, from unrest to a fall or back, from a fall back."""
        self._left -= 1
        over = self._left <= 0
        begins = (self._state == CALM) & (chance < self._unrest)
        falls = (self._state == BEFORE) & over & (chance < FALLS_RATIO)
        ends = over & ~falls & (self._state != CALM)
        self._state = np.where(begins, BEFORE, np.where(falls, FALL, np.where(ends, CALM, self._state)))
        for which, (low, high) in ((begins, BEFORE_DAYS), (falls, FALL_DAYS)):
            self._left = np.where(which, low + (length * (high - low + 1)).astype(np.int64), self._left)


def _normal(u: np.ndarray) -> np.ndarray:
    """A bell of spread 1 from a uniform number: the logistic one, whose tails are heavier."""
    bounded = np.clip(u, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(bounded / (1 - bounded)) * (np.sqrt(3) / np.pi))


def _other(i: int, first: int) -> Protocol:
    category = CATEGORIES[i % len(CATEGORIES)]
    slug = f"{category.lower().replace(' ', '-')}-{i:02d}"
    return Protocol(first + i, slug, slug.replace("-", " ").title(), category, CHAINS[: 1 + i % len(CHAINS)])
