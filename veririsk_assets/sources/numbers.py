"""From JSON values to typed ones. What cannot be read becomes null: the table's contract decides what that means."""

import math
import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from veririsk_assets.contracts.windows import naive, utc

ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{40}|[A-Za-z0-9]{32,64}")
# Bitcoin's first block; how far clocks of hosts that mean now may be apart.
EARLIEST, AHEAD = datetime(2009, 1, 3), timedelta(minutes=10)


def number(value: Any) -> float:
    """A JSON number or decimal string; NaN for anything else, infinities and NaN included."""
    if type(value) is float:
        return value if math.isfinite(value) else math.nan
    if type(value) is int:
        return _finite(value)
    return _of_text(value) if type(value) is str else math.nan


def _of_text(value: str) -> float:
    # Python reads 1_000 as a thousand; a source that says so means something else.
    if "_" in value:
        return math.nan
    try:
        return _finite(Decimal(value))
    except InvalidOperation:
        return math.nan


def _finite(value: int | Decimal) -> float:
    try:
        converted = float(value)
    except (OverflowError, ValueError):
        return math.nan
    return converted if math.isfinite(converted) else math.nan


def text(value: Any) -> str | None:
    """A string that says something; None for anything else."""
    return value if type(value) is str and value else None


def lower(value: Any) -> str | None:
    return value.lower() if type(value) is str and value else None


def address(value: Any) -> str | None:
    """A token's address: hexadecimal ones in lower case, others (Solana's) as they are; None for what is none."""
    told = text(value)
    if told is None or not ADDRESS.fullmatch(told):
        return None
    return told.lower() if told[:2].lower() == "0x" else told


def instant(value: Any) -> datetime | None:
    """Naive UTC of an ISO-8601 string or of unix seconds; None for anything else."""
    try:
        if type(value) is str:
            # Python reads some rows of digits as a date without dashes; a source that sends digits means a count.
            return None if value.isdigit() else naive(utc(value))
        return naive(utc(datetime.fromtimestamp(value, tz=utc("1970-01-01").tzinfo))) if type(value) is int else None
    except (ValueError, OverflowError, OSError):
        return None


def unix_seconds(value: Any) -> datetime | None:
    """Naive UTC of unix seconds, a number or a decimal string; None for anything else."""
    seconds = number(value)
    return instant(int(seconds)) if math.isfinite(seconds) else None


def observed(stamp: datetime | None, now: datetime) -> datetime | None:
    """A source's own time, naive UTC, as far as it can be believed: `now` where its clock is a little ahead of ours.

    None for a time that is still to come or from before there were blocks: milliseconds, minus one and zero read so.
    """
    if stamp is None or stamp < EARLIEST or stamp > naive(now) + AHEAD:
        return None
    return min(stamp, naive(now))


def quantity(value: Any) -> float:
    """A JSON-RPC quantity below 2^60, as in 0x3b9aca00; NaN for anything else."""
    is_hex = type(value) is str and re.fullmatch(r"0x[0-9a-fA-F]{1,15}", value) is not None
    return _finite(int(value, 16)) if is_hex else math.nan


def mapping(value: Any) -> dict[str, Any]:
    """A JSON object; an empty one for anything else."""
    return value if type(value) is dict else {}
