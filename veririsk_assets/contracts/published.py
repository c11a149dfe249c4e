"""The tables of the published file, and the query over the lake that each one is. BI tools read nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from veririsk_assets.contracts.models import MODEL_VERSIONS
from veririsk_assets.contracts.tables import Column, Table, instant, text, whole

if TYPE_CHECKING:
    from veririsk_assets.contracts.systems import System


@dataclass(frozen=True)
class PublishedTable:
    """One published table. `source` is the lake table whose hours it follows; None: rebuilt whole each time.

    `select` reads the lake; `days` is which setting bounds its age: history, detail or none.
    """

    table: Table
    select: str
    source: Table | None = None
    days: str = ""


def published_table(name: str, grain: str, key: tuple[str, ...], description: str, columns: tuple[Column, ...]) -> Table:
    return Table("published", name, grain, key, "as_of", description, columns)


def columns_of(table: Table, names: tuple[str, ...]) -> tuple[Column, ...]:
    return tuple(table.column(name) for name in names)


def selected(alias: str, names: tuple[str, ...]) -> str:
    return ", ".join(f"{alias}.{name}" for name in names)


def published_of(system: "System") -> Iterator[PublishedTable]:
    """What is published of every system: its scores, their reasons, snapshots and features, all of them and the newest; then its own."""
    one, step, horizon = system.singular, "hour" if system.step_hours == 1 else "day", ("horizon_hours",)
    at = ("as_of", system.id)
    identity = columns_of(system.entities, system.identity)
    named, alone = selected("p", system.identity), f"p.{system.id}"
    scores = identity + columns_of(system.scores, system.shown)
    newest = f"(SELECT max(as_of) FROM lake.{system.scores.sql_name})"

    def entities(source: Table) -> str:
        return f"lake.{source.sql_name} s JOIN lake.{system.entities.sql_name} p USING ({system.key})"

    def followed(name: str, source: Table, about: str, grain: str, more: tuple[str, ...], columns: tuple[str, ...]) -> PublishedTable:
        table = published_table(f"{one}_{name}", grain, (*at, *more), about, identity[:1] + columns_of(source, columns))
        return PublishedTable(table, f"SELECT {alone}, {selected('s', columns)} FROM {entities(source)}", source, "detail")

    scored = f"SELECT {named}, {selected('s', system.shown)} FROM {entities(system.scores)}"
    history = published_table(
        f"{one}_risk_history", f"one {one}, {step} and horizon", (*at, *horizon), "Every score of the last days.", scores
    )
    yield PublishedTable(history, scored, system.scores, "history")
    reasons = "At most five strongest reasons of each score, and three of each of its causes: what has no part in it is none."
    each = (*horizon, "head", "rank")
    yield followed(
        "risk_reasons", system.explanations, reasons, "one reason of one head of one score", each, system.columns(system.explanations)
    )
    about, grain = system.snapshots.description, f"one {one} and {step}"
    yield followed("snapshots", system.snapshots, about, grain, (), system.columns(system.snapshots))
    features = ("as_of", *system.feature_names)
    yield followed("features_history", system.features, system.features.description, grain, (), features)
    latest = published_table(f"{one}_risk_latest", f"one {one} and horizon", (system.id, *horizon), f"Scores of the newest {step}.", scores)
    yield PublishedTable(latest, f"{scored} WHERE s.as_of = {newest} ORDER BY s.risk_score DESC NULLS LAST, {alone}, s.horizon_hours")
    columns = identity[:1] + columns_of(system.features, features)
    known = published_table(f"{one}_features_latest", f"one {one}", (system.id,), f"Features of the newest scored {step}.", columns)
    yield PublishedTable(known, f"SELECT {alone}, {selected('s', features)} FROM {entities(system.features)} WHERE s.as_of = {newest}")
    yield from system.published


FRESHNESS = PublishedTable(
    published_table(
        "source_freshness", "one endpoint", ("source", "endpoint"), "When each endpoint last answered, and what it did last.",
        (
            text("source", "Provider"),
            text("endpoint", "Endpoint"),
            instant("last_pulled_as_of", "Newest hour for which it gave rows"),
            instant("last_tried_as_of", "Newest hour for which it was asked"),
            text("last_outcome", "What came of the last try"),
            text("last_reason", "Why, if it failed"),
            whole("rows_count", "Rows of the last good pull", "count"),
        ),
    ),
    "SELECT source, endpoint, max(as_of) FILTER (outcome IN ('pulled', 'partial')), max(as_of), arg_max(outcome, pulled_at), arg_max(reason, pulled_at), "
    "arg_max(rows_count, as_of) FILTER (outcome IN ('pulled', 'partial')) FROM lake.raw.source_status WHERE outcome <> 'kept' GROUP BY source, endpoint ORDER BY ALL",
)  # fmt: skip
VERSIONS = PublishedTable(
    published_table("model_versions", "one trained version", MODEL_VERSIONS.key, MODEL_VERSIONS.description, MODEL_VERSIONS.columns),
    f"SELECT {', '.join(MODEL_VERSIONS.names)} FROM lake.models.versions ORDER BY system, trained_as_of, horizon_hours",
)
ABOUT = published_table(
    "_about",
    "one row",
    ("built_at",),
    "What this file is: when and from which lake snapshot it was built.",
    (
        instant("built_at", "When it was built"),
        whole("lake_snapshot_id", "Lake snapshot that it shows"),
        instant("latest_as_of", "Newest scored hour"),
        text("methodology_version", "Version of the method"),
        text("schema_hash", "Changes when a table of this file changes"),
        text("row_counts", "JSON: table → rows"),
    ),
)
