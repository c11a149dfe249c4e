"""Numbers → sentences a person understands, many at a time.

"TVL fell 12.4 % over 24 hours; usual here: −2 to +1 %, anywhere: −3.1 to +4.2 %. Most falls go on from one that has begun."
"""

from collections.abc import Callable, Iterator, Mapping
from math import exp, isfinite

import numpy as np

from veririsk_assets.scoring.phrases.phrase import Phrase, Unit, phrase_of

THOUSANDS, ENORMOUS, NOTHING = 999.5, 1e9, 0.001
DAYS_FROM_HOURS = 72
SMALLEST_RATIO = 1e-5


def sentences(
    names: tuple[str, ...],
    place: np.ndarray,
    value: np.ndarray,
    usual: tuple[np.ndarray, np.ndarray],
    own: tuple[np.ndarray, np.ndarray],
    phrases: Mapping[str, Phrase],
) -> np.ndarray:
    """What is said of each reason, as `phrases` call the features. `place` points into `names` and into both arrays of `usual`.

    `own`: lower and upper end of what is usual for the entity itself, one per reason; NaN where that is not known.
    """
    result = np.empty(len(place), dtype=object)
    order = np.argsort(place, kind="stable")
    edges = np.searchsorted(place[order], np.arange(len(names) + 1))
    for i, name in enumerate(names):
        rows = order[edges[i] : edges[i + 1]]
        if len(rows):
            result[rows] = list(_spoken(phrase_of(phrases, name), value[rows], (usual[0][i], usual[1][i]), (own[0][rows], own[1][rows])))
    return result


def _spoken(words: Phrase, values: np.ndarray, usual: tuple[float, float], own: tuple[np.ndarray, np.ndarray]) -> Iterator[str]:
    """Sentences of one feature."""
    write = WRITERS[words.unit]
    everywhere = usual_range(words, *usual) if np.isfinite(usual).all() else ""
    flat, why = words.flat.format(write(0.0)), f" {words.why}." if words.why else ""
    for value, low, high in zip(values.tolist(), own[0].tolist(), own[1].tolist(), strict=True):
        if not isfinite(value):
            yield words.unknown + "." + why
            continue
        if value > SMALLEST_RATIO or words.ends == "raw":
            said = words.up.replace("{}", write(value), 1)
        elif value < -SMALLEST_RATIO:
            said = words.down.replace("{}", write(-value), 1)
        else:
            said = flat
        yield said + _ending(usual_range(words, low, high) if isfinite(low) else "", everywhere) + "." + why


def _ending(here: str, everywhere: str) -> str:
    """What is usual for this one and for all; what is the same is said once."""
    parts = [f"here: {here}"] if here else []
    parts += [f"anywhere: {everywhere}"] if everywhere else []
    return "; usual " + ", ".join(parts) if parts else ""


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
