"""The rows that every model of a backtest is judged on, and what each of them may learn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.windows import SAMPLED_HOURS
from veririsk_assets.evaluation.events import event_onsets
from veririsk_assets.evaluation.splits import CannotBeHonest
from veririsk_assets.panels.twins import groups, suspected_twins
from veririsk_assets.training.datasets import Dataset

HOUR_US = 3_600_000_000
# A grid that all pools share, so that moments can be compared: hours 0, 4, 8 … UTC.
# What each label is an onset of, on the hourly panel.
LEVELS = {"crash": "tvl_usd", "crash_endpoint": "tvl_usd", "outflow": "lp_supply", "price_fall": "lp_price"}
LABELS = tuple(LEVELS)
# What the alerts are judged by, as a label: an event begins within the horizon.
ONSET = "onset"


@dataclass(frozen=True)
class Study:
    """`rows` in order of hour and pool, with `onset` among their other labels. `hour` and `pool` are their places on the panel
    whose `level` (hours × pools) has the events.

    `unit`: a number per pool; ids that are probably one pool share theirs, and are never parted by a split or counted apart in
    an interval. `row_hours`: for how long a row speaks, until the entity's next one.
    """

    rows: Dataset
    hour: np.ndarray
    pool: np.ndarray
    at_risk: np.ndarray
    as_ofs: np.ndarray
    names: tuple[str, ...]
    level: np.ndarray
    gone: np.ndarray
    unit: np.ndarray
    row_hours: int = SAMPLED_HOURS

    @property
    def hours(self) -> int:
        return len(self.as_ofs)

    @property
    def fingerprint(self) -> str:
        """Of everything that a prediction can depend on: rows, features and labels, so also of the code that made them."""
        rows, labels = self.rows, self.rows.labels
        digest = sha256(repr((rows.label, rows.horizon_hours, rows.features, self.names, sorted(labels))).encode())
        for column in (rows.x, self.hour, self.pool, self.as_ofs, *(labels[name] for name in sorted(labels))):
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()


def build_study(
    pools: Panel, features: Panel, labels: Panel, names: Sequence[str], label: str, horizon_hours: int, min_tvl_usd: float
) -> Study:
    """Every 4th hour with a TVL above `min_tvl_usd` and a matured label.

    `pools` and `features` span the same hours, `labels` those of them whose horizon has passed. Raises CannotBeHonest for an
    unknown label, and where no row is left.
    """
    if label not in LABELS:
        raise CannotBeHonest(f"no label {label!r}; known: {', '.join(LABELS)}")
    matured = labels.window.hours
    with np.errstate(invalid="ignore"):
        chosen = (pools["tvl_usd"][:matured] > min_tvl_usd) & np.isfinite(labels[label])
    chosen &= (features.as_ofs[:matured].astype("datetime64[us]").astype(np.int64) // HOUR_US % SAMPLED_HOURS == 0)[:, None]
    hour, pool = np.nonzero(chosen)
    if not len(hour):
        raise CannotBeHonest(f"no row has a TVL above {min_tvl_usd:,.0f} USD and a matured {label} label of {horizon_hours} h")
    level = _level(pools, LEVELS[label])
    known = {name: labels[name][hour, pool].astype(np.float64) for name in LABELS}
    known[ONSET] = _begins(level, horizon_hours)[hour, pool].astype(np.float64)
    return Study(
        rows=Dataset(
            features=tuple(features.values),
            x=np.column_stack([column[hour, pool] for column in features.values.values()]).astype(np.float32, copy=False),
            y=known.pop(label),
            as_of=features.as_ofs[hour],
            key=features.keys[pool],
            horizon_hours=horizon_hours,
            label=label,
            others=known,
        ),
        hour=hour,
        pool=pool,
        at_risk=labels["is_at_risk"][hour, pool] > 0,
        as_ofs=features.as_ofs,
        names=tuple(names),
        level=level,
        gone=pools["is_tombstone"] > 0 if "is_tombstone" in pools.values else np.zeros(pools.shape, dtype=bool),
        unit=groups(suspected_twins(pools["tvl_usd"]), len(pools.keys)),
    )


def _begins(level: np.ndarray, horizon_hours: int) -> np.ndarray:
    """Whether a run of hours 20 % below the high of the hours before begins in the horizon (hours × pools)."""
    events = event_onsets(level, horizon_hours=horizon_hours, min_gap_hours=1)
    begins, soon = np.zeros(level.shape, dtype=bool), np.zeros(level.shape, dtype=bool)
    begins[events.hour_index, events.key_index] = True
    for ahead in range(1, horizon_hours + 1):
        soon[:-ahead] |= begins[ahead:]
    return soon


def _level(pools: Panel, name: str) -> np.ndarray:
    if name != "lp_price":
        return pools[name]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(pools["lp_supply"] > 0, pools["tvl_usd"] / pools["lp_supply"], np.float32(np.nan))
