"""Two versions side by side: what validation promised of each, and how both turned out on the same published hours."""

from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts.models import HOW, MODEL_VERSIONS
from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.windows import Window
from veririsk_assets.monitoring.performance import gains, measure
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.saying.performance import outcomes, promise
from veririsk_assets.pipeline.step import House

PROMISED = (
    "validation_base_rate_ratio",
    "validation_ap",
    "validation_auc",
    "validation_ece",
    "validation_brier_skill",
    "validation_high_precision",
)


def listed(house: House, system: System) -> pd.DataFrame:
    """Every trained version of the system with its role in the newest line-up: champion, challenger, served before or waiting."""
    known = house.lake.read(MODEL_VERSIONS, where="system = ?", parameters=[system.name]).sort_values(
        ["horizon_hours", "trained_as_of"], ignore_index=True
    )
    roles = {int(horizon): _roles(house, system, int(horizon)) for horizon in known["horizon_hours"].unique()}
    return known.assign(role=[roles[h].get(v, "") for h, v in zip(known["horizon_hours"], known["version"], strict=True)])


def _roles(house: House, system: System, horizon: int) -> dict[str | None, str]:
    newest = champions.line_up(house, system, horizon).newest
    served = dict.fromkeys(champions.reigns_of(house, system, horizon)["version"], "served before")
    return served | {newest.challenger: "challenger", newest.champion: "champion"}


def compared(house: House, system: System, horizon: int, versions: tuple[str, str], window: Window) -> dict[str, Any]:
    """`promised`: metric → (A, B); `intervals`: what training said with 95 % intervals, name → (A, B), None where unknown; `rows`, `events`, `measured`: metric → (A, B); `gains`: metric → interval of A − B; `served`: scores of each.

    Raises ValueError for an unknown version. Without hours that both have scored, `rows` is 0 and nothing is measured.
    """
    names = [_name(house, system, horizon, version) for version in versions]
    promised = [promise(house, system, horizon, name, version) for name, version in zip(names, versions, strict=True)]
    found: dict[str, Any] = {"algorithm": tuple(names), "promised": {n: (promised[0][n], promised[1][n]) for n in PROMISED}}
    known = [_intervals(house, system, horizon, version) for version in versions]
    found["intervals"] = {name: (known[0].get(name), known[1].get(name)) for name in dict.fromkeys((*known[0], *known[1]))}
    turned_out = pd.concat([outcomes(house, system, window, horizon, how).assign(how=how) for how in HOW], ignore_index=True)
    parts = [turned_out[(turned_out["model_version"] == v) & (turned_out["model_name"] == n)] for v, n in zip(versions, names, strict=True)]
    found["served"] = tuple(int((part["how"] == "served").sum()) for part in parts)
    both = parts[0].merge(parts[1], on=["as_of", "entity_key"], suffixes=("_a", "_b"))
    return found | {"rows": len(both), "events": int(both["label_a"].sum())} | (_measured(both) if len(both) else {})


def _intervals(house: House, system: System, horizon: int, version: str) -> dict[str, dict[str, float | None]]:
    """Name → value, lo and hi, as the artefact remembers them: on validation rows, and out of fold."""
    served = champions.load(house.settings, system, horizon, version)
    return served.metadata.get("intervals", {}) if served else {}


def _measured(both: pd.DataFrame) -> dict[str, Any]:
    label, as_of = both["label_a"].to_numpy(dtype=np.float64), both["as_of"].to_numpy(dtype="datetime64[us]")
    probability = [both[f"probability_{side}"].to_numpy(dtype=np.float64, na_value=np.nan) for side in "ab"]
    high = [(both[f"risk_level_{side}"] == "HIGH").to_numpy() for side in "ab"]
    a, b = (measure(label, p, p, h, as_of) for p, h in zip(probability, high, strict=True))
    return {"measured": {name: (a[name], b[name]) for name in a}, "gains": gains(label, probability[0], probability[1], as_of)}


def _name(house: House, system: System, horizon: int, version: str) -> str:
    known = house.lake.read(MODEL_VERSIONS, where=champions.OF_HORIZON, parameters=[system.name, horizon])
    row = known[known["version"] == version]
    if row.empty:
        raise ValueError(f"no version {version} of {system.name}, {horizon} h; known: {', '.join(known['version']) or 'none'}")
    return str(row["algorithm"].iloc[0])
