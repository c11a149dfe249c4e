"""Times of a recorded column, however its writer held them: zoned or not, days, ISO text, counts since 1970.

A time that no market of ours can have is none: milliseconds taken for nanoseconds are of 1970.
"""

import re
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.sources.recorded_columns import Read, WrongKind, floats, is_text, plain, said_in

# Between these, a count since 1970 tells its unit: no count is in two of them. Days written as numbers (20210401, or 2021040106
# with the hour) are no count of any.
FIRST_SECOND, LAST_SECOND = 1_230_768_000, 2_000_000_000
FIRST_YEAR, LAST_YEAR = 2009, 2033
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
MICROS = PER_SECOND["us"]
DAY_SECONDS = 86_400
COUNT = re.compile(r"\d+(\.\d*)?(e\+?\d+)?", re.IGNORECASE)
ISO_DAY_DIGITS = 8
ZONE_AS_WORD = re.compile(r" ?(UTC|GMT)$")


def stamps(column: Any) -> Read:
    """UTC as datetime64[us]; a time without a zone is UTC's. Raises WrongKind on a column that holds no times."""
    import pyarrow.types as kinds

    column = plain(column)
    if kinds.is_timestamp(column.type):
        return _held(column, column.type.unit)
    if kinds.is_date(column.type):
        return _held(column.cast("timestamp[s]", safe=False), "s")
    if is_text(column.type):
        return _texts(said_in(column))
    if kinds.is_float16(column.type) or kinds.is_float32(column.type):
        raise WrongKind("a number of 32 bits is minutes off")
    return _counts(column)


def _held(column: Any, unit: str) -> Read:
    """Timestamps: their unit is known."""
    raw = column.cast("int64", safe=False).fill_null(0).to_numpy()
    micros = _micros(raw, (unit,))
    wrong = np.asarray(column.is_valid()) & (micros == 0)
    return Read.of(_times(micros), wrong, raw.astype(f"datetime64[{unit}]"))


def _counts(column: Any) -> Read:
    """Numbers: whole ones as they are, since a float cannot hold nanoseconds."""
    import pyarrow.types as kinds

    is_said = np.asarray(column.is_valid())
    raw = column.cast("int64", safe=False).fill_null(0).to_numpy() if kinds.is_integer(column.type) else floats(column, "time")
    micros = _micros(raw, tuple(PER_SECOND))
    return Read.of(_times(micros), is_said & (micros == 0) & ~np.isnan(raw), raw)


def _texts(raw: np.ndarray) -> Read:
    is_said = np.array([one is not None for one in raw], dtype=bool)
    is_count = np.array([one is not None and len(one) != ISO_DAY_DIGITS and COUNT.fullmatch(one) is not None for one in raw], dtype=bool)
    micros = np.zeros(len(raw), dtype=np.int64)
    whole = np.array([one.isdigit() for one in raw[is_count]], dtype=bool)
    counted = np.flatnonzero(is_count)
    micros[counted[whole]] = _micros(np.array([min(int(one), 2**62) for one in raw[counted[whole]]], dtype=np.int64), tuple(PER_SECOND))
    micros[counted[~whole]] = _micros(raw[counted[~whole]].astype(np.float64), tuple(PER_SECOND))
    written = is_said & ~is_count
    micros[written] = _of_iso(raw[written])
    return Read.of(_times(micros), is_said & (micros == 0), raw)


def _of_iso(said: np.ndarray) -> np.ndarray:
    """01/02/2021 is two days: only ISO 8601 is read."""
    moments = pd.to_datetime(
        pd.Series([ZONE_AS_WORD.sub("Z", one) for one in said], dtype=object), format="ISO8601", utc=True, errors="coerce"
    )
    naive = moments.dt.tz_localize(None).astype("datetime64[us]")
    return _micros(naive.fillna(pd.Timestamp(0)).to_numpy().astype(np.int64), ("us",))


def _micros(counts: np.ndarray, units: tuple[str, ...]) -> np.ndarray:
    """Microseconds since 1970; 0 where a count is in none of the units."""
    micros = np.zeros(len(counts), dtype=np.int64)
    for per_second in (PER_SECOND[unit] for unit in units):
        mine = (counts >= FIRST_SECOND * per_second) & (counts < LAST_SECOND * per_second)
        kept = counts[mine]
        if kept.dtype.kind == "f":
            micros[mine] = np.round(kept * (MICROS / per_second)).astype(np.int64)
        else:
            micros[mine] = kept // (per_second // MICROS) if per_second > MICROS else kept * (MICROS // per_second)
    return micros


def _times(micros: np.ndarray) -> np.ndarray:
    return np.where(micros == 0, np.datetime64("NaT", "us"), micros.astype("datetime64[us]"))
