"""Lanterns by the day: a toy system's tables, and what it is."""

from veririsk_assets.contracts.columns import HORIZON, grid
from veririsk_assets.contracts.entity import explanations_table, scores_table
from veririsk_assets.contracts.raw import raw_table
from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.tables import Table, flag, instant, number, text, whole

GRID, KEY = grid("lantern", 24), ("as_of", "lantern_key")
GLOW = number("glow", "How bright it is", "lux", ge=0.0)
RAW = raw_table(
    "toy_glows", "one lantern in one pull", ("lantern",), "How bright each lantern is.", text("lantern", "Its id", required=True), GLOW
)
ENTITIES = Table(
    "snapshots", "lanterns", "one lantern", ("lantern_key",), "first_seen_at", "Every lantern ever seen.",
    (
        whole("lantern_key", "Integer for its id", required=True, ge=0),
        text("lantern_id", "Its id", required=True),
        text("name", "Its name", required=True),
        instant("first_seen_at", "Day on which it was first seen", required=True),
    ),
    step_hours=24,
)  # fmt: skip
SNAPSHOTS = Table(
    "snapshots", "daily_lanterns", "one lantern and day", KEY, "as_of", "The last glow available at the cut-off.",
    (
        *GRID,
        GLOW,
        number("input_age_hours", "Age of the glow", "hours", ge=0.0),
        text("source", "Source of the glow"),
        flag("is_tombstone", "It is missing from its source", required=True),
        text("doubt", "What is wrong with it"),
    ),
    sort=KEY,
    step_hours=24,
)  # fmt: skip
FEATURES = Table(
    "features", "daily_lanterns", "one lantern and day", KEY, "as_of", "What may be known of a lantern.",
    (
        *GRID,
        number("glow_change_3d", "Change of the glow over 3 days", "ratio", lookback_hours=72, formula="(G_t - G_{t-72}) / G_{t-72}"),
        number("age_hours", "For how long it has been seen", "hours", lookback_hours=240),
        number("input_age_hours", "Age of the glow", "hours"),
        number("early_warning_score", "The rule", "0-100"),
    ),
    sort=KEY,
    step_hours=24,
)  # fmt: skip
LABELS = Table(
    "labels", "daily_lanterns", "one lantern, day and horizon", (*KEY, "horizon_hours"), "as_of", "What became of it.",
    (*GRID, HORIZON, number("dim", "1 if the glow fell 20 % within the horizon", ge=0, le=1), instant("matured_at", "When that was known", required=True)),
    sort=KEY,
    step_hours=24,
)  # fmt: skip
LANTERNS = System(
    name="lanterns",
    singular="lantern",
    key="lantern_key",
    step_hours=24,
    horizons=(72,),
    shown_horizon=72,
    identity=("lantern_id", "name"),
    measure="glow",
    measured="glow",
    forecast="a 20 % dimming",
    entities=ENTITIES,
    snapshots=SNAPSHOTS,
    features=FEATURES,
    scores=scores_table("daily_lanterns", "lantern", GRID, GLOW, step_hours=24),
    explanations=explanations_table("daily_lanterns", GRID, ("dim",), step_hours=24),
    feeds=(RAW,),
    named_by=(RAW,),
    needed=(RAW,),
    history_days=3 * 365,
    label="dim",
    labelled=LABELS,
    raw=(RAW,),
)
