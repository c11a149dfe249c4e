"""Tables of models: versions, who serves from when on, how far the base rate has drifted, and how scores turned out."""

from veririsk_assets.contracts.columns import HORIZON, SYSTEM
from veririsk_assets.contracts.tables import Table, flag, instant, number, text, whole

HOW = ("served", "shadow")

CHAMPIONS = Table(
    "models",
    "champions",
    "one promotion or rollback",
    ("system", "horizon_hours", "valid_from", "decided_at"),
    "valid_from",
    "Which version serves from which as_of on. A score uses the newest one valid at its hour.",
    (
        SYSTEM,
        HORIZON,
        text("version", "Registered version; rule for none", required=True),
        instant("valid_from", "as_of from which it serves", required=True),
        instant("decided_at", "When it was decided", required=True),
        text("action", "promote or rollback", required=True, isin=("promote", "rollback")),
        text("reason", "Why", required=True),
    ),
)

MODEL_VERSIONS = Table(
    "models",
    "versions",
    "one trained version",
    ("system", "horizon_hours", "version"),
    "trained_as_of",
    "Every trained version with its data range and what it scored on validation.",
    (
        SYSTEM,
        HORIZON,
        text("version", "Registered version", required=True),
        text("algorithm", "What it is", required=True),
        instant("trained_as_of", "as_of of the training: nothing later was used", required=True),
        instant("train_from", "First training row"),
        instant("train_to", "Last training row"),
        whole("train_rows_count", "Training rows", "count", required=True, ge=0),
        whole("train_events_count", "Positive training rows", "count", required=True, ge=0),
        number("validation_ap", "Average precision on validation", "0-1"),
        number("validation_auc", "ROC-AUC on validation", "0-1"),
        number("validation_ece", "Expected calibration error on validation", "0-1"),
        number("base_rate_ratio", "Share of positive validation rows", "0-1"),
        number("high_threshold", "Probability from which the level is HIGH, where a day has none of its own", "0-1"),
        number("medium_threshold", "Probability from which the level is MEDIUM, where a day has none of its own", "0-1"),
        whole("lake_snapshot_id", "Lake snapshot that it was trained on", required=True),
        text("verdict", "What the gate said", required=True),
    ),
)

CALIBRATION_SHIFTS = Table(
    "models",
    "calibration_shifts",
    "one day of one version",
    ("system", "horizon_hours", "version", "valid_from"),
    "valid_from",
    "How the base rate has drifted since a version was calibrated, by the labels that had matured at the start of the day: "
    "its probabilities are moved by so much in log-odds. And where its levels begin, by its scores of the three days before. "
    "What a day has is decided once and stays.",
    (
        SYSTEM,
        HORIZON,
        text("version", "Registered version", required=True),
        instant("valid_from", "as_of from which it holds: 00:00 UTC", required=True),
        instant("decided_at", "When it was computed", required=True),
        number("shift", "Added to the calibrated log-odds", "log-odds", required=True),
        number(
            "medium_threshold",
            "Probability before any shift from which the level is MEDIUM; null: that of the version",
            "0-1",
            ge=0.0,
            le=1.0,
        ),
        number("high_threshold", "The same for HIGH", "0-1", ge=0.0, le=1.0),
        number("top_threshold", "The same for a score of 95", "0-1", ge=0.0, le=1.0),
        number("observed_rate", "Share of positives of the four weeks before, by matured labels", "0-1", ge=0.0, le=1.0),
        number("expected_rate", "Mean probability of the same rows before any shift", "0-1", ge=0.0, le=1.0),
        whole("rows_count", "Matured rows looked at", "count", required=True, ge=0),
        whole("lake_snapshot_id", "Lake snapshot that labels and features were read from", required=True),
    ),
)

PERFORMANCE = Table(
    "monitoring",
    "performance",
    "one version and horizon, as it stood at one instant",
    ("as_of", "system", "horizon_hours", "model_name", "model_version", "how"),
    "as_of",
    "How published scores turned out: labels that have matured against each score as it was first stored, beside what validation promised. "
    "Later rewrites of a score do not count: nobody saw them in time.",
    (
        instant("as_of", "Judged by labels that had matured by then", required=True),
        SYSTEM,
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
        number(
            "validation_ap_low", "Lower end of the 95 % interval that validation promised of it; null where validation was too short", "0-1"
        ),
        number("validation_auc", "ROC-AUC promised by validation", "0-1"),
        number("validation_ece", "Expected calibration error promised by validation", "0-1"),
        number("validation_brier_skill", "Brier skill promised by validation"),
        number("validation_high_precision", "Precision of HIGH promised by validation", "0-1"),
        flag(
            "is_below_promise",
            "The whole interval of AP lies below the whole interval that was promised, and so does its lift; null where either is unknown",
        ),
    ),
)
