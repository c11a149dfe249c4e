"""Searching hyperparameters: what is found is kept with when it was found, and serves trainings from then on."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.windows import utc
from veririsk_assets.pipeline.learning.training_rows import training_rows
from veririsk_assets.pipeline.step import House
from veririsk_assets.pipeline.systems import catalogue_of

if TYPE_CHECKING:
    from veririsk_assets.training.search import Budget, Found

FOLDER = "search"


def search_all(house: House, system: System, horizon: int, as_of: datetime, budget: "Budget") -> Iterator["Found"]:
    """Searches every candidate but the floor on what had matured by `as_of`, logs parent and child runs, and keeps what was found.

    A search that was stopped goes on where it was: proposals are kept in the home. Raises CannotTrain where there is too little to search on.
    """
    from veririsk_assets.training.search import search, searchable

    dataset, catalogue = training_rows(house, system, horizon, as_of), catalogue_of(system)
    for name in searchable(catalogue):
        journal = house.settings.mode_home / FOLDER / f"{system.name}-{horizon}h-{as_of:%Y%m%dT%H}-{name}.log"
        found = search(dataset, catalogue, name, budget, journal)
        _log(house, system, horizon, as_of, found)
        kept = {"as_of": utc(as_of).isoformat(), "params": dict(found.params)}
        house.state.put(_mark(system, horizon, name), json.dumps([*_kept(house, system, horizon, name), kept]))
        yield found


def found_by(house: House, system: System, horizon: int, as_of: datetime) -> dict[str, dict[str, Any]]:
    """Model → hyperparameters of the newest search up to `as_of`; models that were never searched are not in it."""
    known = {}
    for name in catalogue_of(system).candidates:
        before = [one for one in _kept(house, system, horizon, name) if utc(one["as_of"]) <= utc(as_of)]
        if before:
            known[name] = dict(max(before, key=lambda one: utc(one["as_of"]))["params"])
    return known


def _kept(house: House, system: System, horizon: int, name: str) -> list[dict[str, Any]]:
    return list(json.loads(house.state.get(_mark(system, horizon, name)) or "[]"))


def _mark(system: System, horizon: int, name: str) -> str:
    return f"hyperparameters/{system.name}/{horizon}/{name}"


def _log(house: House, system: System, horizon: int, as_of: datetime, found: "Found") -> None:
    from veririsk_assets.registry.runs import Child, log_search

    about = {"system": system.name, "horizon_hours": str(horizon), "as_of": utc(as_of).isoformat(), "model": found.name}
    metrics = {
        "mean_ap": found.value,
        "usual_mean_ap": found.usual,
        "tried": len(found.tried),
        "pruned": sum(one.is_pruned for one in found.tried),
    }
    names = sorted({name for one in found.tried for name in one.params})
    grid = {f"grid_{name}": sorted({str(one.params[name]) for one in found.tried if name in one.params}) for name in names}
    parent = Child(
        f"{found.name} {horizon}h search", {f"best_{name}": value for name, value in found.params.items()} | grid, metrics, about
    )
    children = [
        Child(
            f"{found.name} {horizon}h try {one.number}",
            one.params or {"as": "catalogued"},
            {"mean_ap": one.value} | {f"fold_{i}_ap": value for i, value in enumerate(one.folds)},
            {"pruned": str(one.is_pruned)},
        )
        for one in found.tried
    ]
    log_search(house.settings.tracking_uri, f"veririsk-{system.name}-search", parent, children)
