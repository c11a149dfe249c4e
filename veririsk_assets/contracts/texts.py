"""Texts that others wrote: what of them is stored, and how they are shown where a sign or a mark-up would be obeyed.

Stored as they are, but for what no table can hold; made harmless where they are shown, and only there.
"""

from typing import Any
from unicodedata import category, combining, east_asian_width

LONGEST_TEXT = 200
NAME_CELLS = 40
REPLACEMENT, CUT, UNKNOWN = "\ufffd", "…", "?"
# Controls, formats (zero-width, bidirectional), halves of a pair, line and paragraph separators.
OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Letters that show nothing: Hangul fillers, the empty Braille pattern.
BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")


def repaired(text: str) -> str:
    """Text that UTF-8 and every database can hold: halves of a pair are joined or replaced, and so is NUL."""
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", REPLACEMENT)


def stored(value: Any) -> str | None:
    """A name or another text as it is stored: repaired, cut where nobody would read on; None where it says nothing."""
    if type(value) is not str or not value.strip():
        return None
    whole = repaired(value)
    return whole if len(whole) <= LONGEST_TEXT else whole[: LONGEST_TEXT - 1] + CUT


def identifier(value: Any) -> str | None:
    """An id as it is, for a changed one would name something else; None for what can be none: blank, too long, broken, with controls."""
    if type(value) is not str or not value.strip() or len(value) > LONGEST_TEXT or REPLACEMENT in value:
        return None
    is_plain = value.isascii() and value.isprintable()
    return value if is_plain or not any(category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in value) else None


def harmless(text: str) -> str:
    """Text whose lines may be printed: what a terminal would obey, or would not show at all, is a visible sign."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(sign if sign == "\n" else " " if sign == "\t" else _visible(sign) for sign in repaired(text))


def shown(value: Any, cells: int = NAME_CELLS) -> str:
    """A name or a reason in one line of at most so many terminal cells; a question mark where there is none."""
    line = " ".join(harmless(" ".join(value.split())).split()) if isinstance(value, str) else ""
    return _cut(line, cells) if line else UNKNOWN


def is_shown_as(value: Any, typed: str) -> bool:
    """Whether a person who saw `value` shown, whole or cut, may have typed this."""
    whole, wanted = shown(value, LONGEST_TEXT).casefold(), shown(typed, LONGEST_TEXT).casefold()
    return whole == wanted or (wanted.endswith(CUT) and whole.startswith(wanted.removesuffix(CUT).rstrip()))


def chat(text: str) -> str:
    """One line for a chat's webhook: `<!channel>` and links are text there."""
    return shown(text, LONGEST_TEXT).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def spreadsheet(text: str) -> str:
    """A CSV cell that no spreadsheet computes."""
    return "'" + text if text.startswith(FORMULA_SIGNS) else text


def _visible(sign: str) -> str:
    return REPLACEMENT if category(sign) in OBEYED or sign in BLANK_LETTERS else sign


def _cut(line: str, cells: int) -> str:
    """Signs that combine take no cell, but so many of them are no name either."""
    widths = [_width(sign) for sign in line]
    if sum(widths) <= cells and len(line) <= 2 * cells:
        return line
    end, taken = 0, 0
    while end < min(len(line), 2 * cells - 1) and taken + widths[end] < cells:
        taken += widths[end]
        end += 1
    return line[:end].rstrip() + CUT


def _width(sign: str) -> int:
    if combining(sign) or category(sign) in ("Mn", "Me"):
        return 0
    return 2 if east_asian_width(sign) in "WF" else 1
