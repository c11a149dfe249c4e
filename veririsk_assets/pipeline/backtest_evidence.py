"""What a recording's folder knows beside its pools, by the hour and never before it was known. Every file may be missing.

Nothing is interpolated: an hour has the last value that was available at its cut-off, for as long as its maximum age.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from veririsk_assets.contracts.panel import precision
from veririsk_assets.contracts.windows import Window
from veririsk_assets.panels.as_of import as_of_fill
from veririsk_assets.sources import recorded_evidence as files
from veririsk_assets.sources.recorded_evidence import evidence_rows
from veririsk_assets.sources.recorded_parquet import SUFFIX, digest_of

DAY_HOURS = 24
FUNDED = ("BTC", "ETH")
RESERVES = ("DAI", "USDC", "USDT", "WETH")
STABLECOINS = ("DAI", "USDC", "USDT")
# The first venue that knows a price has it.
VENUES = ("binance_spot_a", "binance_perp")
# A wrapped coin is worth the coin.
COINS = {"WETH": "ETH", "WBTC": "BTC"}
Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Evidence:
    """`market`: SURROUNDING_INPUTS that are known, hours × 1; `prices`: symbol → USDT by the hour; `files`: name → hash.

    `left_out`: in a sentence for each file what of it is not used.
    """

    market: Columns = field(default_factory=dict)
    prices: Columns = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def price(self, token: str) -> np.ndarray | float:
        """Outside price of a pool's token; NaN where nobody recorded it: not even a stablecoin is taken for a dollar."""
        symbol = token.upper()
        return self.prices.get(COINS.get(symbol, symbol), np.nan)


def read_evidence(folder: Path, window: Window) -> Evidence:
    """Those of the files that the folder has. Raises ValueError on one that cannot be used."""
    found = Evidence()
    for name in files.FILES:
        seen = evidence_rows(folder, name)
        if seen is None:
            continue
        file, rows = folder / f"{name}{SUFFIX}", seen.frame
        found.files[file.name] = digest_of(file)
        found.left_out.extend([seen.left_out] if seen.left_out else [])
        if name == files.PRICES:
            found.prices.update(_prices(rows, window))
        else:
            found.market.update(
                {column: values.astype(precision(column))[:, None] for column, values in MARKET[name](rows, window).items()}
            )
    return found


def _grid(rows: pd.DataFrame, column: str, file: str, window: Window, names: Sequence[str] = ("",), by: str = "") -> np.ndarray:
    """Hours × names; rows without a value are no news. `by` names the column with the names; without, there is one series."""
    rows = rows[np.isfinite(rows[column])]
    at, values, about = rows["at"].to_numpy(dtype="datetime64[us]"), rows[column].to_numpy(), files.FILES[file]
    places = {name: place for place, name in enumerate(names)}
    keys = rows[by].map(places).fillna(-1).to_numpy(dtype=np.int64) if by else np.zeros(len(rows), dtype=np.int64)
    index, _ = as_of_fill(at + about.true, at + about.known, keys, window, np.arange(len(names)), about.max_age_hours)
    return np.where(index >= 0, values[index], np.nan) if len(values) else np.full(index.shape, np.nan)


def _funding(rows: pd.DataFrame, window: Window) -> Columns:
    """Means of both coins; unknown while one of them is."""
    columns = {"funding_rate": "funding_rate", "perp_premium": "premium"}
    return {name: _grid(rows, column, files.FUNDING, window, FUNDED, "symbol").mean(axis=1) for name, column in columns.items()}


def _aave(rows: pd.DataFrame, window: Window) -> Columns:
    """Over the reserves together; unknown while one of them is."""
    columns = ("borrowed_usd", "supplied_usd", "liquidated_usd_cum")
    grids = [_grid(rows, name, files.AAVE, window.lookback(DAY_HOURS), RESERVES, "asset") for name in columns]
    borrowed, supplied = (grid[DAY_HOURS:].sum(axis=1) for grid in grids[:2])
    with np.errstate(divide="ignore", invalid="ignore"):
        utilisation = np.where(supplied > 0, borrowed / supplied, np.nan)
    total = grids[2].sum(axis=1)
    return {"aave_utilisation": utilisation, "aave_liquidations_usd": total[DAY_HOURS:] - total[:-DAY_HOURS]}


def _stablecoins(rows: pd.DataFrame, window: Window) -> Columns:
    supplies = _grid(rows[rows["supply"] > 0], "supply", files.STABLECOINS, window, STABLECOINS, "symbol")
    return {"stablecoin_supply_usd": supplies.sum(axis=1)}


def _gas(rows: pd.DataFrame, window: Window) -> Columns:
    return {"gas_gwei": _grid(rows[rows["gas_wei"] > 0], "gas_wei", files.GAS, window)[:, 0] / 1e9}


def _mood(rows: pd.DataFrame, window: Window) -> Columns:
    return {"fear_greed": _grid(rows, "value", files.MOOD, window)[:, 0]}


def _prices(rows: pd.DataFrame, window: Window) -> Columns:
    rows = rows.assign(symbol=rows["symbol"].str.upper())[rows["close"] > 0]
    symbols = sorted(rows["symbol"].unique())
    first, second = (_grid(rows[rows["venue"] == venue], "close", files.PRICES, window, symbols, "symbol") for venue in VENUES)
    return dict(zip(symbols, np.where(np.isnan(first), second, first).T, strict=True))


MARKET: dict[str, Callable[[pd.DataFrame, Window], Columns]] = {
    files.FUNDING: _funding,
    files.AAVE: _aave,
    files.STABLECOINS: _stablecoins,
    files.GAS: _gas,
    files.MOOD: _mood,
}
