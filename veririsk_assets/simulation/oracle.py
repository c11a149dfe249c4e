"""How well anyone could forecast the simulated market who knew each pool's state, how long it lasts, and its profile.

The probabilities are shares counted in long runs of other seeds. For tests and benches only.
"""

from functools import lru_cache

import numpy as np

from veririsk_assets.simulation.market import EPOCH, Market, Truth
from veririsk_assets.simulation.scenarios import PROFILE_NAMES, STATE_NAMES, Variant

RUN_HOURS = 8760
RUN_SEEDS = (1_000_003, 1_000_033, 1_000_037)
# Cells with few rows lean on their state's share by this many rows.
PRIOR_ROWS = 50
OLDEST_HOURS = 96


def falls(tvl_usd: np.ndarray, horizon_hours: int = 24, drop: float = 0.2) -> np.ndarray:
    """Whether TVL falls by `drop` below row t's value at any of rows t+1 … t+horizon; shape (hours − horizon, pools)."""
    later = np.lib.stride_tricks.sliding_window_view(tvl_usd[1:], horizon_hours, axis=0).min(axis=-1)
    return later <= (1 - drop) * tvl_usd[: len(later)]


def oracle_probability(market: Market, truth: Truth, horizon_hours: int = 24, drop: float = 0.2) -> np.ndarray:
    """Probability that TVL falls within the horizon, for every hour and pool of `truth` (`market.truth(…)`)."""
    table = _table(market.variant, len(market.pools), horizon_hours, drop)
    return table[_profile_index(market)[None, :], truth.state, _age_bucket(truth)]


@lru_cache(maxsize=8)
def _table(variant: Variant, pools: int, horizon_hours: int, drop: float) -> np.ndarray:
    """Shares of falls by profile × state × age."""
    shape = (len(PROFILE_NAMES), len(STATE_NAMES), OLDEST_HOURS + 1)
    rows, hits = np.zeros(shape), np.zeros(shape)
    for seed in RUN_SEEDS:
        market = Market(seed=seed, variant=variant, pools=pools)
        truth = market.truth(EPOCH, RUN_HOURS)
        label = falls(truth.tvl_usd, horizon_hours, drop)
        n = len(label)
        profile = np.broadcast_to(_profile_index(market), label.shape)
        cell = np.ravel_multi_index((profile, truth.state[:n], _age_bucket(truth)[:n]), shape).ravel()
        rows += np.bincount(cell, minlength=rows.size).reshape(shape)
        hits += np.bincount(cell, weights=label.ravel(), minlength=rows.size).reshape(shape)
    by_state = (hits.sum(axis=2) + 1e-9) / (rows.sum(axis=2) + 1e-6)
    return (hits + PRIOR_ROWS * by_state[:, :, None]) / (rows + PRIOR_ROWS)


def _profile_index(market: Market) -> np.ndarray:
    return np.array([PROFILE_NAMES.index(pool.profile) for pool in market.pools])


def _age_bucket(truth: Truth) -> np.ndarray:
    return np.minimum(truth.age_hours, OLDEST_HOURS)
