"""Numbers → sentences a person understands, many at a time: "TVL fell 12.4 % over 24 hours; usually −3.1 to +4.2 %." """

from collections.abc import Callable, Mapping
from math import exp, isfinite

import numpy as np

from veririsk_assets.scoring.phrases.phrase import Phrase, Unit, phrase_of

THOUSANDS, ENORMOUS, NOTHING = 999.5, 1e9, 0.001
DAYS_FROM_HOURS = 72
SMALLEST_RATIO = 1e-5


def sentences(
    names: tuple[str, ...], place: np.ndarray, value: np.ndarray, usual: tuple[np.ndarray, np.ndarray], phrases: Mapping[str, Phrase]
) -> np.ndarray:
    """One sentence per reason, as `phrases` call the features. `place` points into `names` and into both arrays of `usual`."""
    result = np.empty(len(place), dtype=object)
    order = np.argsort(place, kind="stable")
    edges = np.searchsorted(place[order], np.arange(len(names) + 1))
    for i, name in enumerate(names):
        rows = order[edges[i] : edges[i + 1]]
        if len(rows):
            result[rows] = _spoken(phrase_of(phrases, name), value[rows].tolist(), float(usual[0][i]), float(usual[1][i]))
    return result


def _spoken(words: Phrase, values: list[float], low: float, high: float) -> list[str]:
    """Sentences of one feature."""
    write = WRITERS[words.unit]
    ending = f"; usually {usual_range(words, low, high)}." if isfinite(low) and isfinite(high) else "."
    up, down = words.up + ending, words.down + ending
    flat, unknown = words.flat.format(write(0.0)) + ending, words.unknown + "."
    said = []
    for value in values:
        if not isfinite(value):
            said.append(unknown)
        elif value > SMALLEST_RATIO or words.ends == "raw":
            said.append(up.replace("{}", write(value), 1))
        elif value < -SMALLEST_RATIO:
            said.append(down.replace("{}", write(-value), 1))
        else:
            said.append(flat)
    return said


def usual_range(words: Phrase, low: float, high: float) -> str:
    """Both ends, the unit written once where it is the same."""
    write = WRITERS[words.unit]
    if words.ends == "raw":
        first, last = write(low), write(high)
    elif words.ends == "bare":
        first, last = (write(abs(end)) for end in sorted((low, high), key=abs))
    else:
        first, last = (_signed(write, end, words.ends == "signed") for end in (low, high))
    if first == last:
        return last
    number, _, unit = first.partition(" ")
    return f"{number if unit and last.endswith(' ' + unit) else first} to {last}"


def _signed(write: Callable[[float], str], value: float, has_plus: bool) -> str:
    return f"{'−' if value < 0 else '+' if value > 0 and has_plus else ''}{write(abs(value))}"


def _short(value: float) -> str:
    """Three digits; thousands are written out; what is too small to matter is 0."""
    if value >= THOUSANDS:
        return f"{value:,.0f}" if value < ENORMOUS else f"{value:.2e}"
    return f"{value:.3g}" if value >= NOTHING else "0"


def _hours(value: float) -> str:
    if value >= DAYS_FROM_HOURS:
        return f"{value / 24:.0f} days"
    return "1 hour" if round(value, 1) == 1 else f"{value:.1f} hours" if value % 1 else f"{value:.0f} hours"


def _usd(log_usd: float) -> str:
    dollars = exp(min(log_usd, 50.0))
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if dollars >= size:
            return f"${_short(dollars / size)}{letter}"
    return f"${_short(dollars)}"


WRITERS: dict[Unit, Callable[[float], str]] = {
    "percent": lambda value: f"{_short(value * 100)} %",
    "points": lambda value: f"{_short(value * 100)} points",
    "number": _short,
    "times": lambda value: f"{_short(value)} ×",
    "hours": _hours,
    "usd": _usd,
}
