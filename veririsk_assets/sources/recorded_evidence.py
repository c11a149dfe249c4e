"""What a recorded folder may have beside its pools: the columns of each file, and when its values were true and known."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from veririsk_assets.sources.recorded_file import naive_stamps, read_columns

HOUR, DAY = np.timedelta64(1, "h"), np.timedelta64(1, "D")
NAMES = ("symbol", "asset", "venue")


@dataclass(frozen=True)
class EvidenceFile:
    """`columns`: the first is a time, those of NAMES are text, the others numbers.

    A value is true `true` after its time and known `known` after it, and serves until it is `max_age_hours` old.
    """

    columns: tuple[str, ...]
    true: np.timedelta64
    known: np.timedelta64
    max_age_hours: float = 6.0


FUNDING, AAVE, STABLECOINS = "hyperliquid_funding_hourly", "aave_reserves_hourly", "terra_stablecoins_daily"
GAS, MOOD, PRICES = "eth_gas_price_daily", "fear_greed_daily", "prices_hourly"
FILES = {
    FUNDING: EvidenceFile(("ts", "symbol", "funding_rate", "premium"), 0 * HOUR, HOUR),
    AAVE: EvidenceFile(("ts", "asset", "supplied_usd", "borrowed_usd", "liquidations_usd"), HOUR, HOUR),
    # An average or a close of a day is published in the night after it, an index in the morning.
    STABLECOINS: EvidenceFile(("date", "symbol", "supply"), DAY, DAY + HOUR, 48.0),
    GAS: EvidenceFile(("date", "gas_wei"), DAY, DAY + HOUR, 48.0),
    MOOD: EvidenceFile(("date", "value"), 0 * HOUR, np.timedelta64(10, "m"), 48.0),
    # The time is a bar's opening, the value its close.
    PRICES: EvidenceFile(("ts", "symbol", "venue", "close"), HOUR, HOUR),
}


def evidence_rows(folder: Path, name: str) -> pd.DataFrame | None:
    """Rows of a file with their time as `at`, in its order; None where the folder has no such file.

    Liquidations have their running total as `liquidated_usd_cum`; funding of more than an hour is left out. Raises ValueError
    on a file that cannot be used.
    """
    file = folder / f"{name}.parquet"
    if not file.is_file():
        return None
    seen = file.stat()
    return _read(file.resolve(), name, seen.st_mtime_ns, seen.st_size)


@lru_cache(maxsize=len(FILES))
def _read(file: Path, name: str, changed_at: int, size: int) -> pd.DataFrame:  # noqa: ARG001 - a changed file is read again
    rows = _rows(file, FILES[name].columns)
    if name == FUNDING:
        return _hourly(rows)
    if name == AAVE:
        return rows.assign(liquidated_usd_cum=rows.groupby("asset")["liquidations_usd"].cumsum())
    return rows


def _rows(file: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    texts = [name for name in columns if name in NAMES]
    rows = read_columns(file, columns).dropna(subset=[columns[0], *texts])
    try:
        stamps = naive_stamps(rows[columns[0]])
        numbers = {name: rows[name].astype(np.float64) for name in columns[1:] if name not in texts}
    except (ValueError, TypeError) as error:
        raise ValueError(f"{file} holds columns of a wrong type: {error}") from None
    return rows.assign(at=stamps, **numbers, **{name: rows[name].astype(str) for name in texts}).sort_values(
        "at", kind="stable", ignore_index=True
    )


def _hourly(rows: pd.DataFrame) -> pd.DataFrame:
    """Rates of one hour: in its first weeks the source paid every eight hours."""
    hours = rows.groupby("symbol")["at"].diff() / HOUR
    return rows[hours.between(0.5, 1.5)].reset_index(drop=True)
