"""What is watched and published of protocols alone: days that their source rewrote, how scores are spread, and the documentation's own table."""

from veririsk_assets.contracts.columns import HORIZON, USD
from veririsk_assets.contracts.protocols import GRID, KEY, PERCENTILE, PROTOCOL_FEATURES, PROTOCOL_SCORES, PROTOCOLS
from veririsk_assets.contracts.published import PublishedTable, columns_of, published_table
from veririsk_assets.contracts.tables import Table, instant, number, text, whole
from veririsk_assets.contracts.vocabulary import LEVELS
from veririsk_assets.contracts.windows import DAY_HOURS

RESTATED_RATIO = 0.05
PARTS = ("all", "category", "chain")
RESTATEMENTS = Table(
    "monitoring", "restatements", "one day of one protocol that its source rewrote", (*KEY, "observed_at"), "as_of",
    "Days of which a source says a TVL now that differs by more than 5 % from what it said before. Both versions stay in raw; nothing that was said is changed.",
    (
        *GRID,
        instant("observed_at", "Day that was rewritten", required=True),
        number("tvl_before_usd", "TVL as it was said before", **USD),
        number("tvl_after_usd", "TVL as it is said now", **USD),
        number("change_ratio", "How far it moved", "ratio"),
        instant("said_at", "When the earlier version was pulled", required=True),
        instant("restated_at", "When the newer one was", required=True),
    ),
    sort=KEY,
    step_hours=DAY_HOURS,
)  # fmt: skip
_DISTRIBUTION = (
    text("part", "What is counted: all protocols, those of a category, or those of a chain", required=True, isin=PARTS),
    text("name", "Which category or chain; all", required=True),
    text("risk_level", "Level", required=True, isin=LEVELS),
    whole("protocols_count", "How many protocols", "count", required=True, ge=0),
    whole("day_before_count", "How many the day before", "count", required=True, ge=0),
)
_SPREAD = ("as_of", "horizon_hours", "part", "name", "risk_level")
SCORE_DISTRIBUTION = Table(
    "monitoring", "score_distribution", "one level of one category, chain or all of a day and horizon", _SPREAD, "as_of",
    "How many protocols stand at each level, beside the day before.",
    (GRID[0], HORIZON, *_DISTRIBUTION),
    sort=_SPREAD,
    step_hours=DAY_HOURS,
)  # fmt: skip

_ILLIQUIDITY = "-f.liquidity_ratio_30"
_VOLATILITY = "(f.tvl_vol_30 + f.price_vol_30) / 2"


def _percentile(value: str) -> str:
    """Where a value stands among those of its day that are known."""
    return f"CASE WHEN {value} IS NOT NULL THEN percent_rank() OVER (PARTITION BY f.as_of, {value} IS NULL ORDER BY {value}) END"


RISK_SCORES = PublishedTable(
    published_table(
        "risk_scores", "one protocol, day and horizon", ("id",),
        "Scores of protocols in the columns of the DeFi Risk Assessment documentation.",
        (
            text("id", "UUID, stable for protocol, day and horizon", required=True),
            instant("as_of", "Day that the score is of: the documentation's timestamp"),
            *columns_of(PROTOCOLS, ("protocol_id",)),
            HORIZON,
            text("risk_level", "low, medium, high; unknown where there is no score"),
            number("risk_score", "Score of 100, as a share", **PERCENTILE),
            number("volatility_score", "Where the mean of tvl_vol_30 and price_vol_30 stands among protocols: 1 is the most volatile", **PERCENTILE),
            number("liquidity_score", "Where its illiquidity stands: 1 has the least volume for its TVL", **PERCENTILE),
            text("model_version", "Version that said it"),
            instant("timestamp", "Day that the score is of"),
            instant("created_at", "When it was computed"),
            instant("updated_at", "When it was computed last"),
        ),
    ),
    "SELECT * FROM (SELECT CAST(CAST(md5(concat_ws('/', p.defillama_id, s.as_of, s.horizon_hours)) AS UUID) AS VARCHAR) AS id, s.as_of, p.protocol_id, "
    "s.horizon_hours, lower(s.risk_level) AS risk_level, s.risk_score / 100, v.volatility_score, v.liquidity_score, s.model_version, s.as_of AS \"timestamp\", "
    f"s.scored_at, s.scored_at FROM lake.{PROTOCOL_SCORES.sql_name} s JOIN lake.{PROTOCOLS.sql_name} p USING (protocol_key) "
    f"LEFT JOIN (SELECT f.as_of, f.protocol_key, {_percentile(_VOLATILITY)} AS volatility_score, {_percentile(_ILLIQUIDITY)} AS liquidity_score "
    f"FROM lake.{PROTOCOL_FEATURES.sql_name} f) v ON v.as_of = s.as_of AND v.protocol_key = s.protocol_key) s",
    PROTOCOL_SCORES,
    "history",
)  # fmt: skip
DISTRIBUTION = PublishedTable(
    published_table(
        "protocol_score_distribution", SCORE_DISTRIBUTION.grain, _SPREAD, SCORE_DISTRIBUTION.description, SCORE_DISTRIBUTION.columns
    ),
    f"SELECT s.* FROM lake.{SCORE_DISTRIBUTION.sql_name} s",
    SCORE_DISTRIBUTION,
    "history",
)
PROTOCOL_PUBLICATIONS = (RISK_SCORES, DISTRIBUTION)
