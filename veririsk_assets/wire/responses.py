"""From an HTTP response to JSON, or to the error that says whether asking again helps."""

import json
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from requests import RequestException, Response
from urllib3.exceptions import HTTPError

from veririsk_assets.contracts.windows import utc
from veririsk_assets.wire.errors import (
    NotFoundError,
    NotRecordedError,
    PermanentSourceError,
    PlanOnlyError,
    SourceError,
    TransientSourceError,
)

RECORDED_HEADER = "X-Recorded"
CHUNK_BYTES = 2**18
EXCERPT_BYTES = 2_000
# Nobody waits a year; a larger number than a clock can add is still a number.
LONGEST_WAIT_SECONDS = 366 * 86_400.0
EXCERPT_CHARS = 200
# 418 is Binance's and some CDNs' "you did not stop after 429".
RETRIED = frozenset({408, 418, 425, 429})
# How hosts say that they do not know what was named.
UNKNOWN = frozenset({400, 404, 410, 422})
HINTS = {
    401: "is the key set, and is it for this host (CoinGecko 10010/10011: demo key on the pro host or the reverse)?",
    403: "blocked; some hosts refuse requests without a descriptive User-Agent (VERIRISK_USER_AGENT)",
    402: "needs a paid plan",
}


def fault(response: Response, now: datetime) -> SourceError | None:
    """The error that a status means; None for 200."""
    status = response.status_code
    if status == 200:
        return None
    said = f"HTTP {status}" + (f" ({HINTS[status]})" if status in HINTS else "") + _excerpt(response)
    if status in RETRIED or status >= 500:
        return TransientSourceError(said, retry_after(response.headers.get("Retry-After"), now))
    if status == 402:
        return PlanOnlyError(said)
    if status == 404 and response.headers.get(RECORDED_HEADER) == "none":
        return NotRecordedError("not recorded")
    return NotFoundError(said) if status in UNKNOWN else PermanentSourceError(said)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After header: a number of seconds or an HTTP date; None when absent or unreadable."""
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_WAIT_SECONDS)
    try:
        return min(max((utc(parsedate_to_datetime(text)) - utc(now)).total_seconds(), 0.0), LONGEST_WAIT_SECONDS)
    except (ValueError, TypeError, OverflowError):
        return None


def read(response: Response, max_bytes: int, check_time: Callable[[], None]) -> bytes:
    """The decoded body. Stops as soon as it is too long: a small gzip can hold gigabytes."""
    received = bytearray()
    try:
        # read1 gives what has come: a host that sends a byte at a time cannot hold us past the deadline.
        while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
            received += chunk
            if len(received) > max_bytes:
                raise PermanentSourceError(f"the reply is longer than {max_bytes:,} bytes")
            check_time()
    except (RequestException, HTTPError, OSError) as error:
        raise TransientSourceError(f"the reply broke off ({type(error).__name__})") from None
    return bytes(received)


def parsed(body: bytes) -> Any:
    """JSON as the standard has it: no NaN, no Infinity. Raises TransientSourceError: a cut reply is asked for again.

    A name with a control sign or a byte that is no UTF-8 in it must not cost the other rows: it is read as far as it goes.
    """
    try:
        return json.loads(body.decode(json.detect_encoding(body), "replace"), parse_constant=_refuse, strict=False)
    except (ValueError, RecursionError) as error:
        raise TransientSourceError(f"not valid JSON in {len(body):,} bytes ({type(error).__name__})") from None


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _excerpt(response: Response) -> str:
    try:
        start = response.raw.read1(EXCERPT_BYTES, decode_content=True)
    except (RequestException, HTTPError, OSError):
        return ""
    text = " ".join(start.decode("utf-8", "replace").split())
    return f": {text[:EXCERPT_CHARS]}" if text and not text.startswith("<") else ""
