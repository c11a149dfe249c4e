"""The read side of the `veririsk` command: what is published, and nothing else."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from veririsk_assets.contracts.systems import POOLS, SYSTEMS, known_system
from veririsk_assets.contracts.windows import utc
from veririsk_assets.serving.queries import PublishedFile
from veririsk_assets.serving.terminal import output, say
from veririsk_assets.settings import Settings

app = typer.Typer()
out = output()
At = Annotated[str, typer.Option(help="Instant in UTC, as in 2026-11-01T12:00")]
Horizon = Annotated[int | None, typer.Option(help="Hours ahead; default: the one that the system shows, of pools 24 of 6 and 24")]
Of = Annotated[str, typer.Option("--system", help="Risk system: " + ", ".join(system.name for system in SYSTEMS))]
Entity = Annotated[str, typer.Argument(help="Id or name of a pool, or of what else the system scores")]
# Pools have a history from 2018 on; a century is room enough for arithmetic with hours.
YEARS = range(1970, 2101)


def moment(option: str, typed: str) -> datetime:
    """The instant that an option names, aware UTC. Raises ValueError that says how one is written."""
    try:
        read = utc(typed.strip())
    except (ValueError, OverflowError):
        read = None
    if read is None or read.year not in YEARS:
        raise ValueError(f"{option} {typed!r} is no instant: write it in UTC, as 2026-11-01 or 2026-11-01T12:00")
    return read


@app.command()
def rank(
    top: Annotated[int, typer.Option(help="How many")] = 20,
    horizon: Horizon = None,
    everything: Annotated[bool, typer.Option("--all")] = False,
    system: Of = POOLS.name,
) -> None:
    """Pools, or another system's entities, of the newest hour by risk: the scored ones, then those without enough input, with their count."""
    from veririsk_assets.cli.render import show_ranking

    published, hours = _asked(system, horizon)
    show_ranking(published, out, None if everything else top, hours)


@app.command()
def predict(
    entity: Entity,
    as_of: At = "",
    as_json: Annotated[bool, typer.Option("--json")] = False,
    horizon: Horizon = None,
    system: Of = POOLS.name,
) -> None:
    """One score with its reasons."""
    from veririsk_assets.cli.render import show_prediction
    from veririsk_assets.serving.queries import prediction

    published, hours = _asked(system, horizon)
    found = prediction(published, entity, moment("--as-of", as_of) if as_of else None, hours)
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        show_prediction(published, found, out)


@app.command()
def history(
    entity: Entity, horizon: Horizon = None, last: Annotated[int, typer.Option(help="How many to show")] = 48, system: Of = POOLS.name
) -> None:
    """Published scores of one pool, or of another system's entity, the newest last."""
    from veririsk_assets.cli.render import show_history

    published, hours = _asked(system, horizon)
    show_history(published, published.history(published.entity_id(entity), hours).tail(last), out)


@app.command("check-published")
def check_published() -> None:
    """Fail unless the published file holds a demo's ranking that makes sense."""
    from veririsk_assets.cli.demo import check_demo

    say(out, check_demo(_asked(POOLS.name, None)[0]))


def _asked(name: str, horizon: int | None) -> tuple[PublishedFile, int]:
    """What is published of a system, and the horizon that is meant. Raises ValueError for one that there is not, before anything is opened."""
    system = known_system(name)
    return PublishedFile(Path(Settings().published_file), system), system.known_horizon(horizon)
