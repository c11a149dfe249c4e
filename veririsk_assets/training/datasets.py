"""Rows to learn from: matured, thinned to every 4th hour, split by time with a purge of the horizon.

Frames or panels in, a `Dataset` out. The caller reads the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.windows import SAMPLED_HOURS, naive

MAX_ROWS = 250_000
VALIDATION_SHARE = 0.22
MAX_NULL_SHARE = 0.5
HOUR_US = 3_600_000_000
Instant = datetime | np.datetime64
# Rows by their places.
Part = slice | np.ndarray


class CannotTrain(Exception):
    """The data cannot carry a model; the text says why."""


@dataclass(frozen=True)
class Dataset:
    """Rows in time order. No label window of `train` reaches into `validation`; rows that are not split yet are all to learn from.

    `x` is float32, rows × features, NaN where unknown; `y` holds 0 and 1 of `label`, `others` those of the other labels that
    the source of the rows knows, NaN where unknown.
    """

    features: tuple[str, ...]
    x: np.ndarray
    y: np.ndarray
    as_of: np.ndarray
    key: np.ndarray
    horizon_hours: int
    label: str
    train: Part = field(default_factory=lambda: slice(None))
    validation: Part = field(default_factory=lambda: slice(0, 0))
    others: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def labels(self) -> dict[str, np.ndarray]:
        """The label and the others."""
        return {self.label: self.y, **self.others}

    def columns(self, names: Sequence[str], part: Part) -> np.ndarray:
        """Rows of one part, features in the order asked for."""
        return self.x[part][:, [self.features.index(name) for name in names]]

    def targets(self, labels: Sequence[str], part: Part) -> np.ndarray:
        """Rows × labels; a label that nobody knows is NaN throughout."""
        unknown = np.full(len(self.y), np.nan)
        return np.column_stack([self.y if name == self.label else self.others.get(name, unknown) for name in labels])[part]

    def usable(self, labels: Sequence[str]) -> tuple[str, ...]:
        """Features that enough training rows know, among those that know one of the labels."""
        keep = well_known(self.x[self.train], self.targets(labels, self.train))
        return tuple(name for name, kept in zip(self.features, keep, strict=True) if kept)


def from_frames(
    features: pd.DataFrame,
    labels: pd.DataFrame,
    key: str,
    horizon_hours: int,
    label: str = "crash",
    trained_as_of: Instant | None = None,
    names: Sequence[str] | None = None,
    step_hours: int = SAMPLED_HOURS,
    others: Sequence[str] = (),
) -> Dataset:
    """Long rows of features and labels, joined on time and `key`, every `step_hours`-th hour of an entity.

    `names`: the features, by default all; `others`: labels to learn beside the one asked for, where they are known. Labels that
    matured after `trained_as_of` are left out; so are null ones.
    """
    names = [name for name in features if name not in ("as_of", key)] if names is None else names
    labels = labels[labels["horizon_hours"] == horizon_hours] if "horizon_hours" in labels else labels
    as_of = labels["as_of"].to_numpy(dtype="datetime64[us]")
    known = _sampled(as_of, labels[key].to_numpy(dtype=np.int64), step_hours) & _matured(as_of, horizon_hours, trained_as_of)
    known &= labels[label].notna().to_numpy()
    others = [name for name in others if name in labels and name != label]
    rows = labels.loc[known, ["as_of", key, label, *others]].rename(columns={name: f"label {name}" for name in (label, *others)})
    rows = rows.merge(features[["as_of", key, *names]], on=["as_of", key], how="inner")
    x = rows[list(names)].to_numpy(dtype=np.float32, na_value=np.nan)
    as_of, keys = rows["as_of"].to_numpy(dtype="datetime64[us]"), rows[key].to_numpy(dtype=np.int64)
    taught = {name: rows[f"label {name}"].to_numpy(dtype=np.float64, na_value=np.nan) for name in (label, *others)}
    return _dataset(x, taught, as_of, keys, tuple(names), horizon_hours, label)


def from_panels(
    features: Panel,
    labels: Panel,
    horizon_hours: int,
    label: str = "crash",
    trained_as_of: Instant | None = None,
    names: Sequence[str] | None = None,
    others: Sequence[str] = (),
) -> Dataset:
    """Panels of one shape; a row exists where the label is known and any feature is. `names` and `others` as in `from_frames`."""
    names = list(features.values) if names is None else names
    if features.shape != labels.shape or not np.array_equal(features.keys, labels.keys):
        raise ValueError(f"features and labels lie on different grids: {features.shape}, {labels.shape}")
    known = np.isfinite(labels[label])
    row, column = np.nonzero(known)
    as_of, key = features.as_ofs[row], features.keys[column]
    chosen = _sampled(as_of, key) & _matured(as_of, horizon_hours, trained_as_of)
    row, column = row[chosen], column[chosen]
    x = np.column_stack([features[name][row, column] for name in names]).astype(np.float32, copy=False)
    seen = np.isfinite(x).any(axis=1)
    row, column = row[seen], column[seen]
    taught = {name: labels[name][row, column].astype(np.float64) for name in dict.fromkeys((label, *others)) if name in labels.values}
    return _dataset(x[seen], taught, features.as_ofs[row], features.keys[column], tuple(names), horizon_hours, label)


def _sampled(as_of: np.ndarray, key: np.ndarray, step_hours: int = SAMPLED_HOURS) -> np.ndarray:
    """Every 4th hour of an entity, entities spread over the four: neighbouring hours say nearly the same."""
    return (_hour_number(as_of) + key) % step_hours == 0


def instant(moment: Instant) -> np.datetime64:
    """An instant as frames and lake tables hold it: microseconds of UTC without a zone."""
    return np.datetime64(naive(moment), "us") if isinstance(moment, datetime) else moment.astype("datetime64[us]")


def _matured(as_of: np.ndarray, horizon_hours: int, trained_as_of: Instant | None) -> np.ndarray:
    if trained_as_of is None:
        return np.ones(len(as_of), dtype=bool)
    return np.less_equal(as_of + np.timedelta64(horizon_hours * HOUR_US, "us"), instant(trained_as_of))


def _hour_number(as_of: np.ndarray) -> np.ndarray:
    return as_of.astype("datetime64[us]").astype(np.int64) // HOUR_US


def _dataset(
    x: np.ndarray,
    taught: dict[str, np.ndarray],
    as_of: np.ndarray,
    key: np.ndarray,
    names: tuple[str, ...],
    horizon_hours: int,
    label: str,
) -> Dataset:
    if not len(x):
        raise CannotTrain(f"no matured row with a {label} label for {horizon_hours} h")
    rows = _capped(np.lexsort((key, as_of)), _hour_number(as_of), key)
    x, as_of, key = x[rows], as_of[rows], key[rows]
    taught = {name: values[rows] for name, values in taught.items()}
    train, validation = _split(as_of, horizon_hours)
    known = well_known(x[train], np.column_stack([values[train] for values in taught.values()]))
    kept = tuple(name for name, keep in zip(names, known, strict=True) if keep)
    if not kept:
        raise CannotTrain("every feature is null in more than half of the training rows")
    x = np.ascontiguousarray(x[:, known])
    y = taught.pop(label)
    return Dataset(kept, x, y, as_of, key, horizon_hours, label, train, validation, taught)


def well_known(x: np.ndarray, taught: np.ndarray) -> np.ndarray:
    """Columns of `x` that at least half of the rows know among those that know a label, for any column of `taught` (rows × labels)."""
    keep = np.zeros(x.shape[1], dtype=bool)
    for known in np.isfinite(taught).T:
        if known.any():
            keep |= np.isfinite(x[known]).mean(axis=0) >= 1.0 - MAX_NULL_SHARE
    return keep


def _capped(rows: np.ndarray, hour: np.ndarray, key: np.ndarray) -> np.ndarray:
    """At most MAX_ROWS of the rows, chosen by a hash of hour and key: the same ones every time, spread over both."""
    if len(rows) <= MAX_ROWS:
        return rows
    with np.errstate(over="ignore"):
        mixed = hour.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + key.astype(np.uint64)
        mixed = (mixed ^ (mixed >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    chosen = np.argpartition(mixed ^ (mixed >> np.uint64(29)), MAX_ROWS - 1)[:MAX_ROWS]
    keep = np.zeros(len(rows), dtype=bool)
    keep[chosen] = True
    return rows[keep[rows]]


def _split(as_of: np.ndarray, horizon_hours: int) -> tuple[slice, slice]:
    """Train | purge of the horizon | validation. The last label hour of train is at most the first as_of of validation."""
    start = int(len(as_of) * (1.0 - VALIDATION_SHARE))
    boundary = as_of[start]
    first = int(np.searchsorted(as_of, boundary, side="left"))
    end = int(np.searchsorted(as_of, boundary - np.timedelta64(horizon_hours * HOUR_US, "us"), side="right"))
    if end == 0:
        raise CannotTrain(f"the history ends before a purge of {horizon_hours} h: nothing is left to train on")
    return slice(0, end), slice(first, len(as_of))
