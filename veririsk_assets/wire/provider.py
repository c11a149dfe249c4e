"""Who is asked, and how politely."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Provider:
    """One API host.

    `monthly_credits`: successful calls allowed per calendar month (UTC); None: no budget.
    `is_metered`: False for a replayed market, whose calls cost nobody anything and are not remembered.
    """

    name: str
    base_url: str
    requests_per_minute: float
    burst: int
    monthly_credits: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    is_metered: bool = True
