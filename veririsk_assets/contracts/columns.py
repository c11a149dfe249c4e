"""Columns that many tables share."""

from typing import Any

from veririsk_assets.contracts.tables import Column, instant, text, whole
from veririsk_assets.contracts.vocabulary import STATUSES

SYSTEM = text("system", "Risk system that the row belongs to: pools, …", required=True)
AS_OF = instant("as_of", "End of the hour; the decision is taken 30 minutes later", required=True)


def grid(singular: str, step_hours: int = 1) -> tuple[Column, ...]:
    """When, and of which entity."""
    as_of = AS_OF if step_hours == 1 else instant("as_of", "End of the day, 00:00; the decision is taken at 01:05", required=True)
    return (as_of, whole(f"{singular}_key", f"Integer for the {singular}'s id: 48 bits of its BLAKE2b hash", required=True, ge=0))


GRID = grid("pool")
HOUR_AND_POOL = ("as_of", "pool_key")
HORIZON = whole("horizon_hours", "How far ahead the forecast looks", "hours", required=True, ge=1)
USD: dict[str, Any] = {"unit": "USD", "ge": 0.0, "le": 1e13}

PROVENANCE: tuple[Column, ...] = (
    text("model_name", "Model, or early_warning_score for the rule", required=True),
    text("model_version", "Registered version, or the methodology version of the rule", required=True),
    text("status", "How far the score can be trusted", required=True, isin=STATUSES),
    text("status_reason", "Why it is not ok"),
    instant("scored_at", "When it was computed", required=True),
    whole("lake_snapshot_id", "Lake snapshot that the inputs were read from", required=True),
)
