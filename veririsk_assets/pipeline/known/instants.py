"""Which hour a moment counts for."""

from veririsk_assets.contracts.windows import DECISION_DELAY


def serving_hour(stamp: str) -> str:
    """SQL of the hour whose cut-off is the first at or after an instant."""
    return f"date_trunc('hour', {stamp} - INTERVAL {int(DECISION_DELAY.total_seconds())} SECOND - INTERVAL 1 MICROSECOND) + INTERVAL 1 HOUR"
