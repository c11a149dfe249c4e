"""A whole market of pools: a deterministic function of (seed, hour) from 2025-01-01 on, as far as anyone asks.

Row i is what is true at `as_of` = EPOCH + i hours. Random numbers are keyed by (seed, day), so that an hour does not
depend on how far the market was generated. Ground truth leaves only through `truth`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

import numpy as np

from veririsk_assets.contracts.windows import HOUR, naive, utc
from veririsk_assets.simulation.catalogue import FORCED, catalogue, tokens
from veririsk_assets.simulation.climate import Climate
from veririsk_assets.simulation.episodes import Episodes, forced_starts
from veririsk_assets.simulation.paths import Book, Paths
from veririsk_assets.simulation.protocols import Protocols
from veririsk_assets.simulation.scenarios import CRASH, HOURLY_TURNOVER_RATIO, Variant, hardness
from veririsk_assets.simulation.weather import Weather

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
FEE_RATIO = 0.003
LENDING_YIELD_SHARE = 0.1
TRADE_USD = 1_500.0
EARLIER_DAYS = 200
CLIMATE = ("funding", "premium", "open_interest", "gas_gwei", "supply", "utilisation", "liquidated", "index")
# Before the first hour volume was what a calm hour brings on average.
CALM_MULTIPLIER = 1.15


class BeforeTheMarket(ValueError):
    """An hour before 2025-01-01 was asked for."""


@dataclass(frozen=True)
class Truth:
    """What nobody outside may see: arrays hours × pools. `price_share`: 1 = the episode's fall is price only."""

    as_of: np.ndarray
    tvl_usd: np.ndarray
    state: np.ndarray
    age_hours: np.ndarray
    crash_onset: np.ndarray
    price_share: np.ndarray


class Market:
    """`pools` pools of four profiles in turn. `forced_end`: the hour at which the two forced pools are in trouble."""

    def __init__(self, seed: int = 7, variant: Variant = "harder", pools: int = 120, forced_end: datetime | None = None) -> None:
        self.seed, self.variant = seed, variant
        self.forced_end = None if forced_end is None else utc(forced_end)
        self.pools, self.tokens = catalogue(pools), tokens(pools)
        hard = hardness(variant)
        self.book = Book.of(seed, variant, hard, self.pools, self.tokens)
        self._weather, self._climate = Weather(hard), Climate(seed)
        forced = forced_starts(seed, FORCED, EPOCH, self.forced_end)
        self._episodes = Episodes(self.book.start_per_hour, hard, self.book.own >= 0, forced)
        self._paths = Paths(self.book)
        self._days: list[dict[str, np.ndarray]] = []
        self._growing = Lock()
        calm = self.book.base_tvl * HOURLY_TURNOVER_RATIO * CALM_MULTIPLIER
        self._calm_volume = np.broadcast_to(calm, (24, pools))
        self.protocols = Protocols(self)
        self._totals = (calm * 24 * EARLIER_DAYS, np.round(calm / TRADE_USD) * 24 * EARLIER_DAYS + 24)

    @property
    def profile(self) -> np.ndarray:
        """Every pool's profile name."""
        return np.array([pool.profile for pool in self.pools])

    @property
    def first(self) -> datetime:
        return EPOCH

    def tvl_at(self, row: int) -> np.ndarray:
        """TVL of every pool at a row."""
        return self._rows("tvl_usd", row, row + 1)[0]

    def tvl_at_midnight(self, days: int) -> np.ndarray:
        """TVL of every pool at the beginning of so many first days, days × pools."""
        return self._rows("tvl_usd", 0, 24 * (days - 1) + 1)[::24]

    def index(self, as_of: datetime) -> int:
        """The row of an `as_of`; raises BeforeTheMarket."""
        row = (utc(as_of) - EPOCH) // HOUR
        if row < 0:
            raise BeforeTheMarket(f"the simulated market starts at {EPOCH.isoformat()}, asked for {utc(as_of).isoformat()}")
        return row

    def panel(self, start: datetime, end: datetime) -> dict[str, np.ndarray]:
        """What sources may say about the hours of the window [start, end): rows `as_of` start + 1 h … end, hours × pools.

        `token_price_usd` is hours × tokens. Reserves are worth `tvl_usd` together at outside prices, apart by the signed
        `reserve_imbalance`; `lp_supply` moves with liquidity only.
        """
        first, last = self.index(start + HOUR), self.index(end)
        return self.observe(first, last + 1)

    def observe(self, first: int, stop: int) -> dict[str, np.ndarray]:
        """As `panel`, by row numbers [first, stop)."""
        tvl, imbalance, price = (self._rows(name, first, stop) for name in ("tvl_usd", "imbalance", "price_usd"))
        volume_24h = self._volume_24h(first, stop)
        price0, price1 = price[:, self.book.token0], price[:, self.book.token1]
        scale = 0.5 / np.sqrt(self.book.base_price[self.book.token0] * self.book.base_price[self.book.token1])
        yield_share = np.where(self.book.weight1 > 0, 1.0, LENDING_YIELD_SHARE)
        return {
            "tvl_usd": tvl,
            "volume_1h_usd": self._rows("volume_1h_usd", first, stop),
            "volume_24h_usd": volume_24h,
            "reserve0": tvl * (1 + imbalance) / 2 / price0,
            "reserve1": tvl * (1 - imbalance) / 2 / price1,
            "price0_usd": price0,
            "price1_usd": price1,
            "lp_supply": self._rows("liquidity_usd", first, stop) * scale,
            "apy": 100 * 365 * FEE_RATIO * yield_share * volume_24h / tvl,
            "reserve_imbalance": imbalance,
            "volume_usd_cum": self._rows("volume_usd_cum", first, stop),
            "tx_count_cum": self._rows("tx_count_cum", first, stop),
            "token_price_usd": price,
        }

    def climate(self, row: int) -> dict[str, np.ndarray]:
        """The market around the pools at a row: what `Climate.next_day` gives, and every token's `price_usd`."""
        return {name: self._rows(name, row, row + 1)[0] for name in (*CLIMATE, "price_usd")}

    def truth(self, as_of: datetime, hours: int) -> Truth:
        """Ground truth of `hours` hours from `as_of` on (included), for tests, benches and the oracle only."""
        first = self.index(as_of)
        rows = {n: self._rows(n, first, first + hours) for n in ("tvl_usd", "state", "age_hours", "price_share")}
        when = np.datetime64(naive(utc(as_of)), "us") + np.arange(hours) * np.timedelta64(3600 * 10**6, "us")
        onset = (rows["state"] == CRASH) & (rows["age_hours"] == 0)
        return Truth(as_of=when, crash_onset=onset, **rows)

    def state(self, as_of: datetime, hours: int = 1) -> np.ndarray:
        """States 0–3 (`STATE_NAMES`) of `hours` hours from `as_of` on, hours × pools."""
        return self._rows("state", self.index(as_of), self.index(as_of) + hours)

    def _rows(self, name: str, first: int, stop: int) -> np.ndarray:
        self._reach(stop - 1)
        day, last = first // 24, (stop - 1) // 24
        blocks = [d[name] for d in self._days[day : last + 1]]
        joined = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
        return joined[first - 24 * day : stop - 24 * day]

    def _volume_24h(self, first: int, stop: int) -> np.ndarray:
        since = max(first - 23, 0)
        hourly = self._rows("volume_1h_usd", since, stop)
        hourly = np.concatenate([self._calm_volume[: 23 - (first - since)], hourly])
        return np.lib.stride_tricks.sliding_window_view(hourly, 24, axis=0).sum(axis=-1)

    def _reach(self, row: int) -> None:
        """Hosts are asked side by side: a day is made once, in its turn."""
        with self._growing:
            while len(self._days) * 24 <= row:
                rng = np.random.Generator(np.random.Philox(key=[self.seed, len(self._days)]))
                stressed, ether = self._weather.day(rng)
                day = self._episodes.next_day(rng, stressed)
                day |= self._paths.next_day(rng, day, stressed, ether)
                day |= self._climate.next_day(stressed, ether)
                self._days.append(day | self._running_totals(day["volume_1h_usd"]))

    def _running_totals(self, volume: np.ndarray) -> dict[str, np.ndarray]:
        usd = self._totals[0] + np.cumsum(volume, axis=0)
        trades = self._totals[1] + np.cumsum(np.round(volume / TRADE_USD) + 1, axis=0)
        self._totals = (usd[-1], trades[-1])
        return {"volume_usd_cum": usd, "tx_count_cum": trades}


def as_of_at(row: int) -> datetime:
    """The `as_of` of a row."""
    return EPOCH + timedelta(hours=row)
