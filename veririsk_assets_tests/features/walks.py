"""Random markets for the tests of panels, features and labels: plain numpy, one seed, no simulator."""

import numpy as np

from veririsk_assets.contracts.panel import Panel, precision
from veririsk_assets.contracts.windows import Window

END = "2026-03-01T00:00"


def walk(rng: np.random.Generator, hours: int, pools: int, size: float) -> np.ndarray:
    return np.exp(np.cumsum(rng.normal(0, size, (hours, pools)), axis=0))


def market(hours: int, pools: int, seed: int = 0) -> tuple[Panel, Panel]:
    """(INPUTS of pools, SURROUNDING_INPUTS), every input known and moving in every hour, with a few large mints and burns."""
    rng = np.random.default_rng(seed)
    tvl = 1e6 * walk(rng, hours, pools, 0.01)
    uneven = rng.uniform(-0.3, 0.3, (hours, pools))
    jumps = np.where(rng.random((hours, pools)) < 0.01, rng.choice([0.7, 0.93, 1.07, 1.4], (hours, pools)), 1.0)
    values = {
        "tvl_usd": tvl,
        "reserve0_usd": tvl * (0.5 + uneven / 2),
        "reserve1_usd": tvl * (0.5 - uneven / 2),
        "price_ratio": 2000 * walk(rng, hours, pools, 0.005),
        "volume_1h_usd": tvl * rng.uniform(0.01, 0.03, (hours, pools)),
        "volume_24h_usd": tvl * rng.uniform(0.2, 0.4, (hours, pools)),
        "lp_supply": 1000 * walk(rng, hours, pools, 0.003) * np.cumprod(jumps, axis=0),
        "apy": rng.uniform(0.01, 0.1, (hours, pools)),
        "input_age_hours": rng.uniform(0.1, 3.0, (hours, pools)),
        "taken_back_hours": np.zeros((hours, pools)),
    } | _evidence(np.random.default_rng([seed, 1]), hours, pools)
    window = Window.ending(END, hours)
    inputs = {name: value.astype(precision(name)) for name, value in values.items()}
    eth = {"eth_price_usd": 3000 * walk(rng, hours, 1, 0.006)} | _outside(np.random.default_rng([seed, 2]), hours)
    shared = {name: value.astype(precision(name)) for name, value in eth.items()}
    return Panel(window, np.arange(pools) + 100, inputs), Panel(window, np.array([0]), shared)


def _evidence(rng: np.random.Generator, hours: int, pools: int) -> dict[str, np.ndarray]:
    share = rng.uniform(0.1, 0.5, (hours, pools))
    prices = {"price0_usd": 2 * walk(rng, hours, pools, 0.007), "price1_usd": 2000 * walk(rng, hours, pools, 0.006)}
    return prices | {"lp_top1_share": share, "lp_top5_share": share + rng.uniform(0.0, 0.5, (hours, pools))}


def _outside(rng: np.random.Generator, hours: int) -> dict[str, np.ndarray]:
    def noise(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, (hours, 1))

    return {
        "funding_rate": noise(-2e-5, 4e-5),
        "perp_premium": noise(-1e-3, 1e-3),
        "open_interest_usd": 1e9 * walk(rng, hours, 1, 0.01),
        "aave_utilisation": noise(0.4, 0.9),
        "aave_liquidations_usd": noise(0, 1e6),
        "stablecoin_supply_usd": 1e11 * walk(rng, hours, 1, 0.001),
        "gas_gwei": noise(5, 80),
        "fear_greed": noise(0, 100),
    }


def changed(panel: Panel, **values: np.ndarray) -> Panel:
    """The same panel with other inputs."""
    return Panel(panel.window, panel.keys, panel.values | {name: np.asarray(v, dtype=precision(name)) for name, v in values.items()})


def cut(panel: Panel, rows: int) -> Panel:
    """The panel as it was `rows` hours before its end."""
    window = Window.ending(panel.as_ofs[-1 - rows].item(), panel.window.hours - rows)
    return Panel(window, panel.keys, {name: value[: len(value) - rows] for name, value in panel.values.items()})
