"""Three lanterns that flicker for days before they go dim, and a transport that says how bright they are: the other hosts are simulated."""

import json
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
from requests import PreparedRequest, Response

from veririsk_assets.contracts.windows import utc
from veririsk_assets.simulation.market import Market
from veririsk_assets.simulation.transport import SimulatedTransport

BEGIN, DAYS = utc("2023-01-01"), 1200
NAMES = ("amber", "brass", "coral")


@cache
def glows() -> np.ndarray:
    """Days × lanterns."""
    rng, glow = np.random.default_rng(8), np.full((DAYS, len(NAMES)), 100.0)
    for lantern in range(len(NAMES)):
        left = 0
        for day in range(1, DAYS):
            left = left - 1 if left else (6 if rng.random() < 0.04 else 0)
            move = rng.normal(-0.02, 0.01) if left > 1 else -0.35 if left == 1 and rng.random() < 0.7 else rng.normal(0.0, 0.01)
            glow[day, lantern] = glow[day - 1, lantern] * (1 + move)
            if glow[day, lantern] < 5.0 or (left == 0 and rng.random() < 0.02):
                glow[day, lantern] = 100.0
    return glow


def at(moment: datetime) -> dict[str, float]:
    """How bright each is, as it stands all day."""
    return dict(zip(NAMES, glows()[(moment - BEGIN).days].tolist(), strict=True))


@cache
def market() -> Market:
    return Market(3, "harder", 8, None)


class Transport(SimulatedTransport):
    def __init__(self, as_of: datetime) -> None:
        super().__init__(market(), as_of)

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        if "lanterns.invalid" not in (request.url or ""):
            return super().send(request, *args, **kwargs)
        rows = [{"id": name, "glow": glow} for name, glow in at(self.as_of).items()]
        return self._response(request, 200, json.dumps({"lanterns": rows}).encode())
