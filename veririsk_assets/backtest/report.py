"""The report of a backtest as one JSON value: the same numbers for the same data, settings and code, and nothing of the clock."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from veririsk_assets.backtest.measure import CHANCE_RIVAL, Measure
from veririsk_assets.backtest.run import Backtest
from veririsk_assets.backtest.setting import RIVALS
from veririsk_assets.models.catalogue.pools import CHAMPION_CANDIDATE, FLOOR

SCHEMA = "veririsk.backtest/3"
# The check is of the measuring, not of a model: what serves and one column are enough.
CHECKED_BY_CHANCE = (CHAMPION_CANDIDATE, FLOOR, CHANCE_RIVAL)


@dataclass(frozen=True)
class Compared:
    """Names of a system's models: what every other one is compared with, and what the chance check is made of, its column last."""

    rivals: tuple[str, ...] = RIVALS
    checked_by_chance: tuple[str, ...] = CHECKED_BY_CHANCE


def report(
    backtest: Backtest,
    data: dict[str, Any],
    tried: dict[str, int],
    progress: Callable[[str], None] = lambda _: None,
    compared: Compared = Compared(),
) -> dict[str, Any]:
    """`data` says where the rows are from (hash, range, lake snapshot, git revision); `tried` counts what was tried before.

    NaN becomes None, because JSON has no such number.
    """
    measure = Measure(backtest, progress)
    names = list(backtest.forecasts.probability)
    rivals = [name for name in names if name in compared.rivals]
    results, paired = measure.table("week", "high", rivals)
    results_by_pool, paired_by_pool = measure.table("key", "high", rivals)
    medium, _ = measure.table("week", "medium", ())
    found = {
        "schema": SCHEMA,
        "data": data | _about(backtest),
        "settings": asdict(backtest.setting) | {"step_hours": backtest.study.row_hours},
        "tried": tried | {"models_in_this_report": len(names)},
        "refused": backtest.forecasts.refused,
        "folds": _folds(backtest, measure),
        "results": results,
        "paired": paired,
        "results_by_pool": results_by_pool,
        "paired_by_pool": paired_by_pool,
        "results_medium_budget": medium,
        "per_fold": {name: measure.per_fold(name) for name in names},
        "timing": {name: measure.timing(name) for name in names},
        "levels": {name: measure.levels(name) for name in names},
        "moments": {name: measure.moments(name) for name in names},
        "chance": measure.chance([name for name in compared.checked_by_chance if name in names], compared.checked_by_chance[-1]),
        "column": compared.checked_by_chance[-1],
        "leave_pools_out": measure.unseen_pools(rivals),
    }
    return plain(found)


def _about(backtest: Backtest) -> dict[str, Any]:
    study = backtest.study
    rows = backtest.forecasts.rows
    return {
        "rows": len(study.hour),
        "test_rows": len(rows),
        "pools": len(study.names),
        "first_as_of": _stamp(study.as_ofs[0]),
        "last_as_of": _stamp(study.as_ofs[-1]),
        "base_rate": float(study.rows.y[rows].mean()),
        "at_risk_share": float(study.at_risk[rows].mean()),
        "features": list(study.rows.features),
    }


def _folds(backtest: Backtest, measure: Measure) -> list[dict[str, Any]]:
    study, found = backtest.study, []
    for fold, events in zip(backtest.folds, measure.event_counts(), strict=True):
        about: dict[str, Any] = {"events": events}
        for part in ("train", "validation", "test"):
            hours = getattr(fold, part)
            rows = (study.hour >= hours.start) & (study.hour < hours.stop)
            about[part] = {
                "from": _stamp(study.as_ofs[hours.start]),
                "to": _stamp(study.as_ofs[hours.stop - 1]),
                "rows": int(rows.sum()),
                "positives": int(study.rows.y[rows].sum()),
                "base_rate": float(study.rows.y[rows].mean()) if rows.any() else None,
            }
        found.append(about)
    return found


def _stamp(moment: np.datetime64) -> str:
    return f"{moment.astype('datetime64[s]')}Z"


def plain(value: Any) -> Any:
    """The value with JSON's own types: keys are text, NaN and infinities are None."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
