"""What a recording's folder knows beside its pools, by the hour and never before it was known. Every file may be missing.

Nothing is interpolated: an hour has the last value that was available at its cut-off, for as long as its maximum age.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from veririsk_assets.contracts.windows import DECISION_DELAY, Window
from veririsk_assets.panels.as_of import as_of_fill

HOUR, DAY = np.timedelta64(1, "h"), np.timedelta64(1, "D")
FUNDED = ("BTC", "ETH")
RESERVES = ("DAI", "USDC", "USDT", "WETH")
STABLECOINS = ("DAI", "USDC", "USDT")
# The first venue that knows a price has it.
VENUES = ("binance_spot_a", "binance_perp")
# A wrapped coin is worth the coin.
COINS = {"WETH": "ETH", "WBTC": "BTC"}
Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Delay:
    """How long after its stamp a value was true, how long after it known, and for how many hours it then serves."""

    true: np.timedelta64
    known: np.timedelta64
    max_age_hours: float = 6.0


AT_ITS_END = Delay(HOUR, HOUR)
AN_HOUR_LATER = Delay(0 * HOUR, HOUR)
IN_THE_NIGHT_AFTER = Delay(DAY, DAY + HOUR, 48.0)
IN_THE_MORNING = Delay(0 * HOUR, np.timedelta64(10, "m"), 48.0)


@dataclass(frozen=True)
class Evidence:
    """`market`: MARKET_INPUTS that are known, hours × 1; `prices`: symbol → USDT by the hour; `files`: name → hash."""

    market: Columns = field(default_factory=dict)
    prices: Columns = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def price(self, token: str) -> np.ndarray | float:
        """Outside price of a pool's token; NaN where nobody recorded it: not even a stablecoin is taken for a dollar."""
        symbol = token.upper()
        return self.prices.get(COINS.get(symbol, symbol), np.nan)


def read_evidence(folder: Path, window: Window) -> Evidence:
    """Those of the files that the folder has. Raises ValueError on one that cannot be used."""
    found = Evidence()
    for name, (columns, read) in FILES.items():
        file = folder / f"{name}.parquet"
        if file.exists():
            known = read(_rows(file, columns), window)
            found.files[file.name] = sha256(file.read_bytes()).hexdigest()
            if read is _prices:
                found.prices.update(known)
            else:
                found.market.update({column: values.astype(np.float32)[:, None] for column, values in known.items()})
    return found


def _rows(file: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """`at` from the first column; columns that are no names are numbers."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        missing = [name for name in columns if name not in pq.read_schema(file).names]
        if missing:
            raise ValueError(f"{file.name} lacks the columns {', '.join(missing)}")
        rows = pq.read_table(file, columns=list(columns)).to_pandas()
    except (OSError, pa.ArrowException) as error:
        raise ValueError(f"{file.name} cannot be read as Parquet: {error}") from None
    try:
        stamps = pd.to_datetime(rows[columns[0]], utc=True).dt.tz_localize(None).astype("datetime64[us]")
        numbers = {name: rows[name].astype(np.float64) for name in columns[1:] if name not in ("symbol", "asset", "venue")}
    except (ValueError, TypeError) as error:
        raise ValueError(f"{file.name} holds columns of a wrong type: {error}") from None
    return rows.assign(at=stamps, **numbers)[stamps.notna()].reset_index(drop=True)


def _grid(rows: pd.DataFrame, column: str, names: Sequence[str], delay: Delay, window: Window) -> np.ndarray:
    """Hours × names; rows without a value are no news. Rows without a `name` are the only series."""
    rows = rows[np.isfinite(rows[column])]
    at, values = rows["at"].to_numpy(dtype="datetime64[us]"), rows[column].to_numpy()
    places = {name: place for place, name in enumerate(names)}
    keys = rows["name"].map(places).fillna(-1).to_numpy(dtype=np.int64) if "name" in rows else np.zeros(len(rows), dtype=np.int64)
    index, _ = as_of_fill(at + delay.true, at + delay.known, keys, window, np.arange(len(names)), delay.max_age_hours)
    return np.where(index >= 0, values[index], np.nan) if len(values) else np.full(index.shape, np.nan)


def _funding(rows: pd.DataFrame, window: Window) -> Columns:
    """Means of both coins. A rate that is not of the hour, as in the source's first weeks, is none."""
    rows = rows.assign(name=rows["symbol"]).sort_values("at")
    since = rows.groupby("name")["at"].diff() / HOUR
    rows = rows[since.between(0.5, 1.5)]
    columns = {"funding_rate": "funding_rate", "perp_premium": "premium"}
    return {name: _grid(rows, column, FUNDED, AN_HOUR_LATER, window).mean(axis=1) for name, column in columns.items()}


def _aave(rows: pd.DataFrame, window: Window) -> Columns:
    """Over the reserves together; unknown while one of them is."""
    rows = rows.assign(name=rows["asset"])[rows["asset"].isin(RESERVES)]
    borrowed, supplied = (_grid(rows, name, RESERVES, AT_ITS_END, window).sum(axis=1) for name in ("borrowed_usd", "supplied_usd"))
    with np.errstate(divide="ignore", invalid="ignore"):
        utilisation = np.where(supplied > 0, borrowed / supplied, np.nan)
    return {"aave_utilisation": utilisation, "aave_liquidations_usd": _of_a_day(rows, window)}


def _of_a_day(rows: pd.DataFrame, window: Window) -> np.ndarray:
    """USD liquidated in the 24 hours known last; NaN where the newest hour is too old, or a day is not on record."""
    hourly = rows.groupby("at")["liquidations_usd"].sum().sort_index()
    known = hourly.index.to_numpy(dtype="datetime64[us]") + AT_ITS_END.known
    total = np.concatenate([[0.0], hourly.to_numpy().cumsum()])
    cutoffs = window.as_ofs + np.timedelta64(DECISION_DELAY)
    last, before = (np.searchsorted(known, moment, side="right") for moment in (cutoffs, cutoffs - DAY))
    age = (cutoffs - known[np.maximum(last - 1, 0)]) / HOUR if len(known) else np.full(len(cutoffs), np.inf)
    return np.where((before > 0) & (age <= AT_ITS_END.max_age_hours), total[last] - total[before], np.nan)


def _stablecoins(rows: pd.DataFrame, window: Window) -> Columns:
    rows = rows.assign(name=rows["symbol"])[rows["supply"] > 0]
    return {"stablecoin_supply_usd": _grid(rows, "supply", STABLECOINS, IN_THE_NIGHT_AFTER, window).sum(axis=1)}


def _gas(rows: pd.DataFrame, window: Window) -> Columns:
    return {"gas_gwei": _grid(rows[rows["gas_wei"] > 0], "gas_wei", ("",), IN_THE_NIGHT_AFTER, window)[:, 0] / 1e9}


def _mood(rows: pd.DataFrame, window: Window) -> Columns:
    return {"fear_greed": _grid(rows, "value", ("",), IN_THE_MORNING, window)[:, 0]}


def _prices(rows: pd.DataFrame, window: Window) -> Columns:
    """Closes by symbol: a bar's is known when the bar ends."""
    rows = rows.assign(name=rows["symbol"].str.upper())[rows["close"] > 0]
    symbols = sorted(rows["name"].unique())
    first, *others = (_grid(rows[rows["venue"] == venue], "close", symbols, AT_ITS_END, window) for venue in VENUES)
    for other in others:
        first = np.where(np.isnan(first), other, first)
    return dict(zip(symbols, first.T, strict=True))


FILES: dict[str, tuple[tuple[str, ...], Callable[[pd.DataFrame, Window], Columns]]] = {
    "hyperliquid_funding_hourly": (("ts", "symbol", "funding_rate", "premium"), _funding),
    "aave_reserves_hourly": (("ts", "asset", "supplied_usd", "borrowed_usd", "liquidations_usd"), _aave),
    "terra_stablecoins_daily": (("date", "symbol", "supply"), _stablecoins),
    "eth_gas_price_daily": (("date", "gas_wei"), _gas),
    "fear_greed_daily": (("date", "value"), _mood),
    "prices_hourly": (("ts", "symbol", "venue", "close"), _prices),
}
