"""A small simulated market as panels, for tests of formulas. Straight from the simulator: no lake, no wire."""

from datetime import datetime

import numpy as np

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pool_features import INPUTS, SURROUNDING_INPUTS
from veririsk_assets.contracts.windows import Window
from veririsk_assets.simulation.market import Market


def market_panels(market: Market, window: Window) -> tuple[Panel, Panel]:
    """INPUTS and SURROUNDING_INPUTS of every pool of the market over the window."""
    seen = market.panel(window.start, window.end)
    columns = {
        "tvl_usd": seen["tvl_usd"],
        "reserve0_usd": seen["reserve0"] * seen["price0_usd"],
        "reserve1_usd": seen["reserve1"] * seen["price1_usd"],
        "price_ratio": seen["reserve1"] / seen["reserve0"],
        "volume_1h_usd": seen["volume_1h_usd"],
        "volume_24h_usd": seen["volume_24h_usd"],
        "lp_supply": seen["lp_supply"],
        "apy": seen["apy"] / 100,
        "input_age_hours": np.full(seen["tvl_usd"].shape, 0.1),
        "price0_usd": seen["price0_usd"],
        "price1_usd": seen["price1_usd"],
        **dict.fromkeys(("lp_top1_share", "lp_top5_share"), np.full(seen["tvl_usd"].shape, np.nan)),
        "taken_back_hours": np.zeros(seen["tvl_usd"].shape),
    }
    panel = Panel(window, np.arange(len(market.pools)), {name: columns[name].astype(np.float32) for name in INPUTS})
    return panel, only_ether(window, seen["token_price_usd"][:, :1])


def only_ether(window: Window, eth_price_usd: np.ndarray) -> Panel:
    """SURROUNDING_INPUTS where nobody says more of the world outside than the price of ETH (hours × 1)."""
    unknown = np.full(eth_price_usd.shape, np.nan, dtype=np.float32)
    return Panel(window, np.array([0]), dict.fromkeys(SURROUNDING_INPUTS, unknown) | {"eth_price_usd": eth_price_usd.astype(np.float32)})


def market(seed: int = 3, pools: int = 12, forced_end: datetime | None = None, variant: str = "harder") -> Market:
    return Market(seed, variant, pools, forced_end)  # type: ignore[arg-type]
