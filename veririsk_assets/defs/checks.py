"""Checks that look at the data itself, of every system: freshness, a universe that drops, columns that go null."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from veririsk_assets.contracts.systems import SYSTEMS, System
from veririsk_assets.contracts.windows import CLOCK_SKEW, HOUR, naive
from veririsk_assets.defs.resources import HouseResource, now
from veririsk_assets.defs.stage import key_of

FRESH_STEPS = 2.0
UNIVERSE_DROP_RATIO = 0.1
NULL_RATIO = 0.5


def _fresh(system: System) -> dg.AssetChecksDefinition:
    most_hours = FRESH_STEPS * system.step_hours

    @dg.asset_check(
        name="fresh",
        asset=key_of(system.scores),
        description=f"The newest score is at most {most_hours:g} hours old, and none is later than now. "
        "Measured from the rows: a backfill of old ones does not look fresh.",
    )
    def fresh(house: HouseResource) -> dg.AssetCheckResult:
        latest = house.newest(system.scores)
        if latest is None:
            return _warn(False, {"latest_as_of": "no score yet"})
        age_hours = (naive(now()) - latest).total_seconds() / 3600
        about = {"latest_as_of": str(latest), "age_hours": age_hours}
        if age_hours < -CLOCK_SKEW / HOUR:
            return _warn(False, about | {"note": "the newest score is of an hour to come: a clock was ahead, or is behind now"})
        return _warn(age_hours <= most_hours, about)

    return fresh


def _universe_kept(system: System) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name="universe_kept",
        asset=key_of(system.snapshots),
        description=f"The newest snapshots have at least 90 % of the {system.name} with a known {system.measured} that those before had.",
    )
    def universe_kept(house: HouseResource) -> dg.AssetCheckResult:
        table, two = system.snapshots.sql_name, 2 * system.step_hours
        counts = house.open().lake.sql(
            f"SELECT as_of, count({system.measure}) AS n FROM lake.{table} "
            f"WHERE as_of > (SELECT max(as_of) - INTERVAL {two} HOUR FROM lake.{table}) GROUP BY 1 ORDER BY 1"
        )["n"]
        if len(counts) < 2:
            return _warn(True, {"note": f"one {'hour' if system.step_hours == 1 else 'day'} only"})
        before, after = int(counts.iloc[0]), int(counts.iloc[1])
        return _warn(after >= (1 - UNIVERSE_DROP_RATIO) * before, {f"{system.name}_before": before, f"{system.name}_now": after})

    return universe_kept


def _nulls_usual(system: System) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name="nulls_usual",
        asset=key_of(system.features),
        description="No feature of the newest instant is null in more than half of the rows where 24 steps before it was not.",
    )
    def nulls_usual(house: HouseResource) -> dg.AssetCheckResult:
        latest = house.newest(system.features)
        if latest is None:
            return _warn(True, {"note": "no features yet"})
        shares = ", ".join(f"avg(({name} IS NULL)::INT) AS {name}" for name in system.watched or system.feature_names)
        back = f"?::TIMESTAMP - INTERVAL {24 * system.step_hours} HOUR"
        query = (
            f"SELECT as_of = ? AS is_now, {shares} FROM lake.{system.features.sql_name} WHERE as_of IN (?, {back}) GROUP BY 1 ORDER BY 1"
        )
        rows = house.open().lake.sql(query, [latest, latest, latest])
        if len(rows) < 2:
            return _warn(True, {"note": "nothing to compare with"})
        grown = list(_grown(system, rows.iloc[0].to_dict(), rows.iloc[1].to_dict()))
        return _warn(not grown, {"features": ", ".join(grown) or "none"})

    return nulls_usual


def _grown(system: System, before: dict[str, float], after: dict[str, float]) -> Iterator[str]:
    return (name for name in system.watched or system.feature_names if after[name] > NULL_RATIO >= before[name])


def _warn(passed: bool, metadata: dict[str, Any]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=passed, severity=dg.AssetCheckSeverity.WARN, metadata=metadata)


BY_CLOCK = [(make(system), system.step_hours) for system in SYSTEMS for make in (_fresh, _universe_kept, _nulls_usual)]
CHECKS = [check for check, _ in BY_CLOCK]
