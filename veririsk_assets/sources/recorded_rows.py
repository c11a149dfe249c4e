"""Rows of a recorded file that can be believed, and in words what was left out of it: one way for every file and every command."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from veririsk_assets.contracts.tables import Column
from veririsk_assets.sources.recorded_columns import Read, WrongKind, numbers, texts
from veririsk_assets.sources.recorded_parquet import read_parts
from veririsk_assets.sources.recorded_stamps import FIRST_YEAR, LAST_YEAR, stamps

# Two files that rounded one value differently do not contradict each other.
ROUNDING = 1e-6
REPEATED = "said twice"


@dataclass(frozen=True)
class Shape:
    """What a recorded file must have: its time, its texts, and its numbers with the rule of each.

    A row without its time or one of the `key` texts is none. There is one row for a key and time.
    """

    time: str
    key: tuple[str, ...]
    numbers: Mapping[str, Column]
    texts: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return self.time, *self.key, *self.texts, *self.numbers


@dataclass
class LeftOut:
    """`rows` left out and `values` taken as unknown of a file's `total` rows, by reason."""

    total: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)

    def sentence(self, file: Path) -> str:
        """Empty where everything was used."""
        said = []
        if self.rows:
            said.append(f"of {self.total:,} rows left out: {_listed(self.rows)}")
        if self.values:
            said.append(f"values taken as unknown: {_listed(self.values)}")
        return f"{file.name}: {'; '.join(said)}" if said else ""

    def drop(self, frame: pd.DataFrame, is_bad: np.ndarray, reason: str) -> pd.DataFrame:
        """The frame without these rows."""
        return frame[~is_bad] if _counted(self.rows, is_bad, reason) else frame

    def forget(self, frame: pd.DataFrame, name: str, is_bad: np.ndarray, reason: str) -> None:
        """The column without these values."""
        if _counted(self.values, is_bad, f"{name} {reason}"):
            frame[name] = frame[name].mask(is_bad)


def read_rows(file: Path, shape: Shape) -> tuple[pd.DataFrame, LeftOut]:
    """Rows in the file's order with their time as `at` (datetime64[us], UTC), texts as objects, numbers as float64.

    Raises ValueError on a file that cannot be used, one of which most rows cannot included.
    """
    found = _read(file, shape)
    left_out = LeftOut(len(found["at"].values))
    frame = pd.DataFrame({name: read.values for name, read in found.items()}, copy=False)
    frame = _known(frame, found, shape, left_out)
    for name, rule in shape.numbers.items():
        _keep_in_range(frame, name, rule, left_out)
    frame = _once(frame, ["at", *shape.key], list(shape.numbers), left_out)
    require_most(file, frame, left_out)
    return frame.reset_index(drop=True), left_out


def require_most(file: Path, frame: pd.DataFrame, left_out: LeftOut) -> None:
    """Raises ValueError where more rows were left out than are kept."""
    if left_out.total > 2 * (len(frame) + left_out.rows.get(REPEATED, 0)):
        raise ValueError(f"{file} cannot be used: {left_out.sentence(file).partition(': ')[2]}")


def _read(file: Path, shape: Shape) -> dict[str, Read]:
    reads: dict[str, list[Read]] = {}
    for part, columns in read_parts(file, shape.names):
        for name in shape.names:
            read = numbers if name in shape.numbers else stamps if name == shape.time else texts
            try:
                reads.setdefault("at" if name == shape.time else name, []).append(read(columns[name]))
            except WrongKind as error:
                raise ValueError(f"{part} holds columns of a wrong type: {name}: {error}") from None
    found = {name: _joined(parts) for name, parts in reads.items()}
    for name, one in found.items():
        if one.wrong.any() and not one.is_number and pd.isna(one.values).all():
            what = f"no time between {FIRST_YEAR} and {LAST_YEAR}" if name == "at" else "no number"
            raise ValueError(f"{file} holds columns of a wrong type: {shape.time if name == 'at' else name}: {one.sample} is {what}")
    return found


def _joined(parts: list[Read]) -> Read:
    sample = next((part.sample for part in parts if part.sample), "")
    values, wrong = (np.concatenate([getattr(part, name) for part in parts]) for name in ("values", "wrong"))
    return Read(values, wrong, sample, all(part.is_number for part in parts))


def _known(frame: pd.DataFrame, found: Mapping[str, Read], shape: Shape, left_out: LeftOut) -> pd.DataFrame:
    """Rows that say when and of what they are; their numbers that were none are counted."""
    at = found["at"]
    reasons = {f"with a time that is none between {FIRST_YEAR} and {LAST_YEAR}, as {at.sample}": at.wrong}
    reasons[f"without {shape.time}"] = frame["at"].isna().to_numpy() & ~at.wrong
    reasons |= {f"without {name}": frame[name].isna().to_numpy() for name in shape.key}
    is_bad = np.zeros(len(frame), dtype=bool)
    for reason, is_new in reasons.items():
        _counted(left_out.rows, is_new & ~is_bad, reason)
        is_bad |= is_new
    for name in shape.numbers:
        one = found[name]
        _counted(left_out.values, one.wrong & ~is_bad, f"{name} that is no number, as {one.sample}")
    return frame[~is_bad].copy() if is_bad.any() else frame


def _keep_in_range(frame: pd.DataFrame, name: str, rule: Column, left_out: LeftOut) -> None:
    values = frame[name].to_numpy()
    if rule.gt is not None:
        left_out.forget(frame, name, values <= rule.gt, f"not above {rule.gt:g}")
    if rule.ge is not None:
        left_out.forget(frame, name, values < rule.ge, f"below {rule.ge:g}")
    if rule.le is not None:
        left_out.forget(frame, name, values > rule.le, f"above {rule.le:g}")


def _once(frame: pd.DataFrame, key: list[str], values: list[str], left_out: LeftOut) -> pd.DataFrame:
    """One row for a key: rows that say the same are one, rows that contradict each other are none."""
    doubled = frame.duplicated(key, keep=False).to_numpy()
    if not doubled.any():
        return frame
    groups = frame[doubled].groupby(key, sort=False)
    low, high = groups[values].transform("min"), groups[values].transform("max")
    contradicts = doubled.copy()
    contradicts[doubled] = ((high - low) > ROUNDING * high.abs()).any(axis=1).to_numpy()
    # What one of two rows left open, the other may have said.
    frame.loc[doubled, values] = groups[values].transform("last")
    frame = left_out.drop(frame, contradicts, "that contradict another row of the same time")
    return left_out.drop(frame, frame.duplicated(key, keep="last").to_numpy(), REPEATED)


def _counted(counts: dict[str, int], is_bad: np.ndarray, reason: str) -> bool:
    if is_bad.any():
        counts[reason] = counts.get(reason, 0) + int(is_bad.sum())
    return bool(is_bad.any())


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
