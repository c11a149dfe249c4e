"""Arrays in, arrays out: a lantern's feature, rule and label."""

from collections.abc import Mapping

import numpy as np

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.windows import Window
from veririsk_assets.panels.rolling import future_minimum


def build_features(panel: Panel, _surroundings: Panel, steps: int) -> Panel:
    glow = panel["glow"]
    with np.errstate(invalid="ignore"):
        change = (glow / np.roll(glow, 3, axis=0) - 1)[-steps:]
    seen = np.cumsum(np.isfinite(glow), axis=0)[-steps:] * 24.0
    age = np.minimum(seen, 240.0)
    columns = {"glow_change_3d": change, "age_hours": age, "input_age_hours": panel["input_age_hours"][-steps:]}
    return Panel(
        Window.ending(panel.window.end, steps, 24), panel.keys, columns | {"early_warning_score": points(columns)["glow_change_3d"]}
    )


def points(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {"glow_change_3d": np.clip(-1000.0 * np.asarray(columns["glow_change_3d"]), 0.0, 100.0)}


def build_labels(panel: Panel, horizon: int, steps: int, _beyond: int) -> Panel:
    glow = panel["glow"].astype(np.float32)
    lowest, _ = future_minimum(glow, horizon)
    dim = np.where(np.isfinite(glow) & np.isfinite(lowest), lowest <= 0.8 * glow, np.nan)[:steps]
    start = panel.window.start
    return Panel(Window(start, start + steps * panel.window.step, 24), panel.keys, {"dim": dim})
