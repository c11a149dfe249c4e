"""What a recorded folder's sources tell at given instants, in the columns of their raw tables: nothing that was not yet known.

Replies are written from it for one instant, raw rows are made from it for all hours of a backtest. Nothing is interpolated.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.vocabulary import AAVE_ASSETS
from veririsk_assets.sources import recorded_evidence as files
from veririsk_assets.sources.pull import Pull

# Ethereum addresses of the reserves, and what the coins are called elsewhere.
RESERVES = dict(zip(("DAI", "USDC", "USDT", "WETH"), AAVE_ASSETS, strict=True))
GECKO_IDS = {"USDT": "tether", "USDC": "usd-coin", "DAI": "dai"}
PEG = "peggedUSD"
# The first venue that knows a price has it.
VENUES = ("binance_spot_a", "binance_perp")
# A wrapped coin is worth the coin. Not even a stablecoin is taken for a dollar.
WRAPPED = {"BTC": "WBTC"}
UNKNOWN_TIME = np.datetime64("NaT", "us")


@dataclass(frozen=True)
class Told:
    """Rows of `table` by instant: `instant` numbers the instants asked about; `observed_at` is NaT where the source gives no time."""

    table: Table
    instant: np.ndarray
    observed_at: np.ndarray
    columns: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.instant)

    def rows(self) -> list[dict[str, Any]]:
        return pd.DataFrame(self.columns | {"observed_at": self.observed_at}).to_dict("records")

    def only(self, keep: np.ndarray) -> "Told":
        columns = {name: values[keep] for name, values in self.columns.items()}
        return Told(self.table, self.instant[keep], self.observed_at[keep], columns)

    def raw(self, instants: np.ndarray) -> pd.DataFrame:
        """Raw rows as pulls at the instants (datetime64[us]) store them: without those whose name can be none."""
        at = instants[self.instant]
        provenance = {"source": "recorded", "endpoint": self.table.name, "observed_kind": "none", "payload_hash": ""}
        known = {"pulled_at": at, "available_at": at, "observed_at": self.observed_at} | self.columns
        part: dict[str, Any] = {name: [value] * len(at) for name, value in provenance.items()}
        for column in self.table.columns:
            if column.name not in part:
                part[column.name] = known.get(column.name, [np.nan if column.kind == "float" else None] * len(at))
        frame = Pull(self.table, (part,)).frame
        return frame[frame[self.table.key[0]].notna()]


def newest(
    rows: pd.DataFrame, by: str, names: list[str], about: files.EvidenceFile, instants: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Instant, name and row (by position) of each name's newest row that was known then and is not too old to serve. `by` "": one name."""
    oldest = instants - np.timedelta64(int(about.max_age_hours * 3600), "s") - about.true
    at, owner = rows["at"].to_numpy(dtype="datetime64[us]"), rows[by].to_numpy(dtype=object) if by else None
    served = np.full((len(instants), len(names)), -1)
    for column, name in enumerate(names):
        mine = np.flatnonzero(owner == name) if owner is not None else np.arange(len(rows))
        if len(mine):
            last = np.searchsorted(at[mine], instants - about.known, side="right") - 1
            is_young = (last >= 0) & (at[mine][np.maximum(last, 0)] >= oldest)
            served[:, column] = np.where(is_young, mine[np.maximum(last, 0)], -1)
    instant, place = np.nonzero(served >= 0)
    return instant, place, served[instant, place]


def _perpetuals(rows: pd.DataFrame, about: files.EvidenceFile, instants: np.ndarray) -> Told:
    names = sorted(rows["symbol"].unique())
    instant, place, row = newest(rows, "symbol", names, about, instants)
    columns = {
        "coin": np.array(names, dtype=object)[place],
        "funding_rate": _of(rows, "funding_rate", row),
        "premium": _of(rows, "premium", row),
    }
    return Told(raw.HYPERLIQUID_MARKETS, instant, _no_time(row), columns)


def _reserves(rows: pd.DataFrame, about: files.EvidenceFile, instants: np.ndarray) -> Told:
    """The block is as old as the oldest of the reserves: none of them is said to be younger than it is."""
    instant, place, row = newest(rows, "asset", list(RESERVES), about, instants)
    at = rows["at"].to_numpy(dtype="datetime64[us]")[row] + about.true
    block = np.full(len(instants), np.datetime64("9999-01-01", "us"))
    np.minimum.at(block, instant, at)
    address = np.array(list(RESERVES.values()), dtype=object)[place]
    symbol = np.array([name.lower() for name in RESERVES], dtype=object)[place]
    said = {name: _of(rows, name, row) for name in ("supplied_usd", "borrowed_usd", "liquidated_usd_cum")}
    return Told(raw.AAVE_RESERVES, instant, block[instant], {"market": address, "asset": address, "symbol": symbol} | said)


def _stablecoins(rows: pd.DataFrame, about: files.EvidenceFile, instants: np.ndarray) -> Told:
    rows = rows[rows["supply"] > 0]
    instant, place, row = newest(rows, "symbol", list(GECKO_IDS), about, instants)
    coin = np.array(list(GECKO_IDS.values()), dtype=object)[place]
    name = np.array(list(GECKO_IDS), dtype=object)[place]
    symbol = np.array([symbol.lower() for symbol in GECKO_IDS], dtype=object)[place]
    columns = {"stablecoin_id": coin, "symbol": symbol, "name": name, "gecko_id": coin, "peg_type": np.full(len(row), PEG, dtype=object)}
    return Told(raw.STABLECOINS, instant, _no_time(row), columns | {"circulating": _of(rows, "supply", row)})


def _mood(rows: pd.DataFrame, about: files.EvidenceFile, instants: np.ndarray) -> Told:
    instant, _, row = newest(rows, "", ["index"], about, instants)
    return Told(raw.FEAR_GREED, instant, rows["at"].to_numpy(dtype="datetime64[us]")[row], {"value": np.rint(_of(rows, "value", row))})


def _gas(rows: pd.DataFrame, about: files.EvidenceFile, instants: np.ndarray) -> Told:
    """A day's mean, all through the next day: no node says that, and nobody recorded what nodes said."""
    rows = rows[rows["gas_wei"] > 0]
    instant, _, row = newest(rows, "", ["node"], about, instants)
    columns = {"block_number": np.zeros(len(row), dtype=np.int64), "gas_price_gwei": np.floor(_of(rows, "gas_wei", row)) / 1e9}
    return Told(raw.ETH_GAS, instant, instants[instant], columns)


def _prices(rows: pd.DataFrame, about: files.EvidenceFile, instants: np.ndarray) -> Told:
    rows = rows.assign(symbol=rows["symbol"].str.upper())[rows["close"] > 0]
    symbols = sorted(rows["symbol"].unique())
    price = np.full((len(instants), len(symbols)), np.nan)
    at = np.full(price.shape, UNKNOWN_TIME)
    for venue in reversed(VENUES):
        mine = rows[rows["venue"] == venue]
        instant, place, row = newest(mine, "symbol", symbols, about, instants)
        price[instant, place], at[instant, place] = _of(mine, "close", row), mine["at"].to_numpy(dtype="datetime64[us]")[row] + about.true
    for coin, wrapped in WRAPPED.items():
        if coin in symbols and wrapped not in symbols:
            price, at = (np.column_stack([grid, grid[:, symbols.index(coin)]]) for grid in (price, at))
            symbols = [*symbols, wrapped]
    return coins([name.lower() for name in symbols], price, at)


def joined(*told: Told) -> Told:
    """Rows of one table together, by instant."""
    together = {name: np.concatenate([one.columns[name] for one in told]) for name in told[0].columns}
    instant, at = (np.concatenate([getattr(one, name) for one in told]) for name in ("instant", "observed_at"))
    return Told(told[0].table, instant, at, together).only(np.argsort(instant, kind="stable"))


def coins(tickers: list[str], price: np.ndarray, at: np.ndarray) -> Told:
    """Coins under their tickers: prices and their times, instants × tickers; NaN is not told."""
    instant, place = np.nonzero(np.isfinite(price))
    name = np.array(tickers, dtype=object)[place]
    return Told(raw.COINGECKO_MARKETS, instant, at[instant, place], {"coin_id": name, "symbol": name, "price_usd": price[instant, place]})


def _of(rows: pd.DataFrame, column: str, row: np.ndarray) -> np.ndarray:
    return rows[column].to_numpy(dtype=np.float64)[row]


def _no_time(row: np.ndarray) -> np.ndarray:
    return np.full(len(row), UNKNOWN_TIME)


TELLERS: dict[str, Callable[[pd.DataFrame, files.EvidenceFile, np.ndarray], Told]] = {
    files.FUNDING: _perpetuals,
    files.AAVE: _reserves,
    files.STABLECOINS: _stablecoins,
    files.MOOD: _mood,
    files.GAS: _gas,
    files.PRICES: _prices,
}
