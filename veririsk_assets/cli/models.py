"""`veririsk models` and `veririsk replay`: who serves, who waits, how their scores turned out, and one score once more."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import typer

from veririsk_assets.cli.read import Entity, Horizon, Of, moment, out
from veririsk_assets.contracts.models import PERFORMANCE
from veririsk_assets.contracts.systems import POOLS, System, known_system
from veririsk_assets.serving.terminal import add_row, say, show

app = typer.Typer(no_args_is_help=True, help="Trained versions: list, compare, promote, roll back, watch.")
From = Annotated[str, typer.Option("--from", help="as_of from which it holds, UTC; default: the next hour to be scored")]
Reason = Annotated[str, typer.Option(help="Why; kept in models/champions and as a tag of the version")]


@contextmanager
def _house(read_only: bool = False) -> Iterator[Any]:
    # Opening a lake imports DuckDB and pandas: `--help` should not wait for them.
    from veririsk_assets.pipeline.step import opened

    with opened(read_only) as house:
        yield house


@app.command("list")
def list_versions(system: Of = POOLS.name) -> None:
    """Every trained version: what validation said, and whether it serves, waits or served before."""
    from rich.table import Table

    from veririsk_assets.pipeline.learning.comparison import listed

    with _house(read_only=True) as house:
        known = listed(house, known_system(system))
    grid = Table("horizon", "version", "role", "algorithm", "trained as of", "base rate", "AP", "AUC", "ECE")
    for row in known.to_dict("records"):
        numbers = (_shown(row[name]) for name in ("base_rate_ratio", "validation_ap", "validation_auc", "validation_ece"))
        trained = f"{row['trained_as_of']:%Y-%m-%d %H:%M}"
        add_row(grid, f"{row['horizon_hours']} h", row["version"], row["role"], row["algorithm"], trained, *numbers)
    if len(known):
        show(out, grid)
    else:
        say(out, "nothing was trained yet: the rule-based score serves")


@app.command()
def compare(
    a: str,
    b: str,
    horizon: Horizon = None,
    days: Annotated[int, typer.Option(help="Days of matured labels, at most 28")] = 28,
    system: Of = POOLS.name,
) -> None:
    """Two versions: what validation promised, and how both turned out on the hours that both have scored."""
    from rich.table import Table

    from veririsk_assets.contracts.windows import Window
    from veririsk_assets.pipeline.learning.comparison import compared

    of = known_system(system)
    hours = of.known_horizon(horizon)
    with _house(read_only=True) as house:
        found = compared(house, of, hours, (a, b), Window.ending(_labelled_until(house, of), 24 * min(days, 28)))
    grid = Table(
        "",
        *(f"version {v} ({n})" for v, n in zip((a, b), found["algorithm"], strict=True)),
        title=f"{hours} h ahead",
        title_justify="left",
    )
    for name, pair in (found["promised"] | found["intervals"] | found.get("measured", {})).items():
        add_row(grid, name, *map(_shown, pair))
    show(out, grid)
    if not found["rows"]:
        say(out, "No hour with a matured label was scored by both: let one of them run in shadow first.")
        return
    say(out, f"Measured on {found['rows']:,} rows with {found['events']} positive labels that both have scored.")
    say(out, f"Published scores: {found['served'][0]:,} of version {a}, {found['served'][1]:,} of version {b}.")
    for name, gain in found["gains"].items():
        say(out, f"{name.upper()} of {a} minus {b}: {gain.value:+.4f} [{gain.lo:+.4f}, {gain.hi:+.4f}]")


@app.command()
def promote(
    version: Annotated[str, typer.Argument(help="Default: the challenger")] = "",
    horizon: Horizon = None,
    valid_from: From = "",
    reason: Reason = "",
    gate: Annotated[bool, typer.Option("--gate", help="Only if the gate says so")] = False,
    system: Of = POOLS.name,
) -> None:
    """Let a version serve. The gate's verdict is recorded beside your reason; with --gate it decides."""
    _carry_out(known_system(system), "judge" if gate else "promote", horizon, version, valid_from, reason)


@app.command()
def rollback(
    version: Annotated[str, typer.Option("--to", help="Version, or rule for none; default: the champion before")] = "",
    horizon: Horizon = None,
    valid_from: From = "",
    reason: Reason = "",
    system: Of = POOLS.name,
) -> None:
    """Let the champion before serve again."""
    _carry_out(known_system(system), "rollback", horizon, version, valid_from, reason)


def _carry_out(system: System, action: str, horizon: int | None, version: str, valid_from: str, reason: str) -> None:
    from veririsk_assets.contracts.windows import floor_hour
    from veririsk_assets.pipeline.learning.promotion import Order, appoint, next_instant

    hours = system.known_horizon(horizon)
    asked = floor_hour(moment("--from", valid_from)) if valid_from else None
    with _house() as house:
        since = asked or next_instant(house, system)
        done = appoint(house, Order(system, hours, action, since, version, reason))
    say(out, done.metadata["verdict"])
    serving = f"version {done.metadata['champion']}" if done.metadata["champion"] != "rule" else "the rule-based score"
    say(out, f"{hours} h: {serving} serves{f' from {since:%Y-%m-%d %H:%M} UTC on' if done.changed else ', as before'}")


@app.command()
def performance(
    as_of: Annotated[str, typer.Option(help="Judge by labels that had matured by then, UTC")] = "", system: Of = POOLS.name
) -> None:
    """How published scores turned out, by version, beside what validation promised."""
    from rich.table import Table

    from veririsk_assets.contracts.windows import Window, floor_hour
    from veririsk_assets.pipeline.saying.performance import judge_scores

    of = known_system(system)
    asked = floor_hour(moment("--as-of", as_of)) if as_of else None
    with _house() as house:
        judged_at = asked or _labelled_until(house, of)
        published = judge_scores(house, of, judged_at).metadata["published"]
        rows = house.lake.read(PERFORMANCE, Window.ending(judged_at), where="system = ?", parameters=[of.name]).to_dict("records")
    grid = Table(
        "version", "how", "rows", "events", "AP", "promised", "AUC", "promised", "ECE", "promised", "Brier skill", "HIGH precision", "promised",
    )  # fmt: skip
    pairs = ("ap", "auc", "ece")
    for row in rows:
        numbers = [_shown(row[name]) for pair in pairs for name in (pair, f"validation_{pair}")]
        numbers[0] += f" [{_shown(row['ap_low'])}, {_shown(row['ap_high'])}]"
        numbers += [_shown(row[name]) for name in ("brier_skill", "high_precision", "validation_high_precision")]
        name = f"{row['horizon_hours']} h {row['model_name']} {row['model_version']}"
        add_row(grid, name, row["how"], f"{row['rows_count']:,}", str(row["events_count"]), *numbers)
    show(out, grid)
    for row in rows:
        for line in _remarks(row):
            say(out, f"{row['horizon_hours']} h version {row['model_version']}, {row['how']}: {line}")
    say(out, f"As of {judged_at:%Y-%m-%d %H:%M} UTC; scores as they were first stored: {published}.")


def _remarks(row: dict[str, Any]) -> Iterator[str]:
    if row["is_below_promise"] is True:
        yield "below its promise: consider `veririsk models rollback`"
    if row["late_ratio"]:
        yield f"{row['late_ratio']:.0%} of the scores were computed after their horizon had passed: a replay, not a forecast"


def replay_command(
    entity: Entity,
    as_of: Annotated[str, typer.Option(help="Hour of the score, UTC, as in 2026-11-01T12:00")],
    horizon: Annotated[int, typer.Option(help="Hours ahead; 0: every horizon of the system")] = 0,
    system: Of = POOLS.name,
) -> None:
    """Compute a past score again, from the raw rows available then and the version that served then. Exit code 1 if it differs."""
    from veririsk_assets.contracts.windows import floor_step
    from veririsk_assets.pipeline.saying.rescore import replay_score

    of = known_system(system)
    wanted = (of.known_horizon(horizon),) if horizon else of.horizons
    instant = floor_step(moment("--as-of", as_of), of.step_hours)
    with _house(read_only=True) as house:
        replays = replay_score(house, of, entity, instant, wanted)
    for replay in replays:
        say(out, *replay_lines(replay))
    if any(replay.published is not None and not replay.is_same for replay in replays):
        raise typer.Exit(1)


def replay_lines(replay: Any) -> Iterator[str]:
    """What a replay found, for a person."""
    said = replay.replayed
    yield (
        f"{replay.entity_id}, {replay.horizon} h: score {_shown(said['risk_score'])} {said['risk_level']}, probability {_shown(said['probability'])}, "
        f"{said['model_name']} version {said['model_version']}, {said['status']}"
    )
    if replay.published is None:
        yield "  no score of that hour was published: nothing to compare with"
    elif replay.is_same:
        yield f"  equals what was published at {replay.published['scored_at']:%Y-%m-%d %H:%M} UTC, within 1e-6"
    else:
        yield f"  differs from what was published at {replay.published['scored_at']:%Y-%m-%d %H:%M} UTC:"
    for name, (published, replayed) in replay.differences.items():
        yield f"    {name}: {_shown(published, 9)} was published, {_shown(replayed, 9)} now"
    for remark in replay.remarks:
        yield f"  {remark}"


def recompute_command(
    start: Annotated[str, typer.Option("--from", help="First hour, UTC")],
    end: Annotated[str, typer.Option("--to", help="End, exclusive, UTC")],
    system: Of = POOLS.name,
) -> None:
    """Rebuild snapshots and features of the past from what raw holds now, rows that came too late included. Scores stay as they were said."""
    from veririsk_assets.contracts.windows import Window, floor_step
    from veririsk_assets.pipeline.known.features import recompute as rebuild

    of = known_system(system)
    first, last = (floor_step(moment(option, typed), of.step_hours) for option, typed in (("--from", start), ("--to", end)))
    window = Window(first, last, of.step_hours)
    with _house() as house:
        done = rebuild(house, of, window)
        changed = "changed" if done.changed else "the same as before"
        counts = f"{done.metadata['snapshots']:,} snapshots and {done.metadata['features']:,} feature rows"
        say(out, f"{window}: {counts}, {changed}; published scores are untouched")


def _labelled_until(house: Any, system: System) -> datetime:
    """The newest instant up to which labels have matured."""
    span = house.lake.span(system.labels, "matured_at")
    if span is None:
        raise ValueError("no label has matured yet")
    return span[1]


def _shown(value: Any, digits: int = 4) -> str:
    if value is None or value != value:
        return "–"
    if isinstance(value, dict):
        return f"{_shown(value['value'], digits)} [{_shown(value['lo'], digits)}, {_shown(value['hi'], digits)}]"
    return value if isinstance(value, str) else f"{float(value):.{digits}g}"
