"""The gate: may this version take over? It is asked twice, and both answers must be yes.

The artefacts: champion and naive baselines on the same fresh rows, which neither model was fitted on. The recipes, where they
differ in algorithm, parameters or features: both trained anew on walk-forward folds of the whole history. A recipe that has
won a lucky month is held back by its folds; a good recipe that was fitted badly by its fresh rows.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts import monitoring
from veririsk_assets.contracts.models import MODEL_VERSIONS
from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.windows import HOUR, Window, floor_step, naive, utc
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.learning.training_rows import sampled, seen_by, training_rows
from veririsk_assets.pipeline.step import House
from veririsk_assets.pipeline.systems import catalogue_of
from veririsk_assets.training.promotion import Verdict, verdict

if TYPE_CHECKING:
    from veririsk_assets.models.artefact import ServedModel
    from veririsk_assets.models.spec import Spec

# The fewest events that a judgement takes.
MIN_EVENTS = 30


def judge(house: House, system: System, horizon: int, version: str, champion: str, as_of: datetime) -> Verdict:
    """Promote or not, with every reason; nothing is moved. Labels that matured by `as_of` count, later ones do not."""
    waited = shadow_hours(house, system, horizon, version, as_of)
    patience = (waited >= house.settings.shadow_hours, f"{waited} of {house.settings.shadow_hours} hours in shadow")
    rows = _rows(house, system, horizon, (version, champion), as_of)
    events = int(rows[system.label].sum()) if len(rows) else 0
    days = rows["as_of"].dt.normalize().nunique() if len(rows) else 0
    if events < MIN_EVENTS or days < 15:
        return Verdict(
            False,
            [f"{events} positive rows over {days} days that neither model was fitted on; {MIN_EVENTS} over 15 are needed", patience[1]],
        )
    fresh, recipe = _compared(house, system, horizon, rows, version, champion), _recipes(house, system, horizon, version, champion, as_of)
    return Verdict(fresh.promote and recipe.promote and patience[0], [*fresh.reasons, *recipe.reasons, patience[1]])


def shadow_hours(house: House, system: System, horizon: int, version: str, as_of: datetime) -> int:
    """Hours up to `as_of` that the version has scored without serving."""
    query = f"SELECT count(DISTINCT as_of) AS n FROM lake.{monitoring.SHADOW_SCORES.sql_name} "
    query += "WHERE system = ? AND horizon_hours = ? AND model_version = ? AND role = 'challenger' AND as_of <= ?"
    return int(house.lake.sql(query, [system.name, horizon, version, naive(as_of)])["n"].iloc[0]) * system.step_hours


def _rows(house: House, system: System, horizon: int, versions: tuple[str, str], as_of: datetime) -> pd.DataFrame:
    """Features and labels after the last training row of either version, a horizon later; every 4th hour of an entity."""
    trained = house.lake.read(MODEL_VERSIONS, where=champions.OF_HORIZON, parameters=[system.name, horizon])
    fitted_to = trained.loc[trained["version"].isin(versions), "train_to"].max()
    start = max(utc(fitted_to.to_pydatetime()) + horizon * HOUR, seen_by(system, as_of).start)
    start, end = floor_step(start, system.step_hours), floor_step(as_of, system.step_hours)
    if start >= end:
        return pd.DataFrame(columns=["as_of", system.label])
    window = Window(start, end, system.step_hours)
    features = house.lake.read(system.features, window, ["as_of", system.key, *system.feature_names], where=sampled(system))
    known = f"{sampled(system)} AND horizon_hours = {horizon} AND {system.label} IS NOT NULL AND matured_at <= ?"
    labels = house.lake.read(system.labels, window, ["as_of", system.key, system.label], where=known, parameters=[naive(as_of)])
    return labels.merge(features, on=["as_of", system.key])


def _compared(house: House, system: System, horizon: int, rows: pd.DataFrame, version: str, champion: str) -> Verdict:
    from veririsk_assets.training.paired import JudgedRows, naive_scores, results_of, with_gains

    label, as_of = rows[system.label].to_numpy(dtype=np.float64), rows["as_of"].to_numpy(dtype="datetime64[us]")
    judged = JudgedRows.of_one_fit(label, as_of, horizon)
    columns = {name: rows[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in system.feature_names}
    scores = naive_scores(catalogue_of(system).naive, columns)
    baselines = [results_of(name, judged, score, is_probability=False) for name, score in scores.items()]
    candidate, king = _probability(_artefact(house, system, horizon, version), columns), None
    if champion != champions.NO_MODEL:
        name = f"version {champion}"
        scores[name] = _probability(_artefact(house, system, horizon, champion), columns)
        king = results_of(name, judged, scores[name])
    return verdict(with_gains(results_of(f"version {version}", judged, candidate), judged, candidate, scores), king, baselines)


def _recipes(house: House, system: System, horizon: int, version: str, champion: str, as_of: datetime) -> Verdict:
    """The recipes against each other on walk-forward folds; yes without folds where there is nothing to tell apart, or no room."""
    from veririsk_assets.training.datasets import CannotTrain
    from veririsk_assets.training.walk_forward import forecast_folds

    if champion == champions.NO_MODEL:
        return Verdict(True, ["no champion's recipe to compare with"])
    names = (f"version {version}", f"version {champion}")
    recipes = {name: _recipe(system, _artefact(house, system, horizon, one)) for name, one in zip(names, (version, champion), strict=True)}
    if recipes[names[0]] == recipes[names[1]]:
        return Verdict(True, [f"the recipe is that of version {champion}"])
    try:
        judged = forecast_folds(training_rows(house, system, horizon, as_of), recipes, catalogue_of(system).naive).judge(*names)
    except CannotTrain as reason:
        return Verdict(True, [f"recipes not compared on walk-forward folds: {reason}"])
    return Verdict(judged.promote, [f"recipes {judged.reasons[0]}", *judged.reasons[1:]])


def _recipe(system: System, served: "ServedModel") -> "Spec":
    """What to train to get such a model anew."""
    about = served.metadata
    known = catalogue_of(system).spec(served.name, served.horizon_hours, about.get("label", system.label), **about.get("params", {}))
    return replace(known, features=served.features)


def _artefact(house: House, system: System, horizon: int, version: str) -> "ServedModel":
    served: Any = champions.load(house.settings, system, horizon, version)
    if served is None:
        raise FileNotFoundError(f"the artefact of version {version}, {horizon} h, is not in {house.settings.models_folder}")
    return served


def _probability(served: "ServedModel", columns: Mapping[str, np.ndarray]) -> np.ndarray:
    return served.probability(served.margin(served.matrix(columns)))
