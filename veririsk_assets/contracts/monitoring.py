"""Tables that watch: what the version that does not serve would have said, how scores turned out, and which rows were refused."""

from veririsk_assets.contracts.pools import GRID, HORIZON, HOUR_AND_POOL, PROVENANCE
from veririsk_assets.contracts.tables import Table, flag, instant, number, text, whole
from veririsk_assets.contracts.vocabulary import LEVELS

ROLES = ("champion", "challenger")
HOW = ("served", "shadow")

SHADOW_SCORES = Table(
    "monitoring",
    "shadow_scores",
    "one pool, hour and horizon as the version said it that did not serve the pool",
    (*HOUR_AND_POOL, "horizon_hours", "model_name", "model_version"),
    "as_of",
    "Scores that nobody was told: the challenger's, or the champion's where the challenger serves the pool. Alerts and BI never read them.",
    (
        *GRID,
        HORIZON,
        text("role", "What the version was at that hour", required=True, isin=ROLES),
        number("risk_score", "0-100, by the version's own thresholds", "0-100", ge=0.0, le=100.0),
        text("risk_level", "Level of the score", required=True, isin=LEVELS),
        number("probability", "Calibrated probability of the crash label; null for the rule", "0-1", ge=0.0, le=1.0),
        *PROVENANCE,
    ),
    sort=HOUR_AND_POOL,
)

PERFORMANCE = Table(
    "monitoring",
    "performance",
    "one version and horizon, as it stood at one instant",
    ("as_of", "model", "horizon_hours", "model_name", "model_version", "how"),
    "as_of",
    "How published scores turned out: labels that have matured against each score as it was first stored, beside what validation promised. "
    "Later rewrites of a score do not count: nobody saw them in time.",
    (
        instant("as_of", "Judged by labels that had matured by then", required=True),
        text("model", "Model family, as in pools", required=True),
        HORIZON,
        text("model_name", "Model, or early_warning_score for the rule", required=True),
        text("model_version", "Registered version, or the methodology version of the rule", required=True),
        text("how", "served: published scores; shadow: scores that nobody was told", required=True, isin=HOW),
        instant("scores_from", "First hour judged", required=True),
        instant("scores_to", "Last hour judged", required=True),
        whole("rows_count", "Scores with a matured label", "count", required=True, ge=0),
        whole("events_count", "Positive labels among them", "count", required=True, ge=0),
        number("late_ratio", "Share of scores computed after their horizon had passed: replays, not forecasts", "0-1", ge=0.0, le=1.0),
        number("base_rate_ratio", "Share of positive labels: the average precision of no skill", "0-1"),
        number("ap", "Average precision", "0-1"),
        number("ap_low", "Lower end of its 95 % interval over days", "0-1"),
        number("ap_high", "Upper end of its 95 % interval over days", "0-1"),
        number("auc", "ROC-AUC", "0-1"),
        number("ece", "Expected calibration error; null for the rule", "0-1"),
        number("brier_skill", "Brier skill over a constant; null for the rule"),
        number("high_precision", "Share of HIGH scores whose label is positive", "0-1"),
        number("high_ratio", "Share of scores that are HIGH", "0-1"),
        number("validation_base_rate_ratio", "Share of positive labels on the version's validation rows", "0-1"),
        number("validation_ap", "Average precision promised by validation", "0-1"),
        number("validation_auc", "ROC-AUC promised by validation", "0-1"),
        number("validation_ece", "Expected calibration error promised by validation", "0-1"),
        number("validation_brier_skill", "Brier skill promised by validation"),
        number("validation_high_precision", "Precision of HIGH promised by validation", "0-1"),
        flag("is_below_promise", "The whole interval of AP lies below the promise, and so does its lift; null where either is unknown"),
    ),
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

MONITORING: tuple[Table, ...] = (SHADOW_SCORES, PERFORMANCE, QUARANTINE)
