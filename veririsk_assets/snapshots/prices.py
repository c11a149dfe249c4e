"""Outside prices of tokens on the grid, and whether they are to be believed.

A token is matched by its address where the coin list knows it. By ticker it is matched only where nobody knows better: then the
largest coin of that ticker has it. A price that jumps and is supported by nothing is unknown until it has stayed for six hours.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from veririsk_assets.contracts.windows import Window
from veririsk_assets.panels.as_of import as_of_fill

MAX_AGE_HOURS = 6.0
COINS_MAX_AGE_HOURS = 7 * 24
MEMORY_HOURS = 48
JUMP = float(np.log(1.25))
STAYS_HOURS = 6
# Two sources that agree within this mean the same price.
AGREES = float(np.log(1.1))
# A side of a pool cannot be worth more than the pool; outside price and TVL are read at different minutes.
LARGEST_SIDE = 1.5
LARGEST_USD = 1e13
MISSED_HOURS = 24
# A wrapped coin is worth the coin, whose own price is the better one.
ALIASES = {"weth": "eth"}
# GeckoTerminal's networks by CoinGecko's names for them.
PLATFORMS = {
    "eth": "ethereum", "bsc": "binance-smart-chain", "polygon_pos": "polygon-pos", "arbitrum": "arbitrum-one", "base": "base",
    "optimism": "optimistic-ethereum", "avax": "avalanche",
}  # fmt: skip


@dataclass(frozen=True)
class OutsidePrices:
    """`said` and `believed`: USD, hours × coins; `caps` likewise. `by_ticker`: ticker → columns of its coins; `by_address`: (platform, address) → column."""

    grid: Window
    coins: np.ndarray
    said: np.ndarray
    believed: np.ndarray
    caps: np.ndarray
    by_ticker: Mapping[str, list[int]]
    by_address: Mapping[tuple[str, str], int]

    @classmethod
    def of(cls, raw: Mapping[str, pd.DataFrame], grid: Window) -> "OutsidePrices":
        """From the rows of the raw tables of CoinGecko, Hyperliquid and stablecoins; any of them may be missing."""
        rows = raw.get("coingecko_markets")
        if rows is None or not len(rows):
            nothing = np.empty((grid.hours, 0))
            return cls(grid, np.empty(0, dtype=str), nothing, nothing, nothing, {}, {})
        coins, said = _on_grid(rows, "coin_id", ("price_usd", "market_cap_usd"), grid)
        tickers = rows.drop_duplicates("coin_id", keep="last").set_index("coin_id")["symbol"].reindex(coins)
        by_ticker: dict[str, list[int]] = {}
        for column, ticker in enumerate(tickers):
            by_ticker.setdefault(ticker, []).append(column)
        second = np.full((grid.hours, len(coins)), np.nan)
        for name, key, price, names in (
            ("hyperliquid_markets", "coin", "oracle_price_usd", tickers.str.upper()),
            ("stablecoins", "gecko_id", "price_usd", pd.Series(coins)),
        ):
            others = raw.get(name)
            if others is not None and len(others):
                known, prices = _on_grid(others.dropna(subset=[key]), key, (price,), grid)
                place = {other: i for i, other in enumerate(known)}
                for column, other in enumerate(names):
                    if other in place and np.isnan(second[:, column]).all():
                        second[:, column] = prices[price][:, place[other]]
        prices_said = said["price_usd"]
        return cls(
            grid,
            coins,
            prices_said,
            believed(prices_said, second),
            said["market_cap_usd"],
            by_ticker,
            _addresses(raw.get("coingecko_coins"), coins),
        )

    def of_ticker(self, ticker: str, values: np.ndarray) -> np.ndarray:
        """A column of `values` by ticker: of the coin that was the largest so far; an alias where the original is not known."""
        wanted = ALIASES.get(ticker, ticker)
        columns = self.by_ticker.get(wanted) or self.by_ticker.get(ticker) or []
        if not columns:
            return np.full(self.grid.hours, np.nan)
        sizes = np.fmax.accumulate(np.nan_to_num(self.caps[:, columns], nan=-1.0), axis=0)
        return values[np.arange(self.grid.hours), np.array(columns)[np.argmax(sizes, axis=1)]]

    def market_cap(self) -> np.ndarray:
        """Of all coins together, hours of the grid; NaN where one is missing that had a capitalisation in the last 48 hours."""
        known = ~np.isnan(self.caps)
        lately = known.copy()
        for lag in range(1, MEMORY_HOURS):
            lately[lag:] |= known[:-lag]
        whole = (known | ~lately).all(axis=1) & known.any(axis=1)
        return np.where(whole, np.nansum(self.caps, axis=1), np.nan)

    def of_sides(self, rows: pd.DataFrame, index: np.ndarray, values: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Price and USD value of both reserves, hours × pools, and in words what is to be doubted of them.

        `rows`: a view's rows with their tokens; `index`: which of them serves each hour and pool; `values`: the view on the grid.
        """
        if not len(self.coins):
            return {}, np.full(index.shape, "", dtype=object)
        said, sure = (
            dict(zip("01", (self._served(rows, index, side, of) for side in "01"), strict=True)) for of in (self.said, self.believed)
        )
        result: dict[str, np.ndarray] = {}
        doubt = np.full(index.shape, "", dtype=object)
        for side, other in ("01", "10"):
            reserve, tvl = values[f"reserve{side}"], values["tvl_usd"]
            with np.errstate(divide="ignore", invalid="ignore"):
                # What the pool itself pays for the token is a second source, where it trades at equal values.
                own = values[f"reserve{other}"] * sure[other] / reserve
                price = np.where(np.isnan(sure[side]) & (np.abs(np.log(said[side] / own)) <= JUMP), said[side], sure[side])
                worth = price * reserve
                unfit = (worth > LARGEST_USD) | (worth > LARGEST_SIDE * tvl)
            price = np.where(unfit, np.nan, price)
            result |= {f"price{side}_usd": price, f"reserve{side}_usd": np.where(unfit, np.nan, worth)}
            token = rows[f"token{side}"].fillna("?").to_numpy(dtype=object)
            words = np.where(_missed(price), "the outside price of a token is not known", "").astype(object)
            words[unfit] = [f"the outside price of {token[row] if row >= 0 else '?'} does not fit the pool" for row in index[unfit]]
            doubt = _either(doubt, words)
        return result, doubt

    def _served(self, rows: pd.DataFrame, index: np.ndarray, side: str, values: np.ndarray) -> np.ndarray:
        """The price of each pool's token, hours × pools."""
        nobody = pd.Series("", index=rows.index)
        keys = pd.DataFrame(
            {
                "ticker": rows[f"token{side}"].fillna("").str.lower(),
                "address": rows.get(f"token{side}_address", nobody).fillna(""),
                "platform": rows.get("platform", nobody).fillna(""),
            }
        )
        codes, tokens = pd.factorize(pd.MultiIndex.from_frame(keys))
        table = np.column_stack(
            [*(self._of_token(ticker, address, platform, values) for ticker, address, platform in tokens), np.full(self.grid.hours, np.nan)]
        )
        return table[np.arange(self.grid.hours)[:, None], np.where(index >= 0, codes[index] if len(codes) else -1, len(tokens))]

    def _of_token(self, ticker: str, address: str, platform: str, values: np.ndarray) -> np.ndarray:
        column = self.by_address.get((platform, address)) if address else None
        if column is not None:
            ticker_of = next((name for name, columns in self.by_ticker.items() if column in columns), "")
            return self.of_ticker(ticker_of, values) if ticker_of in ALIASES else values[:, column]
        columns = self.by_ticker.get(ALIASES.get(ticker, ticker)) or self.by_ticker.get(ticker) or []
        elsewhere = {at for (where, _), at in self.by_address.items() if where == platform}
        if address and elsewhere & set(columns):
            return np.full(self.grid.hours, np.nan)  # the coin of that ticker has another address: this is not it
        return self.of_ticker(ticker, values)


def believed(said: np.ndarray, second: np.ndarray) -> np.ndarray:
    """`said` (hours × coins) without what jumped away from the last price that was believed, unless `second` agrees or it has stayed.

    Each hour is judged by the 48 before it, so that hour by hour equals one backfill.
    """
    pad = np.full((MEMORY_HOURS, said.shape[1]), np.nan)
    padded, others = np.vstack([pad, said]), np.vstack([pad, second])
    last, level = np.full(said.shape, np.nan), np.full(said.shape, np.nan)
    stayed, is_sure = np.zeros(said.shape, dtype=np.int64), np.zeros(said.shape, dtype=bool)
    for begin in range(MEMORY_HOURS + 1):
        price, other = (x[begin : begin + len(said)] for x in (padded, others))
        with np.errstate(divide="ignore", invalid="ignore"):
            jumped = (np.abs(np.log(price / last)) > JUMP) & ~(np.abs(np.log(price / other)) <= AGREES)
            stayed = np.where(jumped, np.where(np.abs(np.log(price / level)) <= JUMP, stayed + 1, 1), 0)
        level = np.where(jumped & (stayed == 1), price, level)
        is_sure = ~np.isnan(price) & (~jumped | (stayed >= STAYS_HOURS))
        last = np.where(is_sure, price, last)
    return np.where(is_sure, said, np.nan)


def _on_grid(rows: pd.DataFrame, key: str, columns: tuple[str, ...], grid: Window) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Sorted names, and each column as it was last said (hours × names), at most MAX_AGE_HOURS ago."""
    names, codes = np.unique(rows[key].to_numpy(dtype=str), return_inverse=True)
    observed = rows["observed_at"].fillna(rows["pulled_at"]).to_numpy(dtype="datetime64[us]")
    available = rows["available_at"].to_numpy(dtype="datetime64[us]")
    index, _ = as_of_fill(observed, available, codes.astype(np.int64), grid, np.arange(len(names)), MAX_AGE_HOURS)
    return names, {name: np.where(index >= 0, rows[name].to_numpy(dtype=np.float64)[index], np.nan) for name in columns}


def _addresses(coins: pd.DataFrame | None, known: np.ndarray) -> dict[tuple[str, str], int]:
    """(platform, address) → column, by the newest list. An address that two coins claim is nobody's."""
    if coins is None or not len(coins):
        return {}
    place = {coin: column for column, coin in enumerate(known)}
    newest = coins.sort_values("pulled_at").drop_duplicates(["coin_id", "platform"], keep="last")
    newest = newest[newest["coin_id"].isin(place) & newest["address"].notna()].drop_duplicates(["platform", "address"], keep=False)
    return {(p, a): place[c] for p, a, c in zip(newest["platform"], newest["address"], newest["coin_id"], strict=True)}


def _missed(price: np.ndarray) -> np.ndarray:
    """Unknown now, known within the last day."""
    known = ~np.isnan(price)
    lately = np.zeros(price.shape, dtype=bool)
    for lag in range(1, min(MISSED_HOURS, len(price) - 1) + 1):
        lately[lag:] |= known[:-lag]
    return lately & ~known


def _either(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.where(first == "", second, first)
