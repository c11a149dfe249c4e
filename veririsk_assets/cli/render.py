"""What the command line shows of the published file."""

from typing import Any

import pandas as pd
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as Grid
from rich.text import Text

from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.texts import LONGEST_TEXT, NAME_CELLS, shown
from veririsk_assets.contracts.vocabulary import Causes
from veririsk_assets.contracts.windows import Window, utc
from veririsk_assets.serving.queries import PublishedFile
from veririsk_assets.serving.terminal import add_row, cell, say, show

COLOURS = {"HIGH": "red", "MEDIUM": "yellow", "LOW": "green", "UNKNOWN": "dim"}
NARROW, NARROW_NAME_CELLS = 100, 24
# What a column takes beside its cells.
COLUMN_EDGES = 3


def show_ranking(published: PublishedFile, out: Console, top: int | None, horizon_hours: int | None = None) -> None:
    """Scored entities by risk, each with its strongest reason; then how many had not enough input, and why."""
    system, horizon = published.system, published.system.known_horizon(horizon_hours)
    rows = published.ranking(horizon)
    scored, unknown = rows[rows["risk_score"].notna()], rows[rows["risk_score"].isna()]
    scored, others = once(scored, published.twins(), system.id)
    looked_at = scored.head(top or len(scored))
    _show_grid(published, out, looked_at, horizon)
    for entity_id in looked_at[system.id]:
        for other in others.get(entity_id, []):
            say(out, f"  {entity_id} is probably {other[system.id]} ({other['name']}: {other['risk_score']:.0f}, {other['risk_level']})")
    if others:
        say(
            out,
            f"{sum(map(len, others.values()))} ids that are probably another {system.singular}'s too are shown with it and not counted.",
        )
    say(
        out,
        f"{len(looked_at)} of {len(scored)} scored {system.name} shown{_counts(scored)}. Insufficient input: {len(unknown)} {system.name}.",
    )
    say(out, *(f"  {count} × {reason}" for reason, count in unknown["status_reason"].value_counts().items()))
    models = ", ".join(sorted({f"{r['model_name']} version {r['model_version']}" for r in scored.to_dict("records")}))
    say(out, f"Model: {models or 'none'}")


def _show_grid(published: PublishedFile, out: Console, scored: pd.DataFrame, horizon: int) -> None:
    """An entity's name is what is looked for, its score and level what is asked: they keep their width, a reason may be cut."""
    system = published.system
    as_of = published.sql(f"SELECT max(as_of) AS as_of FROM {system.singular}_risk_latest")["as_of"].iloc[0]
    reasons = published.sql(
        f"SELECT {system.id}, sentence FROM {system.singular}_risk_reasons WHERE as_of = ? AND horizon_hours = ? AND rank = 1 AND head = ?",
        as_of, horizon, system.head,
    )  # fmt: skip
    strongest = dict(zip(reasons[system.id], reasons["sentence"], strict=True))
    grid = Grid(title=f"Risk of {system.forecast} within {horizon} h, as of {as_of:%Y-%m-%d %H:%M} UTC", title_justify="left")
    looked_at = scored.to_dict("records")
    cells = NARROW_NAME_CELLS if out.width < NARROW else NAME_CELLS
    names = [cell(shown(row["name"], cells)) for row in looked_at]
    grid.add_column(system.singular, no_wrap=True, min_width=max((one.cell_len for one in names), default=NARROW_NAME_CELLS))
    for name, justify, width in (
        ("score", "right", 5),
        ("level", "left", 7),
        ("probability", "right", 11),
        (_measured(system), "right", 9),
    ):
        grid.add_column(name, justify=justify, no_wrap=True, overflow="ellipsis", min_width=width)  # type: ignore[arg-type]
    # A sentence that asks for more than there is would take it from the other columns, down to nothing.
    values = [_cells(system, row) for row in looked_at]
    largest = max((len(f"{row[system.measure]:,.0f}") for row in looked_at), default=0)
    grid.columns[-1].min_width = max(grid.columns[-1].min_width or 0, largest)
    room = out.width - Measurement.get(out, out.options, grid).minimum - COLUMN_EDGES
    grid.add_column("strongest reason", no_wrap=True, overflow="ellipsis", max_width=max(room, 1))
    for own, value, row in zip(names, values, looked_at, strict=True):
        add_row(grid, own, *value, strongest.get(row[system.id], ""))
    show(out, grid)


def _measured(system: System) -> str:
    """What entities are measured by, with its unit."""
    unit = system.snapshots.column(system.measure).unit
    return f"{system.measured}, {unit}" if unit else system.measured


def once(scored: pd.DataFrame, twins: dict[str, list[str]], id_: str) -> tuple[pd.DataFrame, dict[str, list[dict[str, Any]]]]:
    """Scored rows, highest first, without those that are probably one above them; and these, by the id above them."""
    above: dict[str, str] = {}
    others: dict[str, list[dict[str, Any]]] = {}
    for row in scored.to_dict("records"):
        leader = next((above[twin] for twin in twins.get(row[id_], []) if twin in above), row[id_])
        above[row[id_]] = leader
        if leader != row[id_]:
            others.setdefault(leader, []).append(row)
    return scored[scored[id_].map(above) == scored[id_]], others


def _cells(system: System, row: dict[str, Any]) -> list[str | Text]:
    """Score, level, probability and measure."""
    probability = "–" if row["probability"] != row["probability"] else f"{row['probability']:.3f}"
    return [f"{row['risk_score']:.0f}", cell(row["risk_level"], COLOURS[row["risk_level"]]), probability, f"{row[system.measure]:,.0f}"]


def _counts(scored: pd.DataFrame) -> str:
    said = ", ".join(f"{count} {level}" for level, count in scored["risk_level"].value_counts().items())
    return f"; {said}" if said else ""


def show_prediction(published: PublishedFile, found: dict[str, Any], out: Console) -> None:
    """One score with its reasons and its causes, and apart from it what has begun."""
    as_of, horizon_hours = utc(found["timestamp"]), int(found["prediction_horizon"].removesuffix("h"))
    system, entity_id = published.system, found[published.system.id]
    row = published.score(entity_id, as_of, horizon_hours)
    score = "no score" if found["risk_score"] is None else f"{found['risk_score']:.0f} of 100"
    head = f"{shown(row['name'])} ({shown(entity_id, LONGEST_TEXT)}), {horizon_hours} h from {found['timestamp']}: {score}, "
    level = cell(found["risk_level"], COLOURS[found["risk_level"]])
    out.print(Text.assemble(head, level, f" ({found['model_version']})"))
    for reason in found["top_reasons"]:
        arrow = "▲" if reason["direction"] == "increases_risk" else "▼"
        say(out, f"  {arrow} {reason['explanation']} ({reason['impact']:+.2f})")
    if system.causes.names:
        say(out, f"  {split(row, system.causes)}")
    detection = published.detection(entity_id, as_of)
    if detection is not None:
        say(out, f"  has begun: {has_begun(detection)}")


def split(score: dict[str, Any], causes: Causes) -> str:
    """The causes of a score in one line, as in "price fall 4 %, liquidity fall 1 %"; what is not known says why."""
    parts = {name.replace("_", " "): score[column] for name, column in zip(causes.names, causes.columns, strict=True)}
    if all(value != value for value in parts.values()):
        return f"{' and '.join(parts)} are not known: {score['cause_note']}"
    said = [f"{name} {'not known' if value != value else _percent(value)}" for name, value in parts.items()]
    return ", ".join(said) + (f" ({score['cause_note']})" if score["cause_note"] else "")


def has_begun(detection: dict[str, Any]) -> str:
    """A detection in one line: what the TVL does already, not what it will do."""
    if detection["state"] == "unknown":
        return f"not known, {detection['note']}"
    drop = (
        f"TVL is {_percent(-detection['drop_ratio'])} below its 24-hour high" if detection["drop_ratio"] else "TVL is at its 24-hour high"
    )
    if detection["state"] == "none":
        return f"nothing, {drop}"
    said = (
        f"no probability, {detection['note']}"
        if detection["note"]
        else f"{_percent(detection['probability'])} that it is or becomes a 20 % fall"
    )
    return f"{drop} since {detection['begun_at']:%Y-%m-%d %H:%M} UTC, {said}"


def _percent(value: float) -> str:
    return f"{value:.0%}".replace("%", " %") if value >= 0.01 else "below 1 %"


def show_history(published: PublishedFile, rows: pd.DataFrame, out: Console) -> None:
    """An entity's scores one by one, beneath its name and id."""
    system = published.system
    if len(rows):
        say(out, f"{shown(rows['name'].iloc[-1])} ({shown(rows[system.id].iloc[-1], LONGEST_TEXT)})")
    grid = Grid()
    for name in ("as_of", "score", "level", "probability", _measured(system), "status"):
        grid.add_column(name)
    for row in rows.to_dict("records"):
        cells = ["–"] * 4 if row["risk_score"] != row["risk_score"] else _cells(system, row)
        add_row(grid, f"{row['as_of']:%Y-%m-%d %H:%M}", *cells, row["status_reason"] or row["status"])
    show(out, grid)


def show_pulls(results: dict[str, Any], window: Window, out: Console) -> None:
    """What each endpoint gave for the hour, and how much of it was refused."""
    for name, result in results.items():
        about = result.metadata
        note = f"{result.rows} rows{_refused(result)}" if about["pulled"] else f"nothing new, {about['rows_kept']} rows kept"
        say(out, f"{window.as_of:%Y-%m-%d %H:%M} {name}: {note}{' – ' + about['reason'] if about['reason'] else ''}")


def _refused(result: Any) -> str:
    """As in ", 4 values refused"; what is refused and why is in monitoring/quarantine."""
    parts = {"row": result.refused, "value": result.quarantined - result.refused}
    return "".join(f", {count} {what}{'s' if count > 1 else ''} refused" for what, count in parts.items() if count)
