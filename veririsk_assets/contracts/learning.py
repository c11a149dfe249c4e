"""Tables that learning adds between two trainings."""

from veririsk_assets.contracts.pools import HORIZON
from veririsk_assets.contracts.tables import Table, instant, number, text, whole

CALIBRATION_SHIFTS = Table(
    "models",
    "calibration_shifts",
    "one day of one version",
    ("model", "horizon_hours", "version", "valid_from"),
    "valid_from",
    "How the base rate has drifted since a version was calibrated, by the labels that had matured at the start of the day: "
    "its probabilities are moved by so much in log-odds. A day's shift is decided once and stays.",
    (
        text("model", "Model family, as in pools", required=True),
        HORIZON,
        text("version", "Registered version", required=True),
        instant("valid_from", "as_of from which it holds: 00:00 UTC", required=True),
        instant("decided_at", "When it was computed", required=True),
        number("shift", "Added to the calibrated log-odds", "log-odds", required=True),
        number("observed_rate", "Share of positives of the four weeks before, by matured labels", "0-1", ge=0.0, le=1.0),
        number("expected_rate", "Mean probability of the same rows before any shift", "0-1", ge=0.0, le=1.0),
        whole("rows_count", "Matured rows looked at", "count", required=True, ge=0),
        whole("lake_snapshot_id", "Lake snapshot that labels and features were read from", required=True),
    ),
)
