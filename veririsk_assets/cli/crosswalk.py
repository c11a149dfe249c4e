"""Ids that are probably one pool, for a person to review."""

import typer

app = typer.Typer(no_args_is_help=True, help="Which ids of two sources are one pool.")


@app.callback()
def crosswalk() -> None:
    """Which ids of two sources are one pool."""


@app.command()
def suggest() -> None:
    """Print suspected twins as rows of contracts/pools_crosswalk.csv: once reviewed, fill in reviewed_at and reviewer and add them."""
    from veririsk_assets.pipeline.known.crosswalk import as_csv, suggestions
    from veririsk_assets.pipeline.step import opened

    with opened(read_only=True) as house:
        print(as_csv(suggestions(house)), end="")
