"""`veririsk train`: a command for every system that learns."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from veririsk_assets.cli.read import moment, out
from veririsk_assets.contracts.systems import SYSTEMS, System
from veririsk_assets.contracts.windows import floor_hour
from veririsk_assets.serving.terminal import say

if TYPE_CHECKING:
    from veririsk_assets.pipeline.step import House

app = typer.Typer(no_args_is_help=True, help="Train models.")
AsOf = Annotated[str, typer.Option(help="Train as if it were then, UTC")]
Tries = Annotated[int, typer.Option("--search", min=0, help="First search hyperparameters, with so many tries for each model; 0: none")]
Seconds = Annotated[float, typer.Option("--search-seconds", min=1.0, help="At most so long for each model and horizon")]


@app.callback()
def main() -> None:
    """Keeps a system's name a sub-command while it is the only one."""


def _train(system: System) -> Callable[..., None]:
    def train(as_of: AsOf = "", search: Tries = 0, search_seconds: Seconds = 30.0) -> None:
        from veririsk_assets.pipeline import replay
        from veririsk_assets.pipeline.learning import train as learning
        from veririsk_assets.pipeline.step import opened

        asked = floor_hour(moment("--as-of", as_of)) if as_of else None
        with opened() as house:
            trained_as_of = asked or floor_hour(house.now())
            replay.label_until(house, system, trained_as_of)
            if search:
                _search(house, system, trained_as_of, search, search_seconds)
            for name, value in learning.train(house, system, trained_as_of).metadata.items():
                say(out, f"{name}: {value}")

    return train


def _search(house: "House", system: System, as_of: datetime, tries: int, seconds: float) -> None:
    from veririsk_assets.pipeline.learning.searching import search_all
    from veririsk_assets.training.datasets import CannotTrain
    from veririsk_assets.training.search import Budget

    for horizon in system.horizons:
        try:
            for found in search_all(house, system, horizon, as_of, Budget(tries, seconds)):
                best = ", ".join(
                    f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in found.params.items()
                )
                said = f"{found.name}: AP {found.value:.4f} on inner folds with {best or 'what it had'} (as catalogued {found.usual:.4f})"
                said = said if found.value == found.value else f"{found.name}: no proposal could be judged on every inner fold"
                say(out, f"{horizon}h_search: {said}; {len(found.tried)} tried, {sum(one.is_pruned for one in found.tried)} given up early")
        except CannotTrain as reason:
            say(out, f"{horizon}h_search: not searched: {reason}")


for one in SYSTEMS:
    if one.learns:
        app.command(one.name, help=f"Train every horizon of {one.name} on what has matured; the winner serves from then on.")(_train(one))
