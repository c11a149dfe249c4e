"""What is published of pools alone: drops that have begun, and ids that are probably one pool."""

from veririsk_assets.contracts.detections import POOL_DETECTIONS
from veririsk_assets.contracts.pools import IDENTITY, POOLS
from veririsk_assets.contracts.published import PublishedTable, columns_of, published_table, selected
from veririsk_assets.contracts.tables import number, text, whole

_NAMES = tuple(name for name in POOL_DETECTIONS.names if name != "pool_key")
_COLUMNS = columns_of(POOLS, IDENTITY) + columns_of(POOL_DETECTIONS, _NAMES)
_DETECTIONS = f"SELECT {selected('p', IDENTITY)}, {selected('s', _NAMES)} FROM"

POOL_PUBLICATIONS: tuple[PublishedTable, ...] = (
    PublishedTable(
        published_table(
            "pool_detections_history", "one pool and hour with a drop under way", ("as_of", "pool_id"),
            "Drops that had begun, hour by hour; no forecast. Hours without one are not here.", _COLUMNS,
        ),
        f"{_DETECTIONS} (SELECT * FROM lake.scores.hourly_pool_detections WHERE state IN ('falling', 'fallen')) s JOIN lake.snapshots.pools p USING (pool_key)",
        POOL_DETECTIONS,
        "history",
    ),
    PublishedTable(
        published_table(
            "pool_detections_latest", "one pool", ("pool_id",), "What has begun by the newest hour, of every pool; no forecast.", _COLUMNS
        ),
        f"{_DETECTIONS} lake.scores.hourly_pool_detections s JOIN lake.snapshots.pools p USING (pool_key) "
        "WHERE s.as_of = (SELECT max(as_of) FROM lake.scores.hourly_pool_detections) ORDER BY s.drop_ratio NULLS LAST, p.pool_id",
    ),
    PublishedTable(
        published_table(
            "pool_twins", "one pool and another id that is probably the same pool", ("pool_id", "twin_pool_id"),
            "Suspected twins: ids with the same TVL over the newest week, each pair in both directions. "
            "`veririsk crosswalk suggest` lists them for review.",
            (
                *columns_of(POOLS, IDENTITY[:2]),
                text("twin_pool_id", "The other id", required=True),
                text("twin_name", "Its name"),
                whole("compared_hours", "Hours at which both TVLs are known", "hours"),
                whole("agreeing_hours", "Hours at which they differ by 0.01 % at most", "hours"),
                number("largest_difference_ratio", "Largest difference of all hours compared", "ratio"),
            ),
        ),
        "SELECT p.pool_id, p.name, t.pool_id, t.name, s.compared_hours, s.agreeing_hours, s.largest_difference_ratio "
        "FROM (SELECT * FROM suspected_twins UNION ALL SELECT twin_key, pool_key, * EXCLUDE (pool_key, twin_key) FROM suspected_twins) s "
        "JOIN lake.snapshots.pools p ON p.pool_key = s.pool_key JOIN lake.snapshots.pools t ON t.pool_key = s.twin_key ORDER BY ALL",
    ),
)  # fmt: skip
