"""Checks that look at the data itself: freshness, a universe that drops, columns that go null."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from veririsk_assets.contracts.pool_features import PHASE2_NAMES
from veririsk_assets.contracts.pools import POOL_FEATURES, POOL_SCORES, POOL_SNAPSHOTS
from veririsk_assets.contracts.windows import CLOCK_SKEW, HOUR, naive
from veririsk_assets.defs.resources import HouseResource, now
from veririsk_assets.defs.stage import key_of

FRESH_HOURS = 2.0
UNIVERSE_DROP_RATIO = 0.1
NULL_RATIO = 0.5


@dg.asset_check(
    asset=key_of(POOL_SCORES),
    description="The newest score is at most two hours old, and none is later than now. Measured from the rows: a backfill of an old hour does not look fresh.",
)
def fresh(house: HouseResource) -> dg.AssetCheckResult:
    latest = house.newest(POOL_SCORES)
    if latest is None:
        return _warn(False, {"latest_as_of": "no score yet"})
    age_hours = (naive(now()) - latest).total_seconds() / 3600
    about = {"latest_as_of": str(latest), "age_hours": age_hours}
    if age_hours < -CLOCK_SKEW / HOUR:
        return _warn(False, about | {"note": "the newest score is of an hour to come: a clock was ahead, or is behind now"})
    return _warn(age_hours <= FRESH_HOURS, about)


@dg.asset_check(
    asset=key_of(POOL_SNAPSHOTS), description="The newest hour has at least 90 % of the pools with a known TVL that the hour before had."
)
def universe_kept(house: HouseResource) -> dg.AssetCheckResult:
    counts = house.open().lake.sql(
        f"SELECT as_of, count(tvl_usd) AS n FROM lake.{POOL_SNAPSHOTS.sql_name} "
        f"WHERE as_of > (SELECT max(as_of) - INTERVAL 2 HOUR FROM lake.{POOL_SNAPSHOTS.sql_name}) GROUP BY 1 ORDER BY 1"
    )["n"]
    if len(counts) < 2:
        return _warn(True, {"note": "one hour only"})
    before, after = int(counts.iloc[0]), int(counts.iloc[1])
    return _warn(after >= (1 - UNIVERSE_DROP_RATIO) * before, {"pools_before": before, "pools_now": after})


@dg.asset_check(
    asset=key_of(POOL_FEATURES),
    description="No feature of the newest hour is null in more than half of the rows where the day before it was not.",
)
def nulls_usual(house: HouseResource) -> dg.AssetCheckResult:
    latest = house.newest(POOL_FEATURES)
    if latest is None:
        return _warn(True, {"note": "no features yet"})
    shares = ", ".join(f"avg(({name} IS NULL)::INT) AS {name}" for name in PHASE2_NAMES)
    query = f"SELECT as_of = ? AS is_now, {shares} FROM lake.{POOL_FEATURES.sql_name} WHERE as_of IN (?, ?::TIMESTAMP - INTERVAL 24 HOUR) GROUP BY 1 ORDER BY 1"
    rows = house.open().lake.sql(query, [latest, latest, latest])
    if len(rows) < 2:
        return _warn(True, {"note": "no hour to compare with"})
    grown = list(_grown(rows.iloc[0].to_dict(), rows.iloc[1].to_dict()))
    return _warn(not grown, {"features": ", ".join(grown) or "none"})


def _grown(before: dict[str, float], after: dict[str, float]) -> Iterator[str]:
    return (name for name in PHASE2_NAMES if after[name] > NULL_RATIO >= before[name])


def _warn(passed: bool, metadata: dict[str, Any]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=passed, severity=dg.AssetCheckSeverity.WARN, metadata=metadata)


CHECKS = [fresh, universe_kept, nulls_usual]
