"""The clocks of a wire. Real time is read in `SystemClock` only, and only floor 3 makes one."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from veririsk_assets.contracts.windows import utc


class Clock(Protocol):
    """What rate limits, retries, deadlines and budgets are measured on."""

    def now(self) -> datetime:
        """Aware UTC."""

    def sleep(self, seconds: float) -> None:
        """Returns when `seconds` have passed on this clock."""


class SystemClock:
    """Real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(seconds, 0.0))


class FixedClock:
    """Stands at `start`; sleeping moves it and takes no time. For simulated and recorded markets, and tests."""

    def __init__(self, start: datetime) -> None:
        self._now = utc(start)

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=max(seconds, 0.0))
