"""Numbers and tables of a report as Markdown."""

from typing import Any

Tree = dict[str, Any]


def shown(found: Tree | None, digits: int = 3, signed: bool = False) -> str:
    """`value [lo, hi]`, or a dash where it is not defined."""
    if not found or found.get("value") is None:
        return "–"
    sign = "+" if signed else ""
    value = f"{found['value']:{sign}.{digits}f}"
    if found.get("lo") is None or found.get("hi") is None:
        return value
    return f"{value} [{found['lo']:{sign}.{digits}f}, {found['hi']:{sign}.{digits}f}]"


def number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table with an empty line after it."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]
