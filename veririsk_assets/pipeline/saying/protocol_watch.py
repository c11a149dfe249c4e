"""What is watched of protocols: days that their source rewrote, and how scores are spread."""

import re

import pandas as pd

from veririsk_assets.contracts.protocol_monitoring import RESTATED_RATIO, RESTATEMENTS, SCORE_DISTRIBUTION
from veririsk_assets.contracts.protocols import PROTOCOL_SCORES, PROTOCOL_SNAPSHOTS, PROTOCOLS
from veririsk_assets.contracts.raw_protocols import DEFILLAMA_TVL_DAYS
from veririsk_assets.contracts.vocabulary import HEURISTIC
from veririsk_assets.contracts.windows import Window, naive
from veririsk_assets.pipeline.known.instants import serving_day
from veririsk_assets.pipeline.step import House, StepResult
from veririsk_assets.wire.redaction import redact

LONGEST_REASON = 300
EXPERIMENT = "veririsk-protocols-scores"
# A version counts against the one before it, or where a history has none, against what was told live.
RESTATED = f"""
WITH versions AS (
    SELECT protocol_id, observed_at, pulled_at, tvl_usd, lag(tvl_usd) OVER w AS before_usd, lag(pulled_at) OVER w AS before_at
    FROM lake.{DEFILLAMA_TVL_DAYS.sql_name}
    WHERE NOT is_provisional AND pulled_at <= $2 AND protocol_id IN (SELECT protocol_id FROM lake.{DEFILLAMA_TVL_DAYS.sql_name} WHERE pulled_at > $1 AND pulled_at <= $2)
    WINDOW w AS (PARTITION BY protocol_id, observed_at ORDER BY pulled_at)
)
SELECT {serving_day("v.pulled_at")} AS as_of, p.protocol_key, v.observed_at, coalesce(v.before_usd, s.tvl_usd) AS tvl_before_usd, v.tvl_usd AS tvl_after_usd,
    v.tvl_usd / coalesce(v.before_usd, s.tvl_usd) - 1 AS change_ratio, coalesce(v.before_at, s.available_at) AS said_at, v.pulled_at AS restated_at
FROM versions v JOIN lake.{PROTOCOLS.sql_name} p ON p.defillama_id = v.protocol_id
LEFT JOIN lake.{PROTOCOL_SNAPSHOTS.sql_name} s ON s.protocol_key = p.protocol_key AND s.as_of = v.observed_at
WHERE v.pulled_at > $1 AND coalesce(v.before_usd, s.tvl_usd) > 0 AND coalesce(v.before_at, s.available_at) < v.pulled_at
    AND abs(v.tvl_usd / coalesce(v.before_usd, s.tvl_usd) - 1) > {RESTATED_RATIO}
QUALIFY row_number() OVER (PARTITION BY p.protocol_key, v.observed_at ORDER BY v.pulled_at DESC) = 1
"""


def store_restatements(house: House, window: Window) -> StepResult:
    """monitoring/restatements: what was pulled for the days of the window and contradicts what had been said."""
    rows = house.lake.sql(RESTATED, [naive(window.start + window.delay), naive(window.cutoff)])
    return StepResult.of(house.lake.replace(RESTATEMENTS, rows[RESTATEMENTS.names], window))


def store_distribution(house: House, window: Window) -> StepResult:
    """monitoring/score_distribution; of one day alone, where a trained version serves, its numbers go to MLflow too.

    Scores do not wait for MLflow: where it fails, the result says so.
    """
    seen = window.lookback(1)
    scores = house.lake.read(PROTOCOL_SCORES, seen, ["as_of", "protocol_key", "horizon_hours", "risk_level", "model_name"])
    about = house.lake.read(PROTOCOLS, columns=["protocol_key", "category", "chain"])
    rows = scores.merge(about, on="protocol_key").assign(all="all").fillna({"category": "?", "chain": "?"})
    counts = _counts(rows)
    before = counts.assign(as_of=counts["as_of"] + pd.Timedelta(window.step)).rename(columns={"protocols_count": "day_before_count"})
    found = counts.merge(before, on=[name for name in SCORE_DISTRIBUTION.key], how="outer")
    found[["protocols_count", "day_before_count"]] = found[["protocols_count", "day_before_count"]].fillna(0).astype("Int64")
    found = found[found["as_of"].isin(set(scores.loc[scores["as_of"] > naive(window.start), "as_of"]))]
    written = house.lake.replace(SCORE_DISTRIBUTION, found[SCORE_DISTRIBUTION.names], window)
    is_learnt = (scores.loc[scores["as_of"] > naive(window.start), "model_name"] != HEURISTIC).any()
    if window.steps > 1 or not written.changed or not is_learnt:
        return StepResult.of(written)
    return StepResult.of(written, mlflow=_logged(house, window, found))


def _counts(rows: pd.DataFrame) -> pd.DataFrame:
    parts = [
        rows.groupby(["as_of", "horizon_hours", part, "risk_level"])
        .size()
        .rename("protocols_count")
        .reset_index()
        .rename(columns={part: "name"})
        .assign(part=part)
        for part in ("all", "category", "chain")
    ]
    return pd.concat(parts, ignore_index=True)


def _logged(house: House, window: Window, found: pd.DataFrame) -> str:
    """What came of it, in words."""
    from veririsk_assets.registry.runs import Child, log_search

    named = zip(found["horizon_hours"], found["part"], found["name"], found["risk_level"], found["protocols_count"], strict=True)
    numbers = {re.sub(r"[^\w ./-]", "_", f"{h}h/{part}/{name}/{level}"): float(count) for h, part, name, level, count in named}
    day = f"{window.as_of:%Y-%m-%d}"
    try:
        log_search(house.settings.tracking_uri, EXPERIMENT, Child(f"scores of {day}", {}, numbers, {"as_of": day}), ())
    except Exception as error:
        return redact(f"not logged: {type(error).__name__}: {error}")[:LONGEST_REASON]
    return "logged"
