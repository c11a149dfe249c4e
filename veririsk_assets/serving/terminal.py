"""The one place that prints: texts as they are, whatever mark-up, emoji code or control sign is in them."""

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from veririsk_assets.contracts.texts import harmless

PIPED_WIDTH = 140


def output() -> Console:
    """Standard output. Where nobody watches a terminal (a log, a pipe) lines may be as long as they need."""
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)


def errors() -> Console:
    return Console(stderr=True, width=None if sys.stderr.isatty() else PIPED_WIDTH)


def say(out: Console, *lines: str) -> None:
    for line in lines:
        out.print(Text(harmless(line)))


def cell(text: str, style: str = "") -> Text:
    return Text(harmless(text), style=style)


def add_row(grid: Table, *cells: str | Text) -> None:
    """Cells that are strings are taken as they are."""
    grid.add_row(*(one if isinstance(one, Text) else cell(one) for one in cells))


def show(out: Console, grid: Table) -> None:
    """A grid's title and headings are our own words."""
    out.print(grid, markup=False)
