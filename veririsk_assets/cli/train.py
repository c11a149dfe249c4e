"""`veririsk train`: a command for every system that learns."""

from collections.abc import Callable
from typing import Annotated

import typer

from veririsk_assets.cli.read import moment, out
from veririsk_assets.contracts.systems import SYSTEMS, System
from veririsk_assets.contracts.windows import floor_hour
from veririsk_assets.serving.terminal import say

app = typer.Typer(no_args_is_help=True, help="Train models.")
AsOf = Annotated[str, typer.Option(help="Train as if it were then, UTC")]


@app.callback()
def main() -> None:
    """Keeps a system's name a sub-command while it is the only one."""


def _train(system: System) -> Callable[[str], None]:
    def train(as_of: AsOf = "") -> None:
        from veririsk_assets.pipeline import replay
        from veririsk_assets.pipeline.learning import train as learning
        from veririsk_assets.pipeline.step import opened

        asked = floor_hour(moment("--as-of", as_of)) if as_of else None
        with opened() as house:
            trained_as_of = asked or floor_hour(house.now())
            replay.label_until(house, system, trained_as_of)
            for name, value in learning.train(house, system, trained_as_of).metadata.items():
                say(out, f"{name}: {value}")

    return train


for one in SYSTEMS:
    if one.learns:
        app.command(one.name, help=f"Train every horizon of {one.name} on what has matured; the winner serves from then on.")(_train(one))
