"""The state of a home in a few lines: how far it reaches, how fresh its sources are, who serves."""

from collections.abc import Iterator
from datetime import timedelta

from veririsk_assets.contracts import monitoring, pools, systems
from veririsk_assets.contracts.published import PUBLISHED
from veririsk_assets.contracts.vocabulary import HORIZONS
from veririsk_assets.pipeline import champions, unscored
from veririsk_assets.pipeline.step import House

# Features look back a month, a training needs weeks of matured rows on top, and some of them crashes.
LEARNING_DAYS = 60


def status(house: House) -> Iterator[str]:
    """Lines for a person. A model's earliest date is a floor: it also needs enough crashes to learn from."""
    settings = house.settings
    yield f"source {settings.source}, home {settings.mode_home}"
    for table in (pools.POOL_SNAPSHOTS, pools.POOL_FEATURES, pools.POOL_LABELS, pools.POOL_SCORES):
        span, count = house.lake.span(table), house.lake.sql(f"SELECT count(*) AS n FROM lake.{table.sql_name}")["n"].iloc[0]
        yield f"{table.sql_name}: " + (f"{span[0]:%Y-%m-%d %H:%M} to {span[1]:%Y-%m-%d %H:%M}, {count:,} rows" if span else "empty")
    freshness = next(p for p in PUBLISHED if p.table.name == "source_freshness")
    for source, endpoint, pulled, tried, outcome, reason, _ in house.lake.sql(freshness.select).itertuples(index=False):
        pulled_words = "never" if pulled != pulled else f"{pulled:%Y-%m-%d %H:%M}"
        yield f"{source} {endpoint}: last pulled {pulled_words}, last tried {tried:%Y-%m-%d %H:%M}: {outcome}{f' ({reason})' if isinstance(reason, str) else ''}"
    yield from unscored.at_all(house)
    refused = house.lake.read(monitoring.QUARANTINE, columns=["table_name"])["table_name"].value_counts()
    yield "quarantine: " + (", ".join(f"{name} {count:,}" for name, count in refused.items()) or "empty")
    for horizon in HORIZONS:
        yield _champion(house, horizon)


def _champion(house: House, horizon: int) -> str:
    reigns = champions.reigns_of(house, systems.POOLS, horizon)
    if len(reigns):
        newest = reigns.iloc[-1]
        return f"{horizon} h: version {newest['version']} serves since {newest['valid_from']:%Y-%m-%d %H:%M} ({newest['reason']})"
    span = house.lake.span(pools.POOL_SNAPSHOTS)
    if span is None:
        return f"{horizon} h: the rule-based score serves; a model can exist {LEARNING_DAYS} days after the first hour is stored"
    return f"{horizon} h: the rule-based score serves; a model can exist from {span[0] + timedelta(days=LEARNING_DAYS):%Y-%m-%d} on, if enough pools have crashed by then"
