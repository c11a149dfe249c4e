"""What all pools share, by the hour: the last value of each source available at the cut-off, up to an age of its own.

A sum or a mean is known only where all of its parts are: one that silently lost a coin would look like a fall.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from veririsk_assets.contracts.surroundings import SURROUNDINGS
from veririsk_assets.contracts.vocabulary import AAVE_ASSETS
from veririsk_assets.contracts.windows import Window
from veririsk_assets.panels.as_of import as_of_fill
from veririsk_assets.snapshots.prices import OutsidePrices

MAX_AGE_HOURS = 6.0
# Published once a day, or moving so slowly that an older value still says the same.
DAILY_MAX_AGE_HOURS = 48.0
DAY_HOURS = 24
PERPS = ("BTC", "ETH")
STABLECOINS = ("tether", "usd-coin", "dai")


@dataclass(frozen=True)
class OnGrid:
    """Which row serves each hour and name (-1: none); `served["column"]` is hours × names."""

    rows: pd.DataFrame
    index: np.ndarray

    def __getitem__(self, column: str) -> np.ndarray:
        if self.rows.empty:
            return np.full(self.index.shape, np.nan)
        return np.where(self.index >= 0, self.rows[column].to_numpy(dtype=np.float64)[self.index], np.nan)


def surrounding_rows(raw: dict[str, pd.DataFrame], prices: OutsidePrices | None, window: Window) -> pd.DataFrame:
    """Rows of SURROUNDINGS. `raw`: table name → rows; `prices` end with the window."""
    columns = {"eth_price_usd": np.full(window.hours, np.nan), "market_cap_usd": np.full(window.hours, np.nan)}
    columns |= _outside(prices, window) if prices is not None else {}
    columns |= _perps(raw, window) | _aave(raw, window)
    columns |= {
        "stablecoin_supply_usd": _on_grid(raw, "stablecoins", "gecko_id", STABLECOINS, window, DAILY_MAX_AGE_HOURS)["circulating"].sum(
            axis=1
        ),
        "gas_gwei": _on_grid(raw, "eth_gas", None, (True,), window)["gas_price_gwei"][:, 0],
        "fear_greed": _on_grid(raw, "fear_greed", None, (True,), window, DAILY_MAX_AGE_HOURS)["value"][:, 0],
    }
    return pd.DataFrame({"as_of": window.as_ofs} | {name: _plausible(name, values) for name, values in columns.items()})


def _outside(prices: OutsidePrices, window: Window) -> dict[str, np.ndarray]:
    columns = {"eth_price_usd": prices.of_ticker("eth", prices.believed), "market_cap_usd": prices.market_cap()}
    return {name: values[-window.hours :] for name, values in columns.items()}


def _perps(raw: dict[str, pd.DataFrame], window: Window) -> dict[str, np.ndarray]:
    perps = _on_grid(raw, "hyperliquid_markets", "coin", PERPS, window)
    return {
        "funding_rate": perps["funding_rate"].mean(axis=1),
        "perp_premium": perps["premium"].mean(axis=1),
        "open_interest_usd": (perps["open_interest_coins"] * perps["mark_price_usd"]).sum(axis=1),
    }


def _aave(raw: dict[str, pd.DataFrame], window: Window) -> dict[str, np.ndarray]:
    reserves = _on_grid(raw, "aave_reserves", "asset", AAVE_ASSETS, window.lookback(DAY_HOURS))
    supplied, borrowed = (reserves[name][DAY_HOURS:].sum(axis=1) for name in ("supplied_usd", "borrowed_usd"))
    total = reserves["liquidated_usd_cum"]
    with np.errstate(divide="ignore", invalid="ignore"):
        utilisation = borrowed / supplied
    # A total that falls was counted anew.
    return {"aave_utilisation": utilisation, "aave_liquidations_usd": np.maximum(total[DAY_HOURS:] - total[:-DAY_HOURS], 0.0).sum(axis=1)}


def _on_grid(
    raw: dict[str, pd.DataFrame],
    table: str,
    name: str | None,
    wanted: Sequence[object],
    grid: Window,
    max_age_hours: float = MAX_AGE_HOURS,
) -> OnGrid:
    """The rows of a raw table that serve each hour and name wanted; `name` None: a table about one thing."""
    rows = raw.get(table)
    if rows is None:
        return OnGrid(pd.DataFrame(), np.full((grid.hours, len(wanted)), -1))
    place = {value: i for i, value in enumerate(wanted)}
    rows = rows if name is None else rows[rows[name].isin(wanted)]
    codes = np.zeros(len(rows), dtype=np.int64) if name is None else rows[name].map(place).to_numpy(dtype=np.int64)
    observed = rows["observed_at"].fillna(rows["pulled_at"]).to_numpy(dtype="datetime64[us]")
    available = rows["available_at"].to_numpy(dtype="datetime64[us]")
    index, _ = as_of_fill(observed, available, codes, grid, np.arange(len(wanted)), max_age_hours)
    return OnGrid(rows, index)


def _plausible(name: str, values: np.ndarray) -> np.ndarray:
    """One source's nonsense is null, so that it does not take the whole hour to quarantine."""
    column = SURROUNDINGS.column(name)
    low, high = (limit if limit is not None else sign * np.inf for limit, sign in ((column.ge, -1), (column.le, 1)))
    return np.where((values >= low) & (values <= high) & np.isfinite(values), values, np.nan)
