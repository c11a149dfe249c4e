"""What moves the whole market: Ether's price and hours of stress, in which crashes start more often and prices fall together."""

import numpy as np

from veririsk_assets.simulation.scenarios import Hardness

CALM_VOLATILITY = 0.005
STRESS_VOLATILITY = 0.014
STRESS_DRIFT = -0.004
# Half of a gap to the base price is closed in about two weeks, so that years of stress do not sink every price.
PULL = 0.002


class Weather:
    """Carries the regime and Ether's log distance from its base price from day to day."""

    def __init__(self, hardness: Hardness) -> None:
        self.hardness = hardness
        self.is_stressed = False
        self.gap = 0.0

    def day(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(is_stressed, Ether's log distance from base) for the next 24 hours."""
        switch, noise = rng.random(24), rng.standard_normal(24)
        stressed, gap = np.zeros(24, dtype=bool), np.zeros(24)
        for hour in range(24):
            limit = self.hardness.stress_end_per_hour if self.is_stressed else self.hardness.stress_start_per_hour
            self.is_stressed ^= bool(switch[hour] < limit)
            volatility, drift = (STRESS_VOLATILITY, STRESS_DRIFT) if self.is_stressed else (CALM_VOLATILITY, 0.0)
            self.gap += drift - PULL * self.gap + volatility * noise[hour]
            stressed[hour], gap[hour] = self.is_stressed, self.gap
        return stressed, gap
