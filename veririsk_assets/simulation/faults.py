"""Ways in which a simulated source misbehaves, on purpose: for tests of clients."""

import math
from dataclasses import dataclass
from typing import Literal

FaultKind = Literal["rate_limited", "server_error", "plan_only", "unauthorized", "timeout", "truncated", "huge", "missing", "graph_error"]
STATUSES = {"rate_limited": 429, "server_error": 500, "plan_only": 402, "unauthorized": 401}
HUGE_BYTES = 64 * 2**20


@dataclass
class Fault:
    """`times`: how many requests of its endpoint are hit before it heals. `ids`: which ids are left out (`missing`)."""

    kind: FaultKind
    times: float = math.inf
    retry_after_seconds: int = 2
    ids: frozenset[str] = frozenset()
    huge_bytes: int = HUGE_BYTES

    def strikes(self) -> bool:
        """Whether the next request is hit; counts it."""
        self.times -= 1
        return self.times >= 0
