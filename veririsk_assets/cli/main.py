"""The `veririsk` command."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from veririsk_assets.cli import backtest as cli_backtest
from veririsk_assets.cli import crosswalk as cli_crosswalk
from veririsk_assets.cli import models as cli_models
from veririsk_assets.cli import read as cli_read
from veririsk_assets.cli import train as cli_train
from veririsk_assets.cli.read import moment
from veririsk_assets.cli.stopping import listen, stop_if_asked
from veririsk_assets.contracts.windows import Window, floor_hour, utc
from veririsk_assets.serving.terminal import errors, say
from veririsk_assets.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Early-warning scores for DeFi pools.")
app.add_typer(cli_train.app, name="train")
app.add_typer(cli_backtest.app, name="backtest")
app.add_typer(cli_crosswalk.app, name="crosswalk")
app.add_typer(cli_models.app, name="models")
app.command("replay")(cli_models.replay_command)
app.command("recompute")(cli_models.recompute_command)
app.add_typer(cli_read.app)
out = cli_read.out
err = errors()
# What a shell calls a command that Ctrl-C ended.
STOPPED = 130
WORDS = {"load": "loading", "train": "training on what had matured by", "score": "scoring"}


@contextmanager
def _house(read_only: bool = False) -> Iterator[Any]:
    # Opening a lake imports DuckDB and pandas: `--help` should not wait for them.
    from veririsk_assets.pipeline.step import opened

    with opened(read_only) as house:
        yield house


@contextmanager
def _progress() -> Iterator[Any]:
    """Shows what is being done; a plain line a step where nobody watches a terminal."""
    with Bar(
        SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn(), console=err, disable=not err.is_terminal
    ) as bar:
        task = bar.add_task("starting")

        def show(kind: str, window: Window) -> None:
            stop_if_asked()
            line = f"{WORDS[kind]} {window.end:%Y-%m-%d %H:%M}" if kind == "train" else f"{WORDS[kind]} {window}"
            bar.update(task, description=line)
            if not err.is_terminal:
                say(err, line)

        yield show


@app.command()
def demo(end: Annotated[str, typer.Option(help="Last hour, UTC; default: the last full hour")] = "") -> None:
    """A simulated market of 90 days, from the first pull to a ranking with reasons."""
    from veririsk_assets.cli.demo import show_demo
    from veririsk_assets.pipeline.demo import demo as run_demo

    if Settings().source != "simulated":
        raise typer.BadParameter("the demo runs on the simulated market; unset VERIRISK_SOURCE")
    asked = moment("--end", end) if end else None
    with _house() as house:
        last = asked or _demo_end(house.settings)
        with _progress() as progress:
            run_demo(house, floor_hour(last), progress, lambda line: say(err, line))
        show_demo(house.settings, out)


def _demo_end(settings: Settings) -> datetime:
    """The market's own end where a demo ran before: its forced pools are in trouble then, not later."""
    from veririsk_assets.pipeline.known.outside import MARKET_FILE

    file = settings.mode_home / MARKET_FILE
    fixed = json.loads(file.read_text())["forced_end"] if file.exists() else None
    return utc(fixed) if fixed else floor_hour(datetime.now(UTC))


@app.command()
def run(
    start: Annotated[str, typer.Option("--from", help="First hour, UTC")],
    end: Annotated[str, typer.Option("--to", help="End, exclusive, UTC")],
    history: Annotated[str, typer.Option(help="Earlier history to load unscored: all, or days")] = "all",
) -> None:
    """Replay the clock: load earlier history, then score every hour with a model that had not seen its future."""
    from veririsk_assets.pipeline import replay
    from veririsk_assets.pipeline.known.outside import outside
    from veririsk_assets.pipeline.publishing import publish as publish_file
    from veririsk_assets.pipeline.recorded_hours import within_recording

    first_scored, last = floor_hour(moment("--from", start)), floor_hour(moment("--to", end))
    if last <= first_scored:
        raise ValueError(f"--to {end} is not after --from {start}")
    with _house() as house, _progress() as progress:
        asked = within_recording(house.settings, first_scored, last)
        first_scored, last = asked.start, asked.end
        say(err, *asked.said)
        first = floor_hour(replay.history_start(first_scored, history, replay.earliest_hour(house)))
        replay.run(house, outside(house), first, first_scored, last, progress)
        done = publish_file(house)
        say(out, f"Scored {first_scored:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC; published in {done.path}")


@app.command()
def generate(
    pool: str,
    profile: Annotated[str, typer.Option(help="safe, mixed, risky or crash_prone")] = "mixed",
    hours: int = 720,
    force: Annotated[bool, typer.Option(help="End in trouble")] = False,
    seed: int = 0,
) -> None:
    """Print a pool of the report's generator as CSV."""
    from veririsk_assets.contracts.texts import repaired, spreadsheet
    from veririsk_assets.simulation.generator import generate as make

    make(spreadsheet(repaired(pool)), hours, profile, force, seed).to_csv(sys.stdout, index=False)


@app.command()
def fetch(repull: Annotated[bool, typer.Option(help="Ask again although the hour is stored")] = False) -> None:
    """Pull the current hour from every source, score it and publish."""
    from veririsk_assets.cli.render import show_pulls
    from veririsk_assets.pipeline.known.outside import outside
    from veririsk_assets.pipeline.publishing import publish as publish_file
    from veririsk_assets.pipeline.replay import score_window
    from veririsk_assets.pipeline.saying.unscored import of_hour

    with _house() as house:
        window = Window.ending(floor_hour(house.now()))
        show_pulls(score_window(house, outside(house), window, repull), window, out)
        publish_file(house)
        say(out, *of_hour(house, window))


@app.command()
def status() -> None:
    """What is stored, how fresh it is, which model serves; without a model, from when one can exist."""
    from veririsk_assets.pipeline.status import status as lines

    with _house(read_only=True) as house:
        say(out, *lines(house))


@app.command()
def publish() -> None:
    """Bring the published file up to the lake."""
    from veririsk_assets.pipeline.publishing import publish as publish_file

    with _house() as house:
        done = publish_file(house)
        say(out, f"{done.path}: {'written' if done.is_written else done.reason}")


@app.command()
def upkeep() -> None:
    """Merge small files of the lake, expire old snapshots, remove what nothing refers to."""
    from veririsk_assets.lake.upkeep import run as run_upkeep
    from veririsk_assets.pipeline.upkeep import kept_snapshots

    with _house() as house:
        done = run_upkeep(house.lake, kept_snapshots(house))
        say(out, f"{done.files_before} → {done.files_after} files, {done.snapshots_expired} snapshots expired")


@app.command()
def init() -> None:
    """Make the home: lake, Dagster instance. Harmless when they are there."""
    from veririsk_assets.pipeline.demo import initialise_dagster

    with _house() as house:
        initialise_dagster(house.settings)


@app.command()
def home(dagster: Annotated[bool, typer.Option(help="Its Dagster folder")] = False) -> None:
    """Print the folder of the current source mode."""
    from veririsk_assets.pipeline.demo import dagster_home

    print(dagster_home(Settings()) if dagster else Settings().mode_home)


@app.command()
def docs(check: Annotated[bool, typer.Option(help="Only say whether they are stale")] = False) -> None:
    """Write the generated documents: docs/tables.md and .env.example."""
    from veririsk_assets.pipeline.documents import stale, write

    if check:
        raise SystemExit(f"stale: {', '.join(map(str, stale()))}" if stale() else 0)
    write()


def main() -> None:
    """Runs the command; what a person can mend is one sentence and exit code 1, everything else a traceback."""
    listen()
    for stream in (sys.stdout, sys.stderr):
        # A sign that the terminal's encoding lacks must not end a command.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        app()
    except KeyboardInterrupt:
        _stopped()
    except SystemExit as end:
        if end.code == STOPPED:
            _stopped()
        raise
    except Exception as error:
        # Imported where something failed: it knows DuckDB and the lake, for which `--help` should not wait.
        from veririsk_assets.pipeline.failures import sentence, was_stopped

        if was_stopped(error):
            _stopped()
        told = sentence(error)
        if told is None:
            raise
        say(err, f"veririsk: {told}")
        raise SystemExit(1) from None


def _stopped() -> None:
    say(err, "veririsk: stopped; what was stored stays, the same command goes on from there")
    raise SystemExit(STOPPED)
