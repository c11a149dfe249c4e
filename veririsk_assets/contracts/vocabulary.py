"""The words that tables, scores and messages share, and the numbers that everyone must agree on."""

from dataclasses import dataclass
from hashlib import blake2b

METHODOLOGY_VERSION = "1"

LEVELS = ("LOW", "MEDIUM", "HIGH", "UNKNOWN")
STATUSES = ("ok", "degraded", "insufficient")
DIRECTIONS = ("increases_risk", "decreases_risk")
# What a model speaks of: the crash, and apart from each other what would make it.
CRASH_HEAD = "crash"
CAUSES = ("price_fall", "liquidity_fall")
HEADS = (CRASH_HEAD, *CAUSES)
DETECTION_STATES = ("unknown", "none", "falling", "fallen")
OBSERVED_KINDS = ("start_of_day", "end_of_day", "intraday", "none")

HORIZONS = (6, 24)
MEDIUM_SCORE = 30.0
HIGH_SCORE = 65.0
CRASH_DROP_RATIO = 0.20
AT_RISK_DROP_RATIO = 0.10
# A drop that has begun is judged by what becomes of it in so many hours.
DETECTION_HORIZON_HOURS = 6
HIGH_ALERT_HOURS = 24.0
MEDIUM_ALERT_HOURS = 72.0
# The largest expected calibration error with which a version may serve, as a share of the base rate: .01 is little at a base
# rate of a fifth, and two thirds of one of .015.
MAX_ECE_TO_BASE = 0.25

HEURISTIC = "early_warning_score"

# Reserves of Aave that are followed, by their tokens on Ethereum: DAI, USDC, USDT, WETH.
AAVE_ASSETS = (
    "0x6b175474e89094c44da98b954eedeac495271d0f",
    "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48",
    "0xdac17f958d2ee523a2206206994597c13d831ec7",
    "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2",
)


@dataclass(frozen=True)
class Causes:
    """What would make the event that is forecast, told apart where a model can. `unknown`: what is said where it cannot tell one."""

    names: tuple[str, ...] = ()
    unknown: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Of scores: how probable each cause is."""
        return tuple(f"{name}_probability" for name in self.names)


NO_CAUSES = Causes()


def entity_key(entity_id: str) -> int:
    """A stable integer for a source-native id: no registry, no race, the same on every machine.

    48 bits of BLAKE2b: with 20,000 entities two share a key with probability 7e-7, and the lake refuses a doubled key.
    """
    return int.from_bytes(blake2b(entity_id.encode(), digest_size=6).digest(), "big")


def level(risk_score: float | None) -> str:
    """LOW < 30 ≤ MEDIUM < 65 ≤ HIGH; UNKNOWN without a score."""
    if risk_score is None or risk_score != risk_score:  # NaN is the only value unlike itself
        return "UNKNOWN"
    return "HIGH" if risk_score >= HIGH_SCORE else "MEDIUM" if risk_score >= MEDIUM_SCORE else "LOW"
