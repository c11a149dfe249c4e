"""The tables of the published file, and the query over the lake that each one is. BI tools read nothing else."""

from dataclasses import dataclass

from veririsk_assets.contracts import detections, pool_features, pools
from veririsk_assets.contracts.models import MODEL_VERSIONS
from veririsk_assets.contracts.tables import Column, Table, instant, number, text, whole

POOL_ID = text("pool_id", "Source-native id of the pool", required=True)
IDENTITY: tuple[Column, ...] = (
    POOL_ID,
    text("name", "Name as the source shows it"),
    text("protocol", "Protocol slug"),
    text("chain", "Chain"),
)
_SCORE_NAMES = (
    "as_of", "horizon_hours", "risk_score", "risk_level", "probability", "price_fall_probability", "liquidity_fall_probability",
    "cause_note", "early_warning_score", "status", "status_reason", "tvl_usd", "input_age_hours", "model_name", "model_version", "scored_at",
)  # fmt: skip


@dataclass(frozen=True)
class Published:
    """One published table. `source` is the lake table whose hours it follows; None: rebuilt whole each time.

    `select` reads the lake; `days` is which setting bounds its age: history, detail or none.
    """

    table: Table
    select: str
    source: Table | None = None
    days: str = ""


def _columns(of: Table, names: tuple[str, ...]) -> tuple[Column, ...]:
    return tuple(of.column(name) for name in names)


def _table(name: str, grain: str, key: tuple[str, ...], description: str, columns: tuple[Column, ...]) -> Table:
    return Table("published", name, grain, key, "as_of", description, columns)


def _of_pools(alias: str, names: tuple[str, ...]) -> str:
    return ", ".join(f"{alias}.{name}" for name in names)


_SCORE_COLUMNS = IDENTITY + _columns(pools.POOL_SCORES, _SCORE_NAMES)
_SCORES = f"SELECT p.pool_id, p.name, p.protocol, p.chain, {_of_pools('s', _SCORE_NAMES)} FROM lake.scores.hourly_pools s JOIN lake.snapshots.pools p USING (pool_key)"
_LATEST = "(SELECT max(as_of) FROM lake.scores.hourly_pools)"
_REASON_NAMES = tuple(c.name for c in pools.POOL_EXPLANATIONS.columns if c.name != "pool_key")
_SNAPSHOT_NAMES = tuple(c.name for c in pools.POOL_SNAPSHOTS.columns if c.name != "pool_key")
_FEATURE_NAMES = ("as_of", *pool_features.FEATURE_NAMES)
_FEATURES = (
    f"SELECT p.pool_id, {_of_pools('s', _FEATURE_NAMES)} FROM lake.features.hourly_pools s JOIN lake.snapshots.pools p USING (pool_key)"
)
_TWINS = (
    "SELECT p.pool_id, p.name, t.pool_id, t.name, s.compared_hours, s.agreeing_hours, s.largest_difference_ratio "
    "FROM (SELECT * FROM suspected_twins UNION ALL SELECT twin_key, pool_key, * EXCLUDE (pool_key, twin_key) FROM suspected_twins) s "
    "JOIN lake.snapshots.pools p ON p.pool_key = s.pool_key JOIN lake.snapshots.pools t ON t.pool_key = s.twin_key ORDER BY ALL"
)
_HOUR = ("as_of", "pool_id")
_DETECTION_NAMES = tuple(c.name for c in detections.POOL_DETECTIONS.columns if c.name != "pool_key")
_DETECTION_COLUMNS = IDENTITY + _columns(detections.POOL_DETECTIONS, _DETECTION_NAMES)
_DETECTIONS = f"SELECT p.pool_id, p.name, p.protocol, p.chain, {_of_pools('s', _DETECTION_NAMES)} FROM"

PUBLISHED: tuple[Published, ...] = (
    Published(
        _table("pool_risk_history", "one pool, hour and horizon", (*_HOUR, "horizon_hours"), "Every score of the last days.", _SCORE_COLUMNS),
        _SCORES,
        pools.POOL_SCORES,
        "history",
    ),
    Published(
        _table(
            "pool_risk_reasons", "one reason of one head of one score", (*_HOUR, "horizon_hours", "head", "rank"),
            "The five strongest reasons of each score, and three of each of its causes.",
            (POOL_ID, *_columns(pools.POOL_EXPLANATIONS, _REASON_NAMES)),
        ),
        f"SELECT p.pool_id, {_of_pools('s', _REASON_NAMES)} FROM lake.explanations.hourly_pools s JOIN lake.snapshots.pools p USING (pool_key)",
        pools.POOL_EXPLANATIONS,
        "detail",
    ),
    Published(
        _table("pool_snapshots", "one pool and hour", _HOUR, pools.POOL_SNAPSHOTS.description, (POOL_ID, *_columns(pools.POOL_SNAPSHOTS, _SNAPSHOT_NAMES))),
        f"SELECT p.pool_id, {_of_pools('s', _SNAPSHOT_NAMES)} FROM lake.snapshots.hourly_pools s JOIN lake.snapshots.pools p USING (pool_key)",
        pools.POOL_SNAPSHOTS,
        "detail",
    ),
    Published(
        _table("pool_features_history", "one pool and hour", _HOUR, pools.POOL_FEATURES.description, (POOL_ID, *_columns(pools.POOL_FEATURES, _FEATURE_NAMES))),
        _FEATURES,
        pools.POOL_FEATURES,
        "detail",
    ),
    Published(
        _table(
            "pool_detections_history", "one pool and hour with a drop under way", _HOUR,
            "Drops that had begun, hour by hour; no forecast. Hours without one are not here.", _DETECTION_COLUMNS,
        ),
        f"{_DETECTIONS} (SELECT * FROM lake.scores.hourly_pool_detections WHERE state IN ('falling', 'fallen')) s JOIN lake.snapshots.pools p USING (pool_key)",
        detections.POOL_DETECTIONS,
        "history",
    ),
    Published(
        _table("pool_detections_latest", "one pool", ("pool_id",), "What has begun by the newest hour, of every pool; no forecast.", _DETECTION_COLUMNS),
        f"{_DETECTIONS} lake.scores.hourly_pool_detections s JOIN lake.snapshots.pools p USING (pool_key) "
        "WHERE s.as_of = (SELECT max(as_of) FROM lake.scores.hourly_pool_detections) ORDER BY s.drop_ratio NULLS LAST, p.pool_id",
    ),
    Published(
        _table("pool_risk_latest", "one pool and horizon", ("pool_id", "horizon_hours"), "Scores of the newest hour.", _SCORE_COLUMNS),
        f"{_SCORES} WHERE s.as_of = {_LATEST} ORDER BY s.risk_score DESC NULLS LAST, p.pool_id, s.horizon_hours",
    ),
    Published(
        _table("pool_features_latest", "one pool", ("pool_id",), "Features of the newest scored hour.", (POOL_ID, *_columns(pools.POOL_FEATURES, _FEATURE_NAMES))),
        f"{_FEATURES} WHERE s.as_of = {_LATEST}",
    ),
    Published(
        _table(
            "pool_twins", "one pool and another id that is probably the same pool", ("pool_id", "twin_pool_id"),
            "Suspected twins: ids with the same TVL over the newest week, each pair in both directions. "
            "`veririsk crosswalk suggest` lists them for review.",
            (
                *IDENTITY[:2],
                text("twin_pool_id", "The other id", required=True),
                text("twin_name", "Its name"),
                whole("compared_hours", "Hours at which both TVLs are known", "hours"),
                whole("agreeing_hours", "Hours at which they differ by 0.01 % at most", "hours"),
                number("largest_difference_ratio", "Largest difference of all hours compared", "ratio"),
            ),
        ),
        _TWINS,
    ),
    Published(
        _table(
            "source_freshness", "one endpoint", ("source", "endpoint"), "When each endpoint last answered, and what it did last.",
            (
                text("source", "Provider"),
                text("endpoint", "Endpoint"),
                instant("last_pulled_as_of", "Newest hour for which it gave rows"),
                instant("last_tried_as_of", "Newest hour for which it was asked"),
                text("last_outcome", "What came of the last try"),
                text("last_reason", "Why, if it failed"),
                whole("rows_count", "Rows of the last good pull", "count"),
            ),
        ),
        "SELECT source, endpoint, max(as_of) FILTER (outcome IN ('pulled', 'partial')), max(as_of), arg_max(outcome, pulled_at), arg_max(reason, pulled_at), "
        "arg_max(rows_count, as_of) FILTER (outcome IN ('pulled', 'partial')) FROM lake.raw.source_status WHERE outcome <> 'kept' GROUP BY source, endpoint ORDER BY ALL",
    ),
    Published(
        _table("model_versions", "one trained version", ("model", "horizon_hours", "version"), MODEL_VERSIONS.description, MODEL_VERSIONS.columns),
        f"SELECT {', '.join(MODEL_VERSIONS.names)} FROM lake.models.versions ORDER BY trained_as_of, horizon_hours",
    ),
)  # fmt: skip

ABOUT = _table(
    "_about",
    "one row",
    ("built_at",),
    "What this file is: when and from which lake snapshot it was built.",
    (
        instant("built_at", "When it was built"),
        whole("lake_snapshot_id", "Lake snapshot that it shows"),
        instant("latest_as_of", "Newest scored hour"),
        text("methodology_version", "Version of the method"),
        text("schema_hash", "Changes when a table of this file changes"),
        text("row_counts", "JSON: table → rows"),
    ),
)
