"""What the market around the pools looks like from outside, hour by hour: it follows the weather, with noise of its own.

Its random numbers are its own, keyed by (seed, day): a market is the same with and without it. It knows the weather up to
its hour and nothing of any pool.
"""

import numpy as np

CLIMATE_KEY = 2**42
# Per hour: how fast sentiment forgets, and how fast strain builds up and goes.
MOMENTUM_MEMORY, STRAIN_MEMORY = 0.96, 0.95
NOISE_MEMORY = 0.9
# Leverage in BTC and in ETH, gas, open interest.
GAUGES = 4
RESERVES = 4
STABLECOINS = 3


class Climate:
    """Carries its levels from day to day; starts calm."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.days = 0
        self.gap = self.momentum = self.strain = self.interest = 0.0
        self.noise = np.zeros(GAUGES + RESERVES)
        self.supply = np.zeros(STABLECOINS)
        self.liquidated = np.zeros(RESERVES)
        self.index = self.index_before = 50.0

    def next_day(self, is_stressed: np.ndarray, ether_gap: np.ndarray) -> dict[str, np.ndarray]:
        """The next 24 hours. `funding` and `premium`: BTC, ETH; `open_interest`: log of its base; `supply`: log of each
        stablecoin's base; `utilisation` and `liquidated` (USD so far): each Aave reserve; `index`: today's, yesterday's.
        """
        rng = np.random.Generator(np.random.Philox(key=[self.seed, CLIMATE_KEY + self.days]))
        self.days += 1
        self._publish_index(rng.standard_normal())
        dice = rng.standard_normal((24, GAUGES + RESERVES + STABLECOINS + RESERVES))
        hours = [self._hour(bool(is_stressed[hour]), float(ether_gap[hour]), dice[hour]) for hour in range(24)]
        return {name: np.array([hour[name] for hour in hours]) for name in hours[0]}

    def _publish_index(self, dice: float) -> None:
        """Once a day, from what was so far."""
        self.index_before = self.index
        self.index = float(np.clip(np.round(50 + 250 * self.momentum - 25 * self.strain + 7 * dice), 0, 100))

    def _hour(self, is_stressed: bool, gap: float, dice: np.ndarray) -> dict[str, np.ndarray | float]:
        self.momentum = MOMENTUM_MEMORY * self.momentum + gap - self.gap
        self.strain = STRAIN_MEMORY * self.strain + (1 - STRAIN_MEMORY) * is_stressed
        self.gap = gap
        own, flows, falls = np.split(dice, (len(self.noise), len(self.noise) + STABLECOINS))
        self.noise = NOISE_MEMORY * self.noise + (1 - NOISE_MEMORY**2) ** 0.5 * own
        self.interest += -0.004 * self.interest - 0.006 * is_stressed + 0.004 * own[3]
        self.supply = self.supply + 1e-5 - 1.2e-4 * is_stressed + 5e-5 * flows
        self.liquidated = self.liquidated + 2_000.0 * np.exp(4.5 * self.strain + 1.2 * falls)
        leverage = self.momentum + 0.006 * self.noise[:2]
        return {
            "funding": 1.25e-5 + 4e-4 * leverage,
            "premium": 1e-4 + 6e-3 * leverage,
            "open_interest": self.interest,
            "gas_gwei": 20.0 * np.exp(1.3 * self.strain + 0.35 * self.noise[2]),
            "supply": self.supply,
            "utilisation": np.clip(0.6 + 0.2 * self.strain + 0.03 * self.noise[GAUGES:], 0.05, 0.98),
            "liquidated": self.liquidated,
            "index": np.array([self.index, self.index_before]),
        }
