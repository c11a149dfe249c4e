"""What a backtest is told: one value that names everything its numbers depend on, the data apart."""

import json
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields
from hashlib import sha256
from typing import Any

from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.vocabulary import HIGH_ALERT_HOURS, MEDIUM_ALERT_HOURS
from veririsk_assets.evaluation.resampling import DRAWS, SEED
from veririsk_assets.evaluation.splits import EVENT_FLOOR, Fold, walk_forward
from veririsk_assets.models.catalogue.pools import BASELINES, CHAMPION_CANDIDATE, ENTRIES, FLOOR, TWO_HEADS

# Shallow boosting that learns when an event begins, not how deep the fall from here is.
ONSET_HEAD = "onset_head"
COMMITTEE = "committee"
SLOW_BOOSTING = "slow_boosting"
# The strongest single column with the same shift of the base rate as the learned models: what is left is skill in which.
SHIFTED_EWMA = "shifted_ewma_volatility_7d"
# What every other model is compared with, pair by pair.
RIVALS = (*BASELINES, SHIFTED_EWMA)
DEFAULT_MODELS = (*RIVALS, FLOOR, CHAMPION_CANDIDATE, SLOW_BOOSTING, TWO_HEADS, ONSET_HEAD, COMMITTEE)
LONGEST_TEST_DAYS = 70
# Of the files that a stopped run leaves behind.
PARTS_FORMAT = 4
TESTED_SHARE = 0.5
DAY = 24


def _option(default: Any, about: str, name: str = "") -> Any:
    """A field that a person may set, by its own name or a shorter one."""
    return field(default=default, metadata={"about": about, "name": name})


@dataclass(frozen=True)
class Setting:
    """What a person may set is an option of the command and a field of the asset's config, both made from `options()`.

    `test_days` 0: chosen from the length of the data, at most 70. `validation_days` 0: half of a test segment.

    `pool_groups` 0: no leave-pools-out run. Budgets are alert-hours per pool-month.
    """

    label: str = _option("crash", "crash, crash_endpoint, outflow or price_fall")
    horizon_hours: int = _option(24, "Hours ahead: 6 or 24", "horizon")
    folds: int = _option(4, "Walk-forward folds")
    test_days: int = _option(0, "Days per fold; 0: from the length of the data, at most 70")
    validation_days: int = _option(0, "Days between train and test; 0: half of a fold")
    min_train_days: int = 30
    min_tvl_usd: float = _option(100_000.0, "Rows need a TVL above this, USD", "min_tvl")
    models: tuple[str, ...] = _option(DEFAULT_MODELS, "Names; default: all baselines and the learned ones")
    high_alert_hours: float = _option(HIGH_ALERT_HOURS, "HIGH budget, alert-hours per pool-month", "alert_hours")
    medium_alert_hours: float = MEDIUM_ALERT_HOURS
    pool_groups: int = _option(4, "Groups of the leave-pools-out run; 0: none")
    event_floor: int = EVENT_FLOOR
    draws: int = _option(DRAWS, "Bootstrap draws")
    seed: int = SEED

    def walk(self, hours: int) -> list[Fold]:
        """The folds over a panel of `hours` hours; raises CannotBeHonest."""
        test = self.test_days * DAY or self._auto(hours)
        validation = self.validation_days * DAY or test // (2 * DAY) * DAY
        return walk_forward(hours, self.folds, test, validation, self.horizon_hours, self.min_train_days * DAY)

    def key(self, rows_hash: str) -> str:
        """Names the predictions of this setting on these rows; what changes no prediction is not in it."""
        free = ("models", "high_alert_hours", "medium_alert_hours", "draws", "event_floor", "pool_groups")
        fixed = {name: value for name, value in asdict(self).items() if name not in free}
        return sha256(json.dumps([PARTS_FORMAT, rows_hash, fixed], sort_keys=True).encode()).hexdigest()[:16]

    def _auto(self, hours: int) -> int:
        days = int(TESTED_SHARE * hours / DAY / max(self.folds, 1))
        return min(max(days, 0), LONGEST_TEST_DAYS) * DAY


def options() -> dict[str, Field[Any]]:
    """What a person may set, by the name that it is called then."""
    return {one.metadata["name"] or one.name: one for one in fields(Setting) if one.metadata}


def setting_of(given: Mapping[str, Any]) -> Setting:
    """The setting that options say; no model's name: the default ones. Raises ValueError for a horizon or a model that there is not."""
    known = options()
    values = {known[name].name: value for name, value in given.items() if name != "models"}
    names = tuple(name for name in given.get("models", ()) if name)
    for name in names:
        if name not in (*ENTRIES, *DEFAULT_MODELS):
            raise ValueError(f"no model {name!r}; known: {', '.join(dict.fromkeys((*ENTRIES, *DEFAULT_MODELS)))}")
    POOLS.known_horizon(values.get("horizon_hours"))
    return Setting(**values, models=names or DEFAULT_MODELS)
