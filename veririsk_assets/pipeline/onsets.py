"""Pools that turn HIGH: found by the scores of two neighbouring hours, told once."""

from datetime import datetime

import pandas as pd

from veririsk_assets.contracts.pools import POOL_SCORES
from veririsk_assets.contracts.windows import naive, utc
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings

_ONSETS = """
SELECT p.pool_id, p.name, now.as_of, now.horizon_hours, now.risk_score, now.probability
FROM lake.scores.hourly_pools now JOIN lake.snapshots.pools p USING (pool_key)
WHERE now.as_of = ? AND now.horizon_hours = 24 AND now.risk_level = 'HIGH' AND NOT EXISTS (
    SELECT 1 FROM lake.scores.hourly_pools last
    WHERE last.pool_key = now.pool_key AND last.horizon_hours = 24 AND last.risk_level = 'HIGH'
    AND last.as_of = now.as_of - INTERVAL 1 HOUR)
ORDER BY now.risk_score DESC
"""


def new_onsets(house: House, told_until: datetime | None) -> tuple[datetime | None, pd.DataFrame]:
    """The latest scored hour, if it is newer than `told_until`, and the pools that turned HIGH in it."""
    latest = house.lake.sql(f"SELECT max(as_of) AS latest FROM lake.{POOL_SCORES.sql_name}")["latest"].iloc[0]
    if latest != latest or (told_until is not None and latest.to_pydatetime() <= naive(told_until)):
        return None, pd.DataFrame()
    return utc(latest.to_pydatetime()), house.lake.sql(_ONSETS, [latest.to_pydatetime()])


def tell(settings: Settings, onsets: pd.DataFrame) -> list[str]:
    """One line per onset; each is also POSTed where a webhook is set. A failing webhook is a line, not an error."""
    lines = []
    for row in onsets.to_dict("records"):
        line = f"{row['name']} ({row['pool_id']}) turned HIGH at {row['as_of']:%Y-%m-%d %H:%M} UTC: risk score {row['risk_score']:.0f}"
        lines.append(line)
        url = settings.alert_webhook_url.get_secret_value()
        if url:
            lines += _post(
                settings, url, {"text": line, "pool_id": row["pool_id"], "risk_score": row["risk_score"], "as_of": row["as_of"].isoformat()}
            )
    return lines


def _post(settings: Settings, url: str, body: dict[str, object]) -> list[str]:
    from veririsk_assets.wire.errors import SourceError
    from veririsk_assets.wire.webhook import post

    try:
        post(url, body, settings.user_agent, settings.webhook_allow_private)
    except SourceError as error:
        return [f"webhook failed: {error}"]
    return []
