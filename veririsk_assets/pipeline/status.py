"""The state of a home in a few lines: how far it reaches, how fresh its sources are, who serves."""

from collections.abc import Iterator
from datetime import timedelta

from veririsk_assets.contracts import monitoring
from veririsk_assets.contracts.published import FRESHNESS
from veririsk_assets.contracts.systems import SYSTEMS, System
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.saying import unscored
from veririsk_assets.pipeline.step import House
from veririsk_assets.pipeline.systems import bound

# Features look back a month, a training needs weeks of matured rows on top, and some of them crashes.
LEARNING_DAYS = 60


def status(house: House) -> Iterator[str]:
    """Lines for a person. A model's earliest date is a floor: it also needs enough crashes to learn from."""
    settings = house.settings
    yield f"source {settings.source}, home {settings.mode_home}"
    for table in (table for system in SYSTEMS for table in (system.snapshots, system.features, system.labelled, system.scores) if table):
        span, count = house.lake.span(table), house.lake.sql(f"SELECT count(*) AS n FROM lake.{table.sql_name}")["n"].iloc[0]
        yield f"{table.sql_name}: " + (f"{span[0]:%Y-%m-%d %H:%M} to {span[1]:%Y-%m-%d %H:%M}, {count:,} rows" if span else "empty")
    for source, endpoint, pulled, tried, outcome, reason, _ in house.lake.sql(FRESHNESS.select).itertuples(index=False):
        pulled_words = "never" if pulled != pulled else f"{pulled:%Y-%m-%d %H:%M}"
        yield f"{source} {endpoint}: last pulled {pulled_words}, last tried {tried:%Y-%m-%d %H:%M}: {outcome}{f' ({reason})' if isinstance(reason, str) else ''}"
    yield from unscored.at_all(house)
    refused = house.lake.read(monitoring.QUARANTINE, columns=["table_name"])["table_name"].value_counts()
    yield "quarantine: " + (", ".join(f"{name} {count:,}" for name, count in refused.items()) or "empty")
    for system in SYSTEMS:
        yield from (f"{system.name}: {said}" for said in bound(system).outlook(house))
        yield from (f"{system.name}, {_champion(house, system, horizon)}" for horizon in system.horizons if system.learns)


def _champion(house: House, system: System, horizon: int) -> str:
    reigns = champions.reigns_of(house, system, horizon)
    if len(reigns):
        newest = reigns.iloc[-1]
        return f"{horizon} h: version {newest['version']} serves since {newest['valid_from']:%Y-%m-%d %H:%M} ({newest['reason']})"
    if system.tells_its_past:
        return f"{horizon} h: the rule-based score serves until a training has found enough {system.name} with a {system.label}"
    span = house.lake.span(system.snapshots)
    if span is None:
        return f"{horizon} h: the rule-based score serves; a model can exist {LEARNING_DAYS} days after the first hour is stored"
    return f"{horizon} h: the rule-based score serves; a model can exist from {span[0] + timedelta(days=LEARNING_DAYS):%Y-%m-%d} on, if enough {system.name} have had a {system.label} by then"
