"""What must outlive a process: credits spent this month, and endpoints that our plan does not have."""

from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol

from veririsk_assets.contracts.windows import CLOCK_SKEW, utc
from veririsk_assets.wire.errors import BudgetExceededError, PlanOnlyError
from veririsk_assets.wire.provider import Provider

# Optional calls are refused from here on, so that the month's end still has the calls that scores need.
OPTIONAL_SHARE = 0.8
BUDGET = "budget:"
NO_LIMIT = 2**53
PLAN_ONLY_FOR = timedelta(hours=24)


class StateStore(Protocol):
    """Small named values that survive the process."""

    def get(self, name: str) -> str | None: ...

    def put(self, name: str, value: str) -> None: ...

    def starting_with(self, prefix: str) -> dict[str, str]: ...

    def increment(self, name: str, by: int, limit: int) -> int | None:
        """The new total, or None (and no change) when it would exceed `limit`. Atomic."""


class MemoryState:
    """A state store that does not survive: for tests and one-off calls."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._counting = Lock()

    def get(self, name: str) -> str | None:
        return self._values.get(name)

    def put(self, name: str, value: str) -> None:
        self._values[name] = value

    def starting_with(self, prefix: str) -> dict[str, str]:
        return {name: value for name, value in self._values.items() if name.startswith(prefix)}

    def increment(self, name: str, by: int, limit: int) -> int | None:
        with self._counting:
            total = int(self._values.get(name, "0")) + by
            if total > limit:
                return None
            self._values[name] = str(total)
            return total


class Budget:
    """Credits per provider and calendar month. A credit is reserved before the call and given back if none was spent."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    def reserve(self, provider: Provider, now: datetime, is_optional: bool) -> None:
        """Raises BudgetExceededError when the month has no credit left for this call."""
        if provider.monthly_credits is None or not provider.is_metered:
            return
        limit = int(provider.monthly_credits * OPTIONAL_SHARE) if is_optional else provider.monthly_credits
        if self._state.increment(_month(provider, now), 1, limit) is None:
            kind = "optional calls may use" if is_optional else "allowed"
            raise BudgetExceededError(f"{provider.name}: the {limit} calls {kind} in {now:%Y-%m} are used up")

    def give_back(self, provider: Provider, now: datetime) -> None:
        if provider.monthly_credits is not None and provider.is_metered:
            self._state.increment(_month(provider, now), -1, provider.monthly_credits)

    def bring_back(self, now: datetime) -> None:
        """Credits that were booked on months to come, while the clock was ahead, were spent this month."""
        this_month = f"{utc(now):%Y-%m}"
        for name, credits in self._state.starting_with(BUDGET).items():
            provider, _, month = name.rpartition(":")
            if month > this_month and int(credits):
                self._state.put(name, "0")
                self._state.increment(f"{provider}:{this_month}", int(credits), NO_LIMIT)

    def spent(self, provider: Provider, now: datetime) -> int:
        return int(self._state.get(_month(provider, now)) or 0)


class PlanMemory:
    """Endpoints that answered 402 are left alone for a day: no retry storm against a pay wall.

    A mark that lasts longer than that was made by a clock that was ahead, and says nothing.
    """

    def __init__(self, state: StateStore) -> None:
        self._state = state

    def refuse(self, provider: Provider, path: str, now: datetime) -> None:
        """Raises PlanOnlyError while the endpoint is marked."""
        until = self._state.get(_mark(provider, path)) if provider.is_metered else None
        if until and utc(now) < utc(until) <= utc(now) + PLAN_ONLY_FOR + CLOCK_SKEW:
            raise PlanOnlyError(f"{provider.name}: {path or '/'} needs a paid plan; not asked again before {until}")

    def mark(self, provider: Provider, path: str, now: datetime) -> None:
        if provider.is_metered:
            self._state.put(_mark(provider, path), (utc(now) + PLAN_ONLY_FOR).isoformat(timespec="seconds"))


def _month(provider: Provider, now: datetime) -> str:
    return f"{BUDGET}{provider.name}:{utc(now):%Y-%m}"


def _mark(provider: Provider, path: str) -> str:
    return f"plan_only:{provider.name}:{path}"
