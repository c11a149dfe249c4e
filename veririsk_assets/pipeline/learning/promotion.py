"""Who serves from when on: the gate, promotion and rollback. All three are one order with a version; the registry's aliases follow."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from veririsk_assets.contracts.models import CHAMPIONS, MODEL_VERSIONS
from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.windows import HOUR, floor_step, naive, utc
from veririsk_assets.pipeline import ahead
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.step import House, StepResult

ACTIONS = ("judge", "promote", "rollback")


@dataclass(frozen=True)
class Order:
    """What to do with the champion of a system's horizon. Without a version: the challenger, or for a rollback the champion before.

    `judge` promotes only if the gate says so; `promote` and `rollback` are somebody's decision, the gate's words are kept beside it.
    """

    system: System
    horizon: int
    action: str
    valid_from: datetime
    version: str = ""
    reason: str = ""


def appoint(house: House, order: Order) -> StepResult:
    """Carries out the order, of several at once one after the other. Raises ValueError where there is no such version or it would have seen the future."""
    if order.action not in ACTIONS:
        raise ValueError(f"an action is one of {', '.join(ACTIONS)}, got {order.action!r}")
    with house.lake.catalog.decision_lock():
        return _appointed(house, order)


def _appointed(house: House, order: Order) -> StepResult:
    before = champions.line_up(house, order.system, order.horizon).at(order.valid_from)
    version = order.version or (
        previous(house, order.system, order.horizon, order.valid_from) if order.action == "rollback" else before.challenger
    )
    if version is None:
        return StepResult(
            changed=False, metadata={"verdict": f"no challenger waits at {order.valid_from:%Y-%m-%d %H:%M}", "champion": before.champion}
        )
    _require_servable(house, order, version)
    if version == before.champion:
        return StepResult(changed=False, metadata={"verdict": f"version {version} serves already", "champion": version})
    promote, words = _gate(house, order, version, before.champion)
    if promote:
        crown(house, order.system, order.horizon, version, order.valid_from, "rollback" if order.action == "rollback" else "promote", words)
    about = {"version": version, "verdict": words, "before": before.champion, "champion": version if promote else before.champion}
    return StepResult(int(promote), 0, promote, about)


def _gate(house: House, order: Order, version: str, champion: str) -> tuple[bool, str]:
    """A rollback must not wait for a proof; a person's promotion is carried out and the gate's view of it recorded."""
    said = order.reason or "asked for by hand"
    if order.action == "rollback":
        return True, said
    from veririsk_assets.pipeline.learning.gate import judge

    found = judge(house, order.system, order.horizon, version, champion, order.valid_from)
    return (found.promote, found.text) if order.action == "judge" else (True, f"{said}; the gate: {found.text}")


def _require_servable(house: House, order: Order, version: str) -> None:
    if version == champions.NO_MODEL:
        return
    known = house.lake.read(MODEL_VERSIONS, where=champions.OF_HORIZON, parameters=[order.system.name, order.horizon])
    row = known[known["version"] == version]
    if row.empty:
        raise ValueError(f"no version {version} of {order.system.name}, {order.horizon} h; known: {', '.join(known['version']) or 'none'}")
    trained = utc(row["trained_as_of"].iloc[0].to_pydatetime())
    if trained > order.valid_from:
        raise ValueError(
            f"version {version} was trained as of {trained:%Y-%m-%d %H:%M}: it cannot serve from {order.valid_from:%Y-%m-%d %H:%M} on"
        )
    fetch(house, order.system, order.horizon, version)


def fetch(house: House, system: System, horizon: int, version: str) -> None:
    """Brings a version's artefact home, so that scoring needs no server."""
    from veririsk_assets.registry.versions import download, registered_name

    download(
        house.settings.tracking_uri,
        registered_name(system.name, horizon),
        version,
        champions.folder(house.settings, system, horizon, version),
    )


def previous(house: House, system: System, horizon: int, at: datetime) -> str:
    """The champion before the one at `at`: rollbacks undo promotions, so that a second rollback goes one further back."""
    reigns = champions.reigns_of(house, system, horizon)
    stack = [champions.NO_MODEL]
    for row in reigns[reigns["valid_from"] <= naive(at)].itertuples():
        while row.action == "rollback" and len(stack) > 1 and stack[-1] != row.version:
            stack.pop()
        if stack[-1] != row.version:
            stack.append(str(row.version))
    return stack[-2] if len(stack) > 1 else champions.NO_MODEL


def next_instant(house: House, system: System) -> datetime:
    """From when an order holds where nobody says: the current step, or the first one that is not scored yet."""
    ahead.set_aside(house)
    span = house.lake.span(system.scores)
    now = floor_step(house.now(), system.step_hours)
    return max(now, span[1] + system.step_hours * HOUR) if span else now


def crown(house: House, system: System, horizon: int, version: str, valid_from: datetime, action: str, reason: str) -> None:
    """From `valid_from` on the version serves; the registry's aliases follow, and a tag says why."""
    decided_at = pd.Timestamp(naive(house.now()))
    row = {"system": system.name, "horizon_hours": horizon, "version": version, "valid_from": pd.Timestamp(naive(valid_from))}
    house.lake.append(CHAMPIONS, pd.DataFrame([{**row, "decided_at": decided_at, "action": action, "reason": reason}]))
    word = "promoted" if action == "promote" else "rolled_back_to"
    point_aliases(house, system, horizon, {word: f"from {valid_from:%Y-%m-%dT%H:%MZ}, decided {decided_at:%Y-%m-%dT%H:%M:%SZ}: {reason}"})


def point_aliases(
    house: House, system: System, horizon: int, champion_tags: dict[str, str] | None = None, challenger_tags: dict[str, str] | None = None
) -> None:
    """The aliases champion and challenger of the registry, as the lake's newest line-up has them."""
    from veririsk_assets.registry.versions import CHALLENGER, CHAMPION, clear_alias, registered_name, set_alias

    uri, name = house.settings.tracking_uri, registered_name(system.name, horizon)
    newest = champions.line_up(house, system, horizon).newest
    champion = None if newest.champion == champions.NO_MODEL else newest.champion
    aliases: list[tuple[str, str | None, Any]] = [(CHAMPION, champion, champion_tags), (CHALLENGER, newest.challenger, challenger_tags)]
    for alias, version, tags in aliases:
        if version is None:
            clear_alias(uri, name, alias)
        else:
            set_alias(uri, name, alias, version, tags)
