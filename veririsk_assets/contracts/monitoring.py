"""Tables that watch: what the version that does not serve would have said, how scores turned out, and which rows were refused."""

from dataclasses import replace

from veririsk_assets.contracts.columns import AS_OF, HORIZON, PROVENANCE, SYSTEM
from veririsk_assets.contracts.tables import Table, instant, number, text, whole
from veririsk_assets.contracts.vocabulary import LEVELS

ROLES = ("champion", "challenger")

SHADOW_SCORES = Table(
    "monitoring",
    "shadow_scores",
    "one entity, as_of and horizon as the version said it that did not serve the entity",
    ("system", "as_of", "entity_key", "horizon_hours", "model_name", "model_version"),
    "as_of",
    "Scores that nobody was told: the challenger's, or the champion's where the challenger serves the entity. Alerts and BI never read them.",
    (
        replace(SYSTEM, before="'pools'"),
        AS_OF,
        whole("entity_key", "Integer for the entity's id, as in its system's tables", required=True, ge=0),
        HORIZON,
        text("role", "What the version was at that hour", required=True, isin=ROLES),
        number("risk_score", "0-100, by the version's own thresholds of the day", "0-100", ge=0.0, le=100.0),
        text("risk_level", "Level of the score", required=True, isin=LEVELS),
        number("probability", "Calibrated probability of the forecast label; null for the rule", "0-1", ge=0.0, le=1.0),
        *PROVENANCE,
    ),
    sort=("system", "as_of", "entity_key"),
)

QUARANTINE = Table(
    "monitoring",
    "quarantine",
    "one value that broke one rule",
    ("table_name", "row_json", "column_name", "rule", "run_id", "quarantined_at"),
    "quarantined_at",
    "Rows that broke their contract, kept with the reason. A broken value of a column that is not required is stored as null and its row is kept.",
    (
        text("table_name", "Table that refused the row", required=True),
        text("column_name", "Column at fault", required=True),
        text("rule", "Rule that was broken", required=True),
        text("reason", "The offending value", required=True),
        text("row_json", "The row", required=True),
        text("run_id", "Run that met it", required=True),
        instant("as_of", "Window in which it was met"),
        instant("quarantined_at", "When", required=True),
    ),
)
