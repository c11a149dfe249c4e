"""How liquidity, prices, volume and imbalance follow from the states: one day at a time for all pools.

In the phase2 variant TVL is exactly what the state machine emits and prices are noise beside it. In the harder
variant TVL = liquidity × price: a fall is a withdrawal, a fall of the pool's own token, or both.
"""

from dataclasses import dataclass

import numpy as np

from veririsk_assets.simulation.catalogue import Pool
from veririsk_assets.simulation.scenarios import HOURLY_TURNOVER_RATIO, NORMAL, PROFILES, REVERSION_STRENGTH, Hardness, Variant, states
from veririsk_assets.simulation.tokens import Token

SPREAD_KEY = 2**41
# Log-price gaps of tokens close by this share an hour; the report's volatility is so high that it needs more.
OWN_PULL = {"harder": 0.004, "phase2": 0.05}
SHARED_PULL = 0.05
STABLE_NOISE = 0.0004
STRESSED_VOLUME = 1.4
VOLUME_NOISE = 0.15
# In the harder variant imbalance has a memory; the factor keeps its spread inside the state's range.
IMBALANCE_MEMORY = 0.35
LARGEST_JUMP = 0.08


@dataclass(frozen=True)
class Book:
    """What does not change: base values of pools and tokens, and which token belongs to which pool."""

    variant: Variant
    hardness: Hardness
    base_tvl: np.ndarray
    start_per_hour: np.ndarray
    token0: np.ndarray
    token1: np.ndarray
    weight0: np.ndarray
    weight1: np.ndarray
    own: np.ndarray
    own_pool: np.ndarray
    beta: np.ndarray
    base_price: np.ndarray
    tilt: np.ndarray

    @classmethod
    def of(cls, seed: int, variant: Variant, hardness: Hardness, pools: tuple[Pool, ...], tokens: tuple[Token, ...]) -> "Book":
        place = {token.symbol: i for i, token in enumerate(tokens)}
        spread = np.random.Generator(np.random.Philox(key=[seed, SPREAD_KEY])).standard_normal(len(pools))
        profiles = [PROFILES[p.profile] for p in pools]
        is_single = np.array([len(p.tokens) == 1 for p in pools])
        own = {t.own_pool: i for i, t in enumerate(tokens) if t.own_pool >= 0}
        return cls(
            variant=variant,
            hardness=hardness,
            base_tvl=np.array([p.base_tvl_usd for p in profiles]) * np.exp(hardness.base_spread * spread),
            start_per_hour=np.array([p.crash_start_per_hour for p in profiles]),
            token0=np.array([place[p.tokens[0].symbol] for p in pools]),
            token1=np.array([place[p.tokens[min(1, len(p.tokens) - 1)].symbol] for p in pools]),
            weight0=np.where(is_single, 1.0, 0.5),
            weight1=np.where(is_single, 0.0, 0.5),
            own=np.array([own.get(p.index, -1) for p in pools]),
            own_pool=np.array([t.own_pool for t in tokens]),
            beta=np.array([t.beta for t in tokens]),
            base_price=np.array([t.base_price_usd for t in tokens]),
            tilt=np.where(np.arange(len(pools)) // 2 % 2 == 0, 1.0, -1.0),
        )

    @property
    def is_harder(self) -> bool:
        return self.variant == "harder"


class Paths:
    """Carries every pool's liquidity and imbalance and every token's own price gap from day to day."""

    def __init__(self, book: Book) -> None:
        self.book = book
        ranges = states(book.variant)
        self.change, self.volume, self.imbalance, self.volatility = (
            np.array([getattr(s, what) for s in ranges]) for what in ("tvl_change", "volume_multiplier", "reserve_imbalance", "volatility")
        )
        self.liquidity = book.base_tvl.copy()
        self.gap = np.zeros(len(book.beta))
        self.memory = np.full(len(book.base_tvl), 0.5)
        self.pull = np.where(book.own_pool >= 0, OWN_PULL[book.variant], SHARED_PULL)

    def next_day(
        self, rng: np.random.Generator, day: dict[str, np.ndarray], stressed: np.ndarray, ether: np.ndarray
    ) -> dict[str, np.ndarray]:
        """`liquidity_usd` (at base prices), `price_usd` (24 × tokens), `volume_1h_usd`, `imbalance` (signed), `tvl_usd`."""
        state, share = day["state"], day["price_share"]
        dice = rng.random((6, *state.shape))
        dice[3:] = _plain_to_see(dice[3:], day["is_forced"])
        change = _within(self.change, state, dice[0])
        jump = self._jumps(state, dice[1], dice[2])
        returns = self._returns(rng, state, dice[3], 2 * share * np.log1p(change))
        is_normal = state == NORMAL
        moves = np.where(is_normal, 2 * dice[0] - 1, (1 - share) * change)
        liquidity, gap, memory = self._walk(moves, is_normal, jump, returns, dice[4])
        log_price = self.book.beta * ether[:, None] + gap
        return {
            "liquidity_usd": liquidity,
            "price_usd": self.book.base_price * np.exp(log_price),
            "volume_1h_usd": self._volume(rng, state, dice[5], stressed),
            "imbalance": self.book.tilt * _within(self.imbalance, state, memory),
            "tvl_usd": liquidity * np.exp(self._value(log_price)) if self.book.is_harder else liquidity,
        }

    def _walk(
        self, moves: np.ndarray, is_normal: np.ndarray, jump: np.ndarray, returns: np.ndarray, dice: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        band, base = self.change[NORMAL, 1], self.book.base_tvl
        liquidity, gap, memory = np.empty(moves.shape), np.empty(returns.shape), np.empty(moves.shape)
        mix = IMBALANCE_MEMORY if self.book.is_harder else 0.0
        for hour in range(len(moves)):
            lean = np.clip(-REVERSION_STRENGTH * np.log(self.liquidity / base), -0.5, 0.5)
            walk = band * (moves[hour] * (1 - np.abs(lean)) + lean)
            self.liquidity = self.liquidity * (1 + np.where(is_normal[hour], walk, moves[hour])) * jump[hour]
            self.gap = self.gap * (1 - self.pull) + returns[hour]
            self.memory = mix * self.memory + (1 - mix) * dice[hour]
            liquidity[hour], gap[hour], memory[hour] = self.liquidity, self.gap, self.memory
        return liquidity, gap, memory

    def _returns(self, rng: np.random.Generator, state: np.ndarray, dice: np.ndarray, falls: np.ndarray) -> np.ndarray:
        """Log returns of tokens apart from Ether's: noise by the state of the token's pool, and its pool's price falls."""
        noise = rng.standard_normal((len(state), len(self.gap)))
        own = self.book.own_pool
        volatility = _within(self.volatility, state, dice)[:, own]
        returns = noise * np.where(own >= 0, volatility, np.where(self.book.beta == 1.0, 0.0, STABLE_NOISE))
        return returns + np.where(own >= 0, falls[:, own], 0.0)

    def _jumps(self, state: np.ndarray, dice: np.ndarray, size: np.ndarray) -> np.ndarray:
        """One holder comes or goes in a calm hour, up to ±8 % of the liquidity: it means nothing."""
        happens = (dice < self.book.hardness.jump_per_hour) & (state == NORMAL)
        return np.where(happens, 1 + LARGEST_JUMP * (2 * size - 1), 1.0)

    def _volume(self, rng: np.random.Generator, state: np.ndarray, dice: np.ndarray, stressed: np.ndarray) -> np.ndarray:
        multiplier = _within(self.volume, state, dice)
        if self.book.is_harder:
            noise = np.exp(VOLUME_NOISE * rng.standard_normal(state.shape))
            multiplier = multiplier * noise * np.where(stressed, STRESSED_VOLUME, 1.0)[:, None]
        return self.book.base_tvl * HOURLY_TURNOVER_RATIO * multiplier

    def _value(self, log_price: np.ndarray) -> np.ndarray:
        """Log value of one unit of liquidity: the geometric mean of its two prices, as in a constant-product pool."""
        return self.book.weight0 * log_price[:, self.book.token0] + self.book.weight1 * log_price[:, self.book.token1]


def _plain_to_see(signs: np.ndarray, is_forced: np.ndarray) -> np.ndarray:
    """A forced pool is there to be seen: volatility, imbalance and volume come from the upper half of its state's ranges."""
    return np.where(is_forced, (1 + signs) / 2, signs)


def _within(ranges: np.ndarray, state: np.ndarray, dice: np.ndarray) -> np.ndarray:
    low, high = ranges[:, 0][state], ranges[:, 1][state]
    return low + (high - low) * dice
