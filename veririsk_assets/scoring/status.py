"""How far a score can be trusted: ok, degraded or insufficient, with the reason in words.

Missing or stale input never reads as low risk: insufficient rows get no score at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

STALE_HOURS = 24.0
AGED_HOURS = 2.0
AGED_HOURS_RECORDED = 6.0  # a recorded source speaks every 3.72 hours
MAX_QUARANTINE_SHARE = 0.2
MAX_NULL_SHARE = 0.5


@dataclass(frozen=True)
class Facts:
    """What is known of the input of each row, one value per entity.

    `value` is what the entity is measured by, in the column `measure`; `words`: how one of its kind and that value are called.
    `age_hours` is how long the entity has been seen; `quarantine_share` that of the source which feeds it; `doubt` says what is wrong
    with the input, "" for nothing.
    `min_history_hours`: how long that has to be.
    `source_problems` are sentences about sources that failed this hour; `aged_hours` is the age from which input counts as old.
    """

    value: np.ndarray
    input_age_hours: np.ndarray
    age_hours: np.ndarray
    is_tombstone: np.ndarray
    early_warning_score: np.ndarray
    measure: str
    words: tuple[str, str]
    quarantine_share: np.ndarray | float = 0.0
    doubt: np.ndarray | str = ""
    source_problems: Sequence[str] = field(default_factory=tuple)
    aged_hours: float = AGED_HOURS
    min_history_hours: float = 24.0

    @property
    def rows(self) -> int:
        return len(self.value)


@dataclass(frozen=True)
class Status:
    """One status and one reason per row; the reason of an ok row is None unless something is to be said of it."""

    status: np.ndarray
    reason: np.ndarray

    @property
    def is_scored(self) -> np.ndarray:
        return self.status != "insufficient"


def judge(facts: Facts, null_share: np.ndarray, note: str = "") -> Status:
    """`null_share`: share of the model's features that a row lacks. `note` is said of every row that gets a score."""
    insufficient = _insufficient(facts)
    degraded = _degraded(facts, null_share)
    status, reasons = np.full(facts.rows, "ok", dtype=object), np.full(facts.rows, note or None, dtype=object)
    for mask, reason in degraded:
        status[mask] = "degraded"
        reasons[mask] = [f"{said}; {reason}" if said else reason for said in reasons[mask]]
    doubt = np.broadcast_to(np.asarray(facts.doubt, dtype=object), facts.rows)
    for mask, reason in reversed(insufficient):
        status[mask] = "insufficient"
        reasons[mask] = [f"{reason}: {said}" if said else reason for said in doubt[mask]]
    return Status(status, reasons)


def _insufficient(facts: Facts) -> list[tuple[np.ndarray, str]]:
    """Most telling first."""
    value, (one, measured) = np.asarray(facts.value, dtype=np.float64), facts.words
    age = np.asarray(facts.input_age_hours, dtype=np.float64)
    return [
        (np.asarray(facts.is_tombstone, dtype=bool), f"the {one} is missing from its source"),
        (~np.isfinite(value), f"{measured} is not known"),
        (value <= 0.0, f"{measured} is zero"),
        (~(age <= STALE_HOURS), f"the last observation is older than {STALE_HOURS:g} hours"),
        (~(facts.age_hours >= facts.min_history_hours), f"the {one} has less than {facts.min_history_hours:g} hours of history"),
    ]


def _degraded(facts: Facts, null_share: np.ndarray) -> list[tuple[np.ndarray, str]]:
    everyone = np.ones(facts.rows, dtype=bool)
    share = np.broadcast_to(np.asarray(facts.quarantine_share, dtype=np.float64), facts.rows)
    doubt = np.broadcast_to(np.asarray(facts.doubt, dtype=object), facts.rows)
    found = [(doubt == said, str(said)) for said in dict.fromkeys(doubt.tolist()) if said]
    found += [
        (facts.input_age_hours > facts.aged_hours, f"the last observation is older than {facts.aged_hours:g} hours"),
        (share > MAX_QUARANTINE_SHARE, f"over {MAX_QUARANTINE_SHARE:.0%} of the source's rows were refused"),
        (null_share >= MAX_NULL_SHARE, "half of what the model looks at is not known"),
    ]
    return found + [(everyone, problem) for problem in facts.source_problems]
