"""Pool labels: what happened in the hours after as_of. Only hours whose whole horizon is in the panel get one.

A TVL that its source took back did not happen. While it may still be taken back there is no label: it comes up to six hours later.
"""

import numpy as np

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.vocabulary import AT_RISK_DROP_RATIO, CRASH_DROP_RATIO
from veririsk_assets.contracts.windows import HOUR, Window
from veririsk_assets.panels.retractions import COLUMN, without_retracted
from veririsk_assets.panels.rolling import future_minimum

DAY = 24
# A horizon with fewer known hours than this proves nothing unless the fall itself was seen.
KNOWN_RATIO = 0.5
# So long after the horizon a jump within it is judged at last.
BEYOND_HOURS = 6
INPUTS = ("tvl_usd", "lp_supply", "is_tombstone", "is_suspect", COLUMN, "protocol_held_usd")


def build_labels(panel: Panel, horizon_hours: int, hours: int, beyond: int = 0) -> Panel:
    """crash, crash_endpoint, outflow, price_fall (0, 1 or NaN), min_change_ratio, is_at_risk and waited_hours for `hours` hours.

    `panel`: INPUTS (those after is_tombstone may be missing) over 24 hours before, the hours themselves, the horizon after them
    and `beyond` hours more. A fall that is seen is one whatever is missing; calm needs half of the horizon's hours known. A pool
    that vanishes from its source within the horizon (a tombstone) has crashed if it was falling before, or if its protocol
    lost half of the pool's TVL with it; else it was taken out, and nothing is known of it. `waited_hours` is how long after
    the horizon a label could be told.
    """
    rows, first = panel.window.hours, panel.window.hours - hours - horizon_hours - beyond
    span = slice(first, first + hours)
    said = np.where(panel["tvl_usd"] > 0, panel["tvl_usd"], np.nan).astype(np.float32)
    # Zero is a value after as_of: everything is gone. It is no base before it.
    seen = np.where(panel["tvl_usd"] >= 0, panel["tvl_usd"], np.nan).astype(np.float32)
    taken_back = panel.values.get(COLUMN)
    taken_back = taken_back if taken_back is not None and (taken_back > 0).any() else None
    tvl, after = (without_retracted(x, taken_back) for x in (said, seen))
    supply = np.where(panel["lp_supply"] > 0, panel["lp_supply"], np.nan).astype(np.float32)
    supply_after = np.where(panel["lp_supply"] >= 0, panel["lp_supply"], np.nan).astype(np.float32)
    gone = panel["is_tombstone"] > 0
    vanished = _ahead(_is_event(after, gone, panel.values.get("protocol_held_usd")), horizon_hours) & ~gone
    open_, settled = _settling(panel)
    labels = _labels(tvl, after, supply, supply_after, horizon_hours)
    sure = vanished & ~np.isnan(tvl)
    labels["crash"] = np.where(sure, 1.0, labels["crash"])
    if open_.any():
        sure |= _fell(tvl, np.where(open_, np.nan, after), horizon_hours) == 1
        labels = _settled(labels, open_ | _ahead(open_, horizon_hours), sure & ~open_)
    values = {name: np.asarray(value[span], dtype=np.float32) for name, value in labels.items()}
    values["is_at_risk"] = np.asarray(_at_risk(said, taken_back, first, hours), dtype=np.float32)
    values["waited_hours"] = _waited(settled, horizon_hours, rows)[span].astype(np.float32)
    start = panel.window.start + first * HOUR
    return Panel(Window(start, start + hours * HOUR), panel.keys, values)


def _labels(tvl: np.ndarray, after: np.ndarray, supply: np.ndarray, supply_after: np.ndarray, horizon: int) -> dict[str, np.ndarray]:
    lowest, _ = future_minimum(after, horizon)
    with np.errstate(divide="ignore", invalid="ignore"):
        endpoint = _shifted(after, horizon) / tvl - 1
        return {
            "crash": _fell(tvl, after, horizon),
            "crash_endpoint": np.where(np.isnan(endpoint), np.nan, endpoint <= -CRASH_DROP_RATIO),
            "outflow": _fell(supply, supply_after, horizon),
            "price_fall": _fell(tvl / supply, after / supply, horizon),
            "min_change_ratio": lowest / tvl - 1,
        }


def _settled(labels: dict[str, np.ndarray], pending: np.ndarray, sure: np.ndarray) -> dict[str, np.ndarray]:
    """Without what is told by a TVL that may still be taken back; a crash that is sure without it stays."""
    keep = {"crash": ~pending | sure, "outflow": np.ones_like(pending)}
    return {name: np.where(keep.get(name, ~pending), values, np.nan) for name, values in labels.items()}


def _fell(base: np.ndarray, after: np.ndarray, horizon: int) -> np.ndarray:
    """1 where any known hour of the horizon lies 20 % below the base, 0 where half of them are known and none does."""
    low, known = future_minimum(after, horizon)
    fell = low <= (1.0 - CRASH_DROP_RATIO) * base
    calm = known >= KNOWN_RATIO * horizon
    return np.where(np.isnan(base) | ~(fell | calm), np.nan, fell).astype(np.float32)


def _at_risk(tvl: np.ndarray, taken_back: np.ndarray | None, first: int, hours: int) -> np.ndarray:
    """Not already 10 % below the high of the last 24 hours; a young pool's high is that of the hours it has.

    A high that had been taken back by an hour is none of its.
    """
    window = np.full((hours, tvl.shape[1]), -np.inf, dtype=np.float32)
    for lag in range(DAY + 1):
        rows = tvl[max(first - lag, 0) : max(first - lag + hours, 0)]
        if lag and taken_back is not None:
            rows = np.where(_retracted_since(taken_back, first, hours, lag)[hours - len(rows) :], np.nan, rows)
        window[hours - len(rows) :] = np.fmax(window[hours - len(rows) :], rows)
    return tvl[first : first + hours] > (1.0 - AT_RISK_DROP_RATIO) * window


def _retracted_since(taken_back: np.ndarray, first: int, hours: int, lag: int) -> np.ndarray:
    """Whether the value `lag` hours before each of the hours had been taken back by then."""
    gone = np.zeros((hours, taken_back.shape[1]), dtype=bool)
    for since in range(lag):
        at = first - since
        rows = taken_back[max(at, 0) : at + hours]
        gone[hours - len(rows) :] |= rows >= lag - since
    return gone


def _is_event(after: np.ndarray, gone: np.ndarray, held: np.ndarray | None) -> np.ndarray:
    """Tombstones of pools that went down: they stood 10 % below their 24-hour high when last seen, or their protocol lost the money."""
    if not gone.any():
        return gone
    last, high = np.full(after.shape, np.nan, dtype=np.float32), np.full(after.shape, np.nan, dtype=np.float32)
    held_then = np.full(after.shape, np.nan)
    for row in range(len(after)):
        known = ~np.isnan(after[row])
        recent = after[max(row - DAY, 0) : row + 1]
        last[row] = np.where(known, after[row], last[row - 1] if row else np.nan)
        high[row] = np.where(known, np.fmax.reduce(recent, axis=0), high[row - 1] if row else np.nan)
        if held is not None:
            held_then[row] = np.where(known, held[row], held_then[row - 1] if row else np.nan)
    with np.errstate(invalid="ignore"):
        event = last <= (1.0 - AT_RISK_DROP_RATIO) * high
        if held is not None:
            event |= held_then - held >= KNOWN_RATIO * last
    return gone & event


def _settling(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Suspect hours that nothing has settled by the panel's end; and for all others the row at which they were (-1: never suspect)."""
    settled = np.full(panel.shape, -1, dtype=np.int64)
    suspect = panel.values.get("is_suspect")
    if suspect is None or not (suspect > 0).any():
        return np.zeros(panel.shape, dtype=bool), settled
    is_suspect, known = suspect > 0, ~np.isnan(panel["tvl_usd"])
    until = np.full(panel.shape[1], len(settled), dtype=np.int64)
    for row in range(len(settled) - 1, -1, -1):
        settled[row] = np.where(is_suspect[row], until, -1)
        until = np.where(known[row] & ~is_suspect[row], row, until)
    return settled == len(settled), np.where(settled == len(settled), -1, settled)


def _waited(settled: np.ndarray, horizon: int, rows: int) -> np.ndarray:
    """Hours after the horizon's end until the last jump of an hour and its horizon was settled."""
    latest = settled.copy()
    for hours in range(1, horizon + 1):
        latest[:-hours] = np.maximum(latest[:-hours], settled[hours:])
    return np.maximum(latest - (np.arange(rows)[:, None] + horizon), 0)


def _ahead(x: np.ndarray, horizon: int) -> np.ndarray:
    """Whether it is so at any of the hours of the horizon."""
    soon = np.zeros(x.shape, dtype=bool)
    for hours in range(1, horizon + 1):
        soon[:-hours] |= x[hours:]
    return soon


def _shifted(x: np.ndarray, hours: int) -> np.ndarray:
    out = np.full(x.shape, np.nan, dtype=np.float32)
    out[:-hours] = x[hours:]
    return out
