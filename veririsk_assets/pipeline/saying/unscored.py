"""Why an hour has no scores, and from when there can be some: silence after a pull looks like a fault."""

from collections.abc import Iterator

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.systems import SYSTEMS
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import DECISION_DELAY, Window, first_as_of, naive
from veririsk_assets.pipeline.step import House


def of_hour(house: House, window: Window) -> Iterator[str]:
    """A line after a pull for the window's last hour, where it was too late for that hour or nothing was scored."""
    hourly = [system for system in SYSTEMS if system.step_hours == 1]
    is_scored = any(_has(house, system.scores, window) for system in hourly)
    usable = first_as_of(house.now())
    if usable > window.as_of:
        told = "its scores stand on what was pulled before" if is_scored else "nothing was scored"
        yield (
            f"Too late for {window.as_of:%H:%M} UTC, {told}: what is pulled after {window.cutoff:%H:%M} counts from the next hour on. "
            f"Run `veririsk fetch` between {usable:%H:%M} and {usable + DECISION_DELAY:%H:%M} UTC."
        )
    elif not is_scored and not any(_has(house, system.snapshots, window) for system in hourly):
        kinds = " or ".join(f"a {system.singular}" for system in hourly)
        yield (
            f"Nothing was scored for {window.as_of:%H:%M} UTC: no source gave {kinds} that is followed. What each of them said stands above; "
            f"a pool is followed from {house.settings.min_tvl_usd:,.0f} USD on (VERIRISK_MIN_TVL_USD)."
        )


def at_all(house: House) -> Iterator[str]:
    """A line where no hour was ever scored although a source has answered."""
    pulled = house.lake.span(raw.SOURCE_STATUS, "pulled_at", "outcome = 'pulled'")
    if pulled is None or any(house.lake.span(system.scores) for system in SYSTEMS if system.step_hours == 1):
        return
    asked = pulled[1]
    usable = first_as_of(asked)
    if usable > asked:
        yield f"nothing is scored yet: what was pulled at {asked:%Y-%m-%d %H:%M} UTC counts from {usable:%H:%M} on; run `veririsk fetch` after it"
    else:
        yield f"nothing is scored yet, although sources answered at {asked:%Y-%m-%d %H:%M} UTC: see what each of them gave, and the quarantine"


def _has(house: House, table: Table, window: Window) -> bool:
    return house.lake.span(table, where="as_of = ?", parameters=[naive(window.as_of)]) is not None
