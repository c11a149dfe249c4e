"""What a recorded folder may have beside its pools: the columns of each file, and when its values were true and known."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.tables import Column, number
from veririsk_assets.sources.recorded_parquet import SUFFIX, version_of
from veririsk_assets.sources.recorded_rows import Shape, read_rows

HOUR, DAY = np.timedelta64(1, "h"), np.timedelta64(1, "D")


@dataclass(frozen=True)
class EvidenceFile:
    """A value is true `true` after its time and known `known` after it, and is told until it is `max_age_hours` old.

    A host that gives no time tells what is current and no more: how long that serves is for those to say who hear it.
    """

    shape: Shape
    true: np.timedelta64
    known: np.timedelta64
    max_age_hours: float = 6.0


def _shape(time: str, *key: str, **numbers: Column) -> Shape:
    return Shape(time, key, numbers)


FUNDING, AAVE, STABLECOINS = "hyperliquid_funding_hourly", "aave_reserves_hourly", "terra_stablecoins_daily"
GAS, MOOD, PRICES = "eth_gas_price_daily", "fear_greed_daily", "prices_hourly"
# What their sources may say live, the files may.
_perps, _aave = raw.HYPERLIQUID_MARKETS.column, raw.AAVE_RESERVES.column
_funding = _shape("ts", "symbol", funding_rate=_perps("funding_rate"), premium=_perps("premium"))
_reserves = _shape(
    "ts", "asset",
    supplied_usd=_aave("supplied_usd"), borrowed_usd=_aave("borrowed_usd"), liquidations_usd=_aave("liquidated_usd_cum"),
)  # fmt: skip
FILES = {
    FUNDING: EvidenceFile(_funding, 0 * HOUR, HOUR, 2.0),
    AAVE: EvidenceFile(_reserves, HOUR, HOUR),
    # An average or a close of a day is published in the night after it, an index in the morning.
    STABLECOINS: EvidenceFile(_shape("date", "symbol", supply=raw.STABLECOINS.column("circulating")), DAY, DAY + HOUR, 25.0),
    GAS: EvidenceFile(_shape("date", gas_wei=number("gas_wei", "Mean price of a day", "wei", ge=0.0, le=1e15)), DAY, DAY + HOUR, 25.0),
    MOOD: EvidenceFile(_shape("date", value=raw.FEAR_GREED.column("value")), 0 * HOUR, np.timedelta64(10, "m"), 48.0),
    # The time is a bar's opening, the value its close.
    PRICES: EvidenceFile(_shape("ts", "symbol", "venue", close=_perps("mark_price_usd")), HOUR, HOUR),
}


@dataclass(frozen=True)
class EvidenceRows:
    """Rows of a file by their time `at`; `left_out` says in one sentence what is not among them."""

    frame: pd.DataFrame
    left_out: str


def evidence_rows(folder: Path, name: str) -> EvidenceRows | None:
    """None where the folder has no such file.

    Liquidations have their running total as `liquidated_usd_cum`; funding of more than an hour is left out. Raises ValueError
    on a file that cannot be used.
    """
    file = folder / f"{name}{SUFFIX}"
    return _read(file.resolve(), name, version_of(file)) if file.exists() else None


@lru_cache(maxsize=len(FILES))
def _read(file: Path, name: str, version: tuple[tuple[str, int, int], ...]) -> EvidenceRows:  # noqa: ARG001 - a changed file is read again
    rows, left_out = read_rows(file, FILES[name].shape)
    rows = rows.sort_values("at", kind="stable", ignore_index=True)
    if name == FUNDING:
        rows = _hourly(rows)
    if name == AAVE:
        rows = rows.assign(liquidated_usd_cum=rows.groupby("asset")["liquidations_usd"].cumsum())
    return EvidenceRows(rows, left_out.sentence(file))


def _hourly(rows: pd.DataFrame) -> pd.DataFrame:
    """Rates of one hour: in its first weeks the source paid every eight hours."""
    hours = rows.groupby("symbol")["at"].diff() / HOUR
    return rows[hours.between(0.5, 1.5)].reset_index(drop=True)
