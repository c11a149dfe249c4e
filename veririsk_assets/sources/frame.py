"""From parsed answers to raw rows: provenance and numbers as sources write them."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import naive
from veririsk_assets.wire.session import Reply

# A reading of one item: column name → value.
Reading = dict[str, Callable[[dict[str, Any]], Any]]


@dataclass(frozen=True)
class Pull:
    """The raw rows of one endpoint in one hour, with exactly the table's columns."""

    frame: pd.DataFrame


def number(value: Any) -> float:
    """A JSON number or decimal string; what is neither, or not finite, is NaN."""
    try:
        parsed = float(value)
    except (TypeError, ValueError):
        return math.nan
    return parsed if math.isfinite(parsed) else math.nan


def iso_instant(value: Any) -> np.datetime64:
    """Naive UTC; NaT for what is no ISO instant."""
    try:
        parsed = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return np.datetime64("NaT", "us")
    return np.datetime64(naive(parsed), "us")


def unix_instant(value: Any) -> np.datetime64:
    """Naive UTC of unix seconds; NaT for what is none."""
    seconds = number(value)
    if math.isnan(seconds) or not 0 < seconds < 1e11:
        return np.datetime64("NaT", "us")
    return np.datetime64(naive(datetime.fromtimestamp(seconds, UTC)), "us")


def text(value: Any) -> str | None:
    """A string, or None for nothing."""
    return None if value is None else str(value)


def rows(
    table: Table, source: str, reply: Reply, items: Iterable[Any], reading: Reading, observed: np.ndarray | None = None
) -> pd.DataFrame:
    """One row per item that is an object. `observed`: instants per item, where the source gives them."""
    objects = [item for item in items if isinstance(item, dict)]
    pulled_at = np.full(len(objects), np.datetime64(naive(reply.pulled_at), "us"))
    seen = np.full(len(objects), np.datetime64("NaT", "us")) if observed is None else observed
    known: dict[str, Any] = {"source": source, "endpoint": reply.endpoint, "pulled_at": pulled_at, "available_at": pulled_at}
    known |= {"observed_at": seen, "observed_kind": "none" if observed is None else "intraday", "payload_hash": reply.payload_hash}
    # One constructor call: an hour of a small market would spend more time in column assignments than in its answers.
    return pd.DataFrame(known | {name: [read(item) for item in objects] for name, read in reading.items()}, index=range(len(objects)))


def empty(table: Table) -> pd.DataFrame:
    """No rows."""
    return pd.DataFrame(columns=table.names)
