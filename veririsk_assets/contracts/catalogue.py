"""Every table of the lake and of the published file, in reading order."""

from veririsk_assets.contracts import migrations, models, monitoring, raw
from veririsk_assets.contracts.published import FRESHNESS, VERSIONS, PublishedTable, published_of
from veririsk_assets.contracts.systems import SYSTEMS
from veririsk_assets.contracts.tables import Table

# What every source is asked about: tables that many systems read, then those that one brings.
PULLS: tuple[Table, ...] = (*raw.PULLS, *(table for system in SYSTEMS for table in system.raw))
TABLES: tuple[Table, ...] = (
    *PULLS,
    raw.SOURCE_STATUS,
    *dict.fromkeys(table for system in SYSTEMS for table in system.tables()),
    models.MODEL_VERSIONS,
    models.CHAMPIONS,
    models.CALIBRATION_SHIFTS,
    monitoring.SHADOW_SCORES,
    models.PERFORMANCE,
    monitoring.QUARANTINE,
    migrations.APPLIED,
)
PUBLISHED: tuple[PublishedTable, ...] = (*(one for system in SYSTEMS for one in published_of(system)), FRESHNESS, VERSIONS)
