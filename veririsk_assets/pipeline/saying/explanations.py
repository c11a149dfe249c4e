"""Scores → explanations: why each score is what it is."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.vocabulary import HEURISTIC
from veririsk_assets.contracts.windows import Window
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.saying.own_usual import own_usual
from veririsk_assets.pipeline.step import House, StepResult
from veririsk_assets.pipeline.systems import bound
from veririsk_assets.scoring import explain as reasons


def store_explanations(house: House, system: System, window: Window) -> StepResult:
    """The system's explanations: at most five strongest reasons of every score there is, and three of each of its causes."""
    key, names = ["as_of", system.key], system.explanations.names
    scores = house.lake.read(system.scores, window, where="risk_score IS NOT NULL")
    features = house.lake.read(system.features, window)
    about = pd.MultiIndex.from_frame(scores[key]).unique()
    usual = own_usual(house, system, about.to_frame(index=False))
    frames = []
    for (horizon, name, version), part in scores.groupby(["horizon_hours", "model_name", "model_version"]):
        rows = part[[*key, "margin", *system.causes.columns]].merge(features, on=key, how="left")
        served = None if name == HEURISTIC else champions.load(house.settings, system, int(horizon), str(version))
        at = about.get_indexer(pd.MultiIndex.from_frame(rows[key]))
        own = {feature: (low[at], high[at]) for feature, (low, high) in usual.items()}
        for columns in _explained(system, rows, served, int(horizon), own):
            said = pd.DataFrame(columns)
            frames.append(said.assign(**{name: rows[name].to_numpy()[said["row"]] for name in key}))
    result = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=names)
    return StepResult.of(house.lake.replace(system.explanations, result[names], window))


def _explained(
    system: System, rows: pd.DataFrame, served: reasons.Served | None, horizon: int, own: reasons.Own
) -> Iterator[dict[str, np.ndarray]]:
    """Columns of explanations: of the label, then of each cause that has a probability."""
    binding, causes = bound(system), system.causes
    words = reasons.Words(binding.phrases, system.head, causes.names)
    if served is not None:
        yield reasons.explain(rows, served, rows["margin"].to_numpy(), horizon, words, own)
        for cause, column in zip(causes.names, causes.columns, strict=True):
            if served.heads is not None and rows[column].notna().any():
                yield reasons.explain_cause(rows, served.heads, cause, rows[column].to_numpy(), horizon, words, own)
        return
    columns = {name: rows[name].to_numpy(dtype=np.float64) for name in system.feature_names}
    yield reasons.explain_rule(binding.rule(columns), columns, rows["margin"].to_numpy(), horizon, words, own=own)
