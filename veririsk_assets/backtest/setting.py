"""What a backtest is told: one value that names everything its numbers depend on, the data apart."""

import json
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

from veririsk_assets.contracts.vocabulary import HIGH_ALERT_HOURS, MEDIUM_ALERT_HOURS
from veririsk_assets.evaluation.resampling import DRAWS, SEED
from veririsk_assets.evaluation.splits import EVENT_FLOOR, Fold, walk_forward
from veririsk_assets.models.catalogue.pools import BASELINES, CHAMPION_CANDIDATE, FLOOR, TWO_HEADS

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
PARTS_FORMAT = 3
TESTED_SHARE = 0.5
DAY = 24


@dataclass(frozen=True)
class Setting:
    """`test_days` 0: chosen from the length of the data, at most 70. `validation_days` 0: half of a test segment.

    `pool_groups` 0: no leave-pools-out run. Budgets are alert-hours per pool-month.
    """

    label: str = "crash"
    horizon_hours: int = 24
    folds: int = 4
    test_days: int = 0
    validation_days: int = 0
    min_train_days: int = 30
    min_tvl_usd: float = 100_000.0
    models: tuple[str, ...] = DEFAULT_MODELS
    high_alert_hours: float = HIGH_ALERT_HOURS
    medium_alert_hours: float = MEDIUM_ALERT_HOURS
    pool_groups: int = 4
    event_floor: int = EVENT_FLOOR
    draws: int = DRAWS
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


def resized(setting: Setting, **given: Any) -> Setting:
    """The setting with what was given; None and empty values keep the default."""
    return replace(setting, **{name: value for name, value in given.items() if value not in (None, (), "")})
