"""What the command line shows of the published file."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table as Grid

from veririsk_assets.contracts.vocabulary import CAUSES, CRASH_HEAD
from veririsk_assets.contracts.windows import Window, utc
from veririsk_assets.serving.queries import NothingPublished, Published
from veririsk_assets.settings import Settings

COLOURS = {"HIGH": "red", "MEDIUM": "yellow", "LOW": "green", "UNKNOWN": "dim"}
DEMO_NAMES = ("critical_risk_pool", "high_risk_pool")


def show_ranking(published: Published, out: Console, top: int | None, horizon_hours: int) -> None:
    """Scored pools by risk, each with its strongest reason; then how many had not enough input, and why."""
    rows = published.ranking(horizon_hours)
    scored, unknown = rows[rows["risk_score"].notna()], rows[rows["risk_score"].isna()]
    scored, others = once(scored, published.twins())
    as_of = rows["as_of"].iloc[0]
    reasons = published.sql(
        "SELECT pool_id, sentence FROM pool_risk_reasons WHERE as_of = ? AND horizon_hours = ? AND rank = 1 AND head = ?",
        as_of, horizon_hours, CRASH_HEAD,
    )  # fmt: skip
    strongest = dict(zip(reasons["pool_id"], reasons["sentence"], strict=True))
    grid = Grid(title=f"Risk of a 20 % TVL fall within {horizon_hours} h, as of {as_of:%Y-%m-%d %H:%M} UTC", title_justify="left")
    for name, justify in (
        ("pool", "left"),
        ("score", "right"),
        ("level", "left"),
        ("probability", "right"),
        ("TVL, USD", "right"),
        ("strongest reason", "left"),
    ):
        # The pool's name is what is looked for: it is never cut, a reason may be.
        grid.add_column(name, justify=justify, no_wrap=True, overflow="ellipsis", min_width=24 if name == "pool" else None)  # type: ignore[arg-type]
    for row in scored.head(top or len(scored)).to_dict("records"):
        grid.add_row(*_cells(row), strongest.get(row["pool_id"], ""))
    out.print(grid)
    for pool_id in scored.head(top or len(scored))["pool_id"]:
        for other in others.get(pool_id, []):
            score = f"{other['risk_score']:.0f}, {other['risk_level']}"
            out.print(f"  {pool_id} is probably {other['pool_id']} ({other['name']}: {score})", highlight=False, markup=False)
    shown = len(scored) if top is None else min(top, len(scored))
    repeated = sum(map(len, others.values()))
    if repeated:
        out.print(f"{repeated} ids that are probably another pool's too are shown with it and not counted.", highlight=False)
    out.print(f"{shown} of {len(scored)} scored pools shown; {_counts(scored)}. Insufficient input: {len(unknown)} pools.", highlight=False)
    for reason, count in unknown["status_reason"].value_counts().items():
        out.print(f"  {count} × {reason}", highlight=False)
    models = ", ".join(sorted({f"{r['model_name']} version {r['model_version']}" for r in scored.to_dict("records")}))
    out.print(f"Model: {models or 'none'}", highlight=False)


def once(scored: pd.DataFrame, twins: dict[str, list[str]]) -> tuple[pd.DataFrame, dict[str, list[dict[str, Any]]]]:
    """Scored rows, highest first, without those that are probably a pool above them; and these, by the id above them."""
    above: dict[str, str] = {}
    others: dict[str, list[dict[str, Any]]] = {}
    for row in scored.to_dict("records"):
        leader = next((above[twin] for twin in twins.get(row["pool_id"], []) if twin in above), row["pool_id"])
        above[row["pool_id"]] = leader
        if leader != row["pool_id"]:
            others.setdefault(leader, []).append(row)
    return scored[[above[pool_id] == pool_id for pool_id in scored["pool_id"]]], others


def _cells(row: dict[str, Any]) -> list[str]:
    colour = COLOURS[row["risk_level"]]
    probability = "–" if row["probability"] != row["probability"] else f"{row['probability']:.3f}"
    return [row["name"], f"{row['risk_score']:.0f}", f"[{colour}]{row['risk_level']}[/]", probability, f"{row['tvl_usd']:,.0f}"]


def _counts(scored: pd.DataFrame) -> str:
    return ", ".join(f"{count} {level}" for level, count in scored["risk_level"].value_counts().items())


def show_prediction(published: Published, found: dict[str, Any], out: Console) -> None:
    """One score with its reasons and its causes, and apart from it what has begun."""
    score = "no score" if found["risk_score"] is None else f"{found['risk_score']:.0f} of 100"
    colour = COLOURS[found["risk_level"]]
    out.print(
        f"{found['pool_id']} at {found['timestamp']}: {score}, [{colour}]{found['risk_level']}[/] ({found['model_version']})",
        highlight=False,
    )
    for reason in found["top_reasons"]:
        arrow = "▲" if reason["direction"] == "increases_risk" else "▼"
        out.print(f"  {arrow} {reason['explanation']} ({reason['impact']:+.2f})", highlight=False, markup=False)
    as_of = utc(found["timestamp"])
    out.print(f"  {split(published.score(found['pool_id'], as_of))}", highlight=False, markup=False)
    detection = published.detection(found["pool_id"], as_of)
    if detection is not None:
        out.print(f"  has begun: {has_begun(detection)}", highlight=False, markup=False)


def split(score: dict[str, Any]) -> str:
    """The causes of a score in one line, as in "price fall 4 %, liquidity fall 1 %"; what is not known says why."""
    parts = {cause.replace("_", " "): score[f"{cause}_probability"] for cause in CAUSES}
    if all(value != value for value in parts.values()):
        return f"price fall and liquidity fall are not known: {score['cause_note']}"
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


def show_history(rows: pd.DataFrame, out: Console) -> None:
    """Scores hour by hour."""
    grid = Grid()
    for name in ("as_of", "score", "level", "probability", "TVL, USD", "status"):
        grid.add_column(name)
    for row in rows.to_dict("records"):
        cells = ["–"] * 4 if row["risk_score"] != row["risk_score"] else _cells(row)[1:]
        grid.add_row(f"{row['as_of']:%Y-%m-%d %H:%M}", *cells, row["status_reason"] or row["status"])
    out.print(grid)


def show_pulls(results: dict[str, Any], window: Window, out: Console) -> None:
    """What each endpoint gave for the hour."""
    for name, result in results.items():
        about = result.metadata
        note = f"{result.rows} rows" if about["pulled"] else f"nothing new, {about['rows_kept']} rows kept"
        out.print(f"{window.as_of:%Y-%m-%d %H:%M} {name}: {note}{' – ' + about['reason'] if about['reason'] else ''}", highlight=False)


def show_demo(settings: Settings, out: Console) -> None:
    """The end of the demo: the ranking, one prediction, and where to look next."""
    from veririsk_assets.serving.queries import prediction

    published = Published(Path(settings.published_file))
    show_ranking(published, out, 12, 24)
    show_prediction(published, prediction(published, DEMO_NAMES[0], None), out)
    out.print(
        f"\nPublished: {settings.published_file}\nNext: `make ui` for the graph, `.venv/bin/veririsk rank`, `.venv/bin/veririsk predict curve_3pool`.",
        highlight=False,
    )


def check_demo(published: Published) -> str:
    """One line about a good file; raises NothingPublished with what is wrong."""
    rows = published.ranking(24)
    about = published.sql("SELECT * FROM _about").iloc[0]
    levels = dict(zip(rows["name"], rows["risk_level"], strict=True))
    wrong = [f"{name} is {levels.get(name, 'missing')}" for name in DEMO_NAMES if levels.get(name) != "HIGH"]
    if wrong:
        raise NothingPublished(f"the demo's ranking does not make sense: {', '.join(wrong)}")
    share = (rows["risk_level"] == "HIGH").mean()
    if share > 0.5:
        raise NothingPublished(f"{share:.0%} of the pools are HIGH: nobody would look at that")
    latest: datetime = about["latest_as_of"]
    return f"published file is good: {len(rows)} pools at {latest:%Y-%m-%d %H:%M} UTC, {share:.0%} HIGH, {', '.join(DEMO_NAMES)} among them"
