"""The read side of the `veririsk` command: what is published, and nothing else."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from veririsk_assets.contracts.windows import utc
from veririsk_assets.serving.queries import Published
from veririsk_assets.settings import Settings

app = typer.Typer()
# Where nobody watches a terminal (a log, a pipe) lines may be as long as they need.
out = Console(width=None if sys.stdout.isatty() else 140)
At = Annotated[str, typer.Option(help="Instant in UTC, as in 2026-11-01T12:00")]


@app.command()
def rank(
    top: Annotated[int, typer.Option(help="How many pools")] = 20,
    horizon: int = 24,
    all_pools: Annotated[bool, typer.Option("--all")] = False,
) -> None:
    """Pools of the newest hour by risk: the scored ones, then those without enough input, with their count."""
    from veririsk_assets.serving.report import show_ranking

    show_ranking(_published(), out, None if all_pools else top, horizon)


@app.command()
def predict(pool: str, as_of: At = "", as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """One pool's score with its reasons."""
    from veririsk_assets.serving.queries import prediction
    from veririsk_assets.serving.report import show_prediction

    published = _published()
    found = prediction(published, pool, utc(as_of) if as_of else None)
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        show_prediction(published, found, out)


@app.command()
def history(pool: str, horizon: int = 24, last: Annotated[int, typer.Option(help="Hours to show")] = 48) -> None:
    """A pool's published scores, hour by hour."""
    from veririsk_assets.serving.report import show_history

    published = _published()
    show_history(published.history(published.pool_id(pool), horizon).tail(last), out)


@app.command("check-published")
def check_published() -> None:
    """Fail unless the published file holds a demo's ranking that makes sense."""
    from veririsk_assets.serving.report import check_demo

    out.print(check_demo(_published()), highlight=False)


def _published() -> Published:
    return Published(Path(Settings().published_file))
