"""The demo: a simulated market of 90 days, scored for its last week, the last 24 hours of it by Dagster."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from veririsk_assets.contracts.paths import plain, write_whole
from veririsk_assets.contracts.windows import HOUR, Window
from veririsk_assets.pipeline.known.outside import outside
from veririsk_assets.pipeline.publishing import publish
from veririsk_assets.pipeline.replay import Progress, run
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import REPOSITORY_ROOT, Settings

HISTORY_DAYS = 90
SCORED_DAYS = 7
DAGSTER_HOURS = 24
# Its log lines are coloured even where nobody sees them.
COLOURED = re.compile(r"\x1b\[[0-9;]*m")


class DagsterFailed(Exception):
    """The demo's Dagster run did not succeed."""


def demo(house: House, end: datetime, progress: Progress, say: Callable[[str], None]) -> None:
    """90 days up to `end`: loaded, learnt from, and the last seven scored; the last 24 hours as one Dagster run, then the day of protocols."""
    world = outside(house, end)
    start = end - timedelta(days=SCORED_DAYS)
    first = end - timedelta(days=HISTORY_DAYS)
    run(house, world, first, start, end - DAGSTER_HOURS * HOUR, progress)
    say("The last 24 hours as one Dagster run, from raw to published")
    materialize_by_dagster(house.settings, Window.ending(end, DAGSTER_HOURS))
    # The hours have brought what the day that began in them needs.
    run(house, world, first, start, end, progress)
    publish(house)


def dagster_home(settings: Settings) -> Path:
    """DAGSTER_HOME of the home, with the repository's dagster.yaml in it."""
    chosen = os.environ.get("DAGSTER_HOME")
    home = Path(chosen) if chosen else settings.home.expanduser().resolve() / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        write_whole(home / "dagster.yaml", (REPOSITORY_ROOT / "dagster.yaml").read_text())
    return plain(home)


def initialise_dagster(settings: Settings) -> None:
    """Makes the instance's own tables once: a fresh home opened by several processes at once fails in making them."""
    environment = os.environ | {"DAGSTER_HOME": str(dagster_home(settings))}
    _run_dagster([sys.executable, "-m", "dagster", "instance", "migrate"], environment)


def materialize_by_dagster(settings: Settings, window: Window) -> None:
    """One run of the job hourly_scoring over the window's hours, in a process of its own. Raises DagsterFailed."""
    last = window.end - HOUR
    keys = {"start": f"{window.start:%Y-%m-%d-%H:%M}", "end": f"{last:%Y-%m-%d-%H:%M}"}
    tags = {f"dagster/asset_partition_range_{edge}": key for edge, key in keys.items()}
    environment = os.environ | {
        "DAGSTER_HOME": str(dagster_home(settings)),
        "VERIRISK_SOURCE": settings.source,
        "VERIRISK_HOME": str(settings.home),
    }
    command = [sys.executable, "-m", "veririsk_assets.defs.launch", "hourly_scoring", *(f"{k}={v}" for k, v in tags.items())]
    _run_dagster(command, environment)


def _run_dagster(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        said = COLOURED.sub("", (done.stdout + done.stderr)[-4000:])
        raise DagsterFailed(f"Dagster failed ({' '.join(command[2:4])}):\n{said}")
