"""What can go wrong with a source. Messages never hold a key: they are redacted when the error is made; nor what no table can hold."""

from veririsk_assets.contracts.texts import repaired
from veririsk_assets.wire.redaction import redact


class SourceError(Exception):
    """A source did not give what was asked. A step turns it into a row of `raw/source_status`."""

    def __init__(self, message: str) -> None:
        super().__init__(redact(repaired(message)))


class TransientSourceError(SourceError):
    """Asking again may help. `retry_after`: seconds that the source asked for."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PermanentSourceError(SourceError):
    """Asking again does not help."""


class NotFoundError(PermanentSourceError):
    """The source has nothing by that name. Blocks, plans and budgets are other errors: they say nothing of a name."""


class PlanOnlyError(PermanentSourceError):
    """HTTP 402: the endpoint belongs to a plan that we do not have."""


class NotRecordedError(PermanentSourceError):
    """The recorded market does not hold this source."""


class BudgetExceededError(PermanentSourceError):
    """The month's credits are used up, or kept for calls that matter more."""
