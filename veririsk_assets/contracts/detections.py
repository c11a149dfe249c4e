"""The table of what has begun: drops under way, apart from every forecast."""

from veririsk_assets.contracts.columns import GRID, HOUR_AND_POOL, USD
from veririsk_assets.contracts.tables import Table, instant, number, text
from veririsk_assets.contracts.vocabulary import DETECTION_STATES

POOL_DETECTIONS = Table(
    "scores",
    "hourly_pool_detections",
    "one pool and hour",
    HOUR_AND_POOL,
    "as_of",
    "What has begun, known at as_of; no forecast. A drop of 10 to 20 % below the 24-hour high is falling, from 20 % on fallen; "
    "a TVL that is not known or older than six hours is unknown, never none.",
    (
        *GRID,
        text("state", "What is under way", required=True, isin=DETECTION_STATES),
        instant("begun_at", "First hour of the drop that is under way, at most 48 hours ago; null where none is"),
        number("drop_ratio", "TVL over its 24-hour high, minus 1; null where unknown", "ratio", ge=-1.0, le=0.0),
        number("high_tvl_usd", "Highest TVL of the hour and the 24 before it", **USD),
        number("probability", "Calibrated probability that the drop is or becomes a 20 % fall within 6 hours; null unless it has begun", "0-1", ge=0.0, le=1.0),
        text("model_version", "Version whose detection head spoke; rule for none", required=True),
        text("note", "Why the state is unknown, or a drop has no probability"),
    ),
    sort=HOUR_AND_POOL,
)  # fmt: skip
