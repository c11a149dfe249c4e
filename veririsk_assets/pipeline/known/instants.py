"""Which hour a moment counts for."""

from veririsk_assets.contracts.windows import DAY_DECISION_DELAY, DECISION_DELAY


def serving_hour(stamp: str) -> str:
    """SQL of the hour whose cut-off is the first at or after an instant."""
    return f"date_trunc('hour', {stamp} - INTERVAL {int(DECISION_DELAY.total_seconds())} SECOND - INTERVAL 1 MICROSECOND) + INTERVAL 1 HOUR"


def serving_day(stamp: str) -> str:
    """SQL of the day whose cut-off is the first at or after an instant."""
    return (
        f"date_trunc('day', {stamp} - INTERVAL {int(DAY_DECISION_DELAY.total_seconds())} SECOND - INTERVAL 1 MICROSECOND) + INTERVAL 1 DAY"
    )
