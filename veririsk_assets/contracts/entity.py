"""Tables that every system has alike: its scores and their reasons."""

from veririsk_assets.contracts.columns import HORIZON, PROVENANCE
from veririsk_assets.contracts.tables import Column, Table, number, text, whole
from veririsk_assets.contracts.vocabulary import DIRECTIONS, LEVELS

# What scoring asks of every system's snapshots beside the value that an entity is measured by, and of its features.
SNAPSHOT_NEEDS = ("input_age_hours", "is_tombstone", "source", "doubt")
FEATURE_NEEDS = ("input_age_hours", "age_hours", "early_warning_score")
# Scores that nobody is shown: what an explanation adds up to, and what was added for the drift of the base rate.
INTERNAL = ("margin", "calibration_shift", "lake_snapshot_id")


def scores_table(
    name: str, singular: str, grid: tuple[Column, ...], measure: Column, extra: tuple[Column, ...] = (), step_hours: int = 1
) -> Table:
    """scores/`name`: one row per entity, instant and horizon. `extra`: what this system says beside the score."""
    key = tuple(column.name for column in grid)
    return Table(
        "scores", name, f"one {singular}, {_step(step_hours)} and horizon", (*key, "horizon_hours"), "as_of",
        "Published risk scores. Insufficient input gives no score, never a low one.",
        (
            *grid,
            HORIZON,
            number("risk_score", "Where it stands: 30 and 65 are where the scores of the three days before would have spent the budgets of MEDIUM and HIGH", "0-100", ge=0.0, le=100.0),
            text("risk_level", "Whether to look: levels keep an alarm budget, in every market; in one hour the highest come first", required=True, isin=LEVELS),
            number("probability", "How likely the forecast label is, as the base rate stands now; for what a loss would cost. Null for the rule", "0-1", ge=0.0, le=1.0),
            *extra,
            number("early_warning_score", "The rule-based score of the same instant", "0-100", ge=0.0, le=100.0),
            measure,
            number("input_age_hours", "Age of the input at the cut-off", "hours", ge=0.0),
            number("margin", "Log-odds before calibration: what the explanation adds up to", "log-odds"),
            number("calibration_shift", "Added to the calibrated log-odds: the drift of the base rate, see models/calibration_shifts", "log-odds"),
            *PROVENANCE,
        ),
        sort=key,
        step_hours=step_hours,
    )  # fmt: skip


def explanations_table(name: str, grid: tuple[Column, ...], heads: tuple[str, ...], step_hours: int = 1) -> Table:
    """explanations/`name`: at most five reasons of each score, three of each of its causes. `heads`: the forecast label, then the causes."""
    key = tuple(column.name for column in grid)
    return Table(
        "explanations", name, f"one reason of one head of one score: rank 1 to 5 for the {heads[0]}, 1 to 3 for each cause",
        (*key, "horizon_hours", "head", "rank"), "as_of",
        "Why a score is what it is: base_value + the contributions + other_contribution = margin, for a cause the log-odds of its probability.",
        (
            *grid,
            HORIZON,
            text("head", f"What the reason is for: the {heads[0]}, or one of its causes", required=True, isin=heads, before=f"'{heads[0]}'"),
            whole("rank", "1 is the strongest reason", required=True, ge=1, le=5),
            text("feature", "Feature", required=True),
            number("value", "Its value; null where unknown"),
            number("usual_low", "Lower end of its usual range (5 % of training rows lie below)"),
            number("usual_high", "Upper end of its usual range (5 % of training rows lie above)"),
            number("own_low", "Lower end of what was usual for the entity itself: 5 % of its values of the 30 days before, one a day, lie below; null: fewer than ten"),
            number("own_high", "Upper end of it: 5 % lie above"),
            number("contribution", "Its share of the margin", "log-odds (points for the rule)", required=True),
            text("direction", "Which way it moves the risk", required=True, isin=DIRECTIONS),
            text("sentence", "The reason in words", required=True),
            text("method", "tree_shap, linear or rule", required=True, isin=("tree_shap", "linear", "rule")),
            number("base_value", "The margin of an average row", "log-odds", required=True),
            number("other_contribution", "All other features together", "log-odds", required=True),
        ),
        sort=key,
        step_hours=step_hours,
    )  # fmt: skip


def _step(step_hours: int) -> str:
    return "hour" if step_hours == 1 else "day"
