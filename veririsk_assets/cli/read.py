"""The read side of the `veririsk` command: what is published, and nothing else."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from veririsk_assets.contracts.vocabulary import known_horizon
from veririsk_assets.contracts.windows import utc
from veririsk_assets.serving.queries import Published
from veririsk_assets.serving.terminal import output, say
from veririsk_assets.settings import Settings

app = typer.Typer()
out = output()
At = Annotated[str, typer.Option(help="Instant in UTC, as in 2026-11-01T12:00")]
Horizon = Annotated[int, typer.Option(help="Hours ahead: 6 or 24")]
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
    top: Annotated[int, typer.Option(help="How many pools")] = 20,
    horizon: Horizon = 24,
    all_pools: Annotated[bool, typer.Option("--all")] = False,
) -> None:
    """Pools of the newest hour by risk: the scored ones, then those without enough input, with their count."""
    from veririsk_assets.cli.render import show_ranking

    show_ranking(_published(), out, None if all_pools else top, known_horizon(horizon))


@app.command()
def predict(pool: str, as_of: At = "", as_json: Annotated[bool, typer.Option("--json")] = False, horizon: Horizon = 24) -> None:
    """One pool's score with its reasons."""
    from veririsk_assets.cli.render import show_prediction
    from veririsk_assets.serving.queries import prediction

    published = _published()
    found = prediction(published, pool, moment("--as-of", as_of) if as_of else None, known_horizon(horizon))
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        show_prediction(published, found, out)


@app.command()
def history(pool: str, horizon: Horizon = 24, last: Annotated[int, typer.Option(help="Hours to show")] = 48) -> None:
    """A pool's published scores, hour by hour."""
    from veririsk_assets.cli.render import show_history

    published, hours_ahead = _published(), known_horizon(horizon)
    show_history(published.history(published.pool_id(pool), hours_ahead).tail(last), out)


@app.command("check-published")
def check_published() -> None:
    """Fail unless the published file holds a demo's ranking that makes sense."""
    from veririsk_assets.cli.demo import check_demo

    say(out, check_demo(_published()))


def _published() -> Published:
    return Published(Path(Settings().published_file))
