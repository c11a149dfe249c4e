"""From JSON values to typed ones. What cannot be read becomes null: the table's contract decides what that means."""

import math
import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from veririsk_assets.contracts.windows import naive, utc


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


def instant(value: Any) -> datetime | None:
    """Naive UTC of an ISO-8601 string or of unix seconds; None for anything else."""
    try:
        if type(value) is str:
            return naive(utc(value))
        return naive(utc(datetime.fromtimestamp(value, tz=utc("1970-01-01").tzinfo))) if type(value) is int else None
    except (ValueError, OverflowError, OSError):
        return None


def unix_seconds(value: Any) -> datetime | None:
    """Naive UTC of unix seconds, a number or a decimal string; None for anything else."""
    seconds = number(value)
    return instant(int(seconds)) if math.isfinite(seconds) else None


def quantity(value: Any) -> float:
    """A JSON-RPC quantity below 2^60, as in 0x3b9aca00; NaN for anything else."""
    is_hex = type(value) is str and re.fullmatch(r"0x[0-9a-fA-F]{1,15}", value) is not None
    return _finite(int(value, 16)) if is_hex else math.nan


def mapping(value: Any) -> dict[str, Any]:
    """A JSON object; an empty one for anything else."""
    return value if type(value) is dict else {}
