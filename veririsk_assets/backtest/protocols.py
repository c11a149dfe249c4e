"""The study of protocols: a row a day, on the hourly clock that all studies share, each day's TVL held until the next."""

from collections.abc import Sequence

import numpy as np

from veririsk_assets.backtest.fit import Candidate, catalogued
from veririsk_assets.backtest.report import Compared
from veririsk_assets.backtest.study import ONSET, Study
from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.vocabulary import AT_RISK_DROP_RATIO
from veririsk_assets.contracts.windows import DAY_HOURS, HOUR, Window
from veririsk_assets.evaluation.splits import CannotBeHonest
from veririsk_assets.features.protocols import build_features
from veririsk_assets.labels.protocols import build_labels
from veririsk_assets.models.catalogue.protocols import CATALOGUE, FLOOR
from veririsk_assets.panels.retractions import without_spikes
from veririsk_assets.panels.rolling import Over
from veririsk_assets.panels.twins import groups, suspected_twins
from veririsk_assets.training.datasets import Dataset

LABELS = ("crash", "halving", "crash_against_market")
WEEK = 7
COMPARED = Compared(CATALOGUE.baselines, ("gradient_boosting", FLOOR, "ewma_volatility_30"))


def candidates(study: Study, names: Sequence[str] = ()) -> list[Candidate]:
    """The models of the catalogue, by default all. Raises KeyError for a name that is not there."""
    return [catalogued(CATALOGUE, name, study) for name in names or CATALOGUE.entries]


def build_study(panel: Panel, names: Sequence[str], label: str, horizon_days: int, min_tvl_usd: float) -> Study:
    """Every day with a TVL above `min_tvl_usd` and a matured label. `panel`: INPUTS by the day.

    What a source took back within days is no TVL that a label may speak of; features see it as it was said. Raises CannotBeHonest
    for an unknown label, and where no row is left.
    """
    if label not in LABELS:
        raise CannotBeHonest(f"no label {label!r}; known: {', '.join(LABELS)}")
    days = panel.window.steps
    if days <= horizon_days:
        raise CannotBeHonest(f"{days} days of data: no label of {horizon_days} days has matured")
    features = build_features(panel, panel, days)
    settled = without_spikes(panel["tvl_usd"])
    labels = build_labels(Panel(panel.window, panel.keys, {"tvl_usd": settled}), horizon_days, days - horizon_days)
    matured = labels.window.steps
    with np.errstate(invalid="ignore"):
        chosen = (settled[:matured] > min_tvl_usd) & np.isfinite(labels[label])
    day, key = np.nonzero(chosen)
    if not len(day):
        raise CannotBeHonest(f"no row has a TVL above {min_tvl_usd:,.0f} USD and a matured {label} label of {horizon_days} days")
    hours = Window(panel.window.end - days * DAY_HOURS * HOUR, panel.window.end)
    level, below = _held(settled), Over(days).below_maximum(settled, WEEK)
    return Study(
        rows=_rows(features, labels, day, key, label, horizon_days),
        hour=(day + 1) * DAY_HOURS - 1,
        pool=key,
        at_risk=~(below[day, key] <= -AT_RISK_DROP_RATIO),
        as_ofs=hours.as_ofs,
        names=tuple(names),
        level=level,
        gone=np.zeros(level.shape, dtype=bool),
        unit=groups(suspected_twins(panel["tvl_usd"]), len(panel.keys)),
        row_hours=DAY_HOURS,
    )


def _rows(features: Panel, labels: Panel, day: np.ndarray, key: np.ndarray, label: str, horizon_days: int) -> Dataset:
    known = {name: labels[name][day, key].astype(np.float64) for name in LABELS}
    return Dataset(
        features=tuple(features.values),
        x=np.column_stack([column[day, key] for column in features.values.values()]).astype(np.float32, copy=False),
        y=known[label],
        as_of=features.as_ofs[day],
        key=features.keys[key],
        horizon_hours=horizon_days * DAY_HOURS,
        label=label,
        others={name: column for name, column in known.items() if name != label} | {ONSET: known[label]},
    )


def _held(settled: np.ndarray) -> np.ndarray:
    """Hours × protocols: a day's TVL is of 00:00, the last of its own 24 hours on the grid, and stands until the next day's."""
    held = np.repeat(settled.astype(np.float32), DAY_HOURS, axis=0)
    return np.concatenate([np.full((DAY_HOURS - 1, held.shape[1]), np.nan, dtype=np.float32), held[: 1 - DAY_HOURS]])
