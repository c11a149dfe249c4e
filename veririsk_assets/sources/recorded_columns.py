"""A recorded column as texts or numbers, however its writer held it: plain, categories, decimals, bytes, text.

What cannot be read is missing and marked; a column that holds something else altogether raises WrongKind.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from veririsk_assets.sources.numbers import number

LARGEST = float(np.finfo(np.float32).max)
SHOWN_SIGNS = 40
ODD_SIGN = re.compile(r"[^\w .,:;/+%…-]", re.ASCII)


class WrongKind(ValueError):
    """A column that holds something else than it should."""


@dataclass(frozen=True)
class Read:
    """`values`: None, NaN or NaT where there is none; `wrong`: where something was said that is none; `sample`: the first such.

    `is_number`: no text has been read.
    """

    values: np.ndarray
    wrong: np.ndarray
    sample: str = ""
    is_number: bool = False

    @classmethod
    def of(cls, values: np.ndarray, wrong: np.ndarray, raw: np.ndarray, is_number: bool = False) -> "Read":
        return cls(values, wrong, shown(raw[np.argmax(wrong)]) if wrong.any() else "", is_number)


def texts(column: Any) -> Read:
    """Without blanks around them; nothing but blanks is nothing. Whole numbers are names too."""
    import pyarrow.types as kinds

    column = plain(column)
    if kinds.is_integer(column.type):
        column = column.cast("string")
    if not is_text(column.type):
        raise WrongKind(f"{column.type} is no text")
    return Read(said_in(column), np.zeros(len(column), dtype=bool))


def numbers(column: Any) -> Read:
    """Finite float64 that a float32 can hold."""
    column = plain(column)
    if is_text(column.type):
        raw = said_in(column)
        values = np.array([number(one) for one in raw], dtype=np.float64)
        wrong = np.isnan(values) & np.array([one is not None for one in raw], dtype=bool)
        return Read.of(values, wrong, raw)
    values = floats(column)
    wrong = np.abs(values) > LARGEST
    return Read.of(np.where(wrong, np.nan, values), wrong, values, is_number=True)


def plain(column: Any) -> Any:
    """Categories as what they stand for, nothing as text."""
    import pyarrow.types as kinds

    if kinds.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast("string") if kinds.is_null(column.type) else column


def is_text(kind: Any) -> bool:
    import pyarrow.types as kinds

    tests = (kinds.is_string, kinds.is_large_string, kinds.is_string_view, kinds.is_binary, kinds.is_large_binary)
    return any(test(kind) for test in tests)


def said_in(column: Any) -> np.ndarray:
    """A text column as stripped texts, None where it says nothing. One text for many rows is held once."""
    encoded = column.dictionary_encode().unify_dictionaries().combine_chunks()
    if hasattr(encoded, "chunks"):
        encoded = encoded.chunk(0)
    once = [None if one is None else _decoded(one).strip() or None for one in encoded.dictionary.to_pylist()]
    places = encoded.indices.fill_null(len(once)).to_numpy(zero_copy_only=False)
    return np.array([*once, None], dtype=object)[places]


def floats(column: Any, wanted: str = "number") -> np.ndarray:
    """A number column as float64, NaN for null. Raises WrongKind on any other."""
    import pyarrow.types as kinds

    if not (kinds.is_integer(column.type) or kinds.is_floating(column.type) or kinds.is_decimal(column.type)):
        raise WrongKind(f"{column.type} is no {wanted}")
    return np.asarray(column.cast("float64", safe=False).to_numpy(), dtype=np.float64)


def shown(value: Any) -> str:
    """A value in a sentence of a terminal or a page: not longer than it takes to recognise it, without signs that mean something there."""
    said = str(value.astype("datetime64[s]")).replace("T", " ") if isinstance(value, np.datetime64) else str(value)
    said = said if len(said) <= SHOWN_SIGNS else said[: SHOWN_SIGNS - 1] + "…"
    return f"'{ODD_SIGN.sub('?', said)}'" if isinstance(value, str) else said


def _decoded(one: Any) -> str:
    """Bytes that are no text are an address: two of them stay two."""
    try:
        return one.decode("utf-8") if isinstance(one, bytes) else str(one)
    except UnicodeDecodeError:
        return f"0x{one.hex()}"
