"""Every table of the lake, in reading order."""

from veririsk_assets.contracts import detections, migrations, models, monitoring, pools, raw
from veririsk_assets.contracts.surroundings import SURROUNDINGS
from veririsk_assets.contracts.tables import Table

TABLES: tuple[Table, ...] = (
    *raw.PULLS,
    raw.SOURCE_STATUS,
    pools.POOLS,
    pools.POOL_SNAPSHOTS,
    SURROUNDINGS,
    pools.POOL_FEATURES,
    pools.POOL_LABELS,
    models.MODEL_VERSIONS,
    models.CHAMPIONS,
    models.CALIBRATION_SHIFTS,
    pools.POOL_SCORES,
    pools.POOL_EXPLANATIONS,
    detections.POOL_DETECTIONS,
    monitoring.SHADOW_SCORES,
    models.PERFORMANCE,
    monitoring.QUARANTINE,
    migrations.APPLIED,
)
