"""The gate: may this version take over? Champion and naive baselines on the same rows, hours that neither model was fitted on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts import monitoring, pools
from veririsk_assets.contracts.pool_features import FEATURE_NAMES
from veririsk_assets.contracts.vocabulary import HIGH_ALERT_HOURS
from veririsk_assets.contracts.windows import HOUR, Window, naive, utc
from veririsk_assets.pipeline import champions
from veririsk_assets.pipeline.step import House
from veririsk_assets.training.promotion import Evidence, Verdict, verdict

# The longest history that a judgement looks at, and the fewest crashes that it takes.
JUDGED_HOURS = 24 * 365
MIN_EVENTS = 30
# Columns that rank pools without any learning, and which end of them is the risky one.
NAIVE = {"ewma_volatility_7d": 1.0, "ewma_volatility_30d": 1.0, "early_warning_score": 1.0, "tvl_change_24h": -1.0}
HOURS_PER_MONTH = 730.0


def judge(house: House, horizon: int, version: str, champion: str, as_of: datetime) -> Verdict:
    """Promote or not, with every reason; nothing is moved. Labels that matured by `as_of` count, later ones do not."""
    waited = shadow_hours(house, horizon, version, as_of)
    patience = (waited >= house.settings.shadow_hours, f"{waited} of {house.settings.shadow_hours} hours in shadow")
    rows = _rows(house, horizon, (version, champion), as_of)
    events = int(rows["crash"].sum()) if len(rows) else 0
    days = rows["as_of"].dt.normalize().nunique() if len(rows) else 0
    if events < MIN_EVENTS or days < 15:
        return Verdict(
            False,
            [f"{events} positive rows over {days} days that neither model was fitted on; {MIN_EVENTS} over 15 are needed", patience[1]],
        )
    found = _compared(house, horizon, rows, version, champion)
    return Verdict(found.promote and patience[0], [*found.reasons, patience[1]])


def shadow_hours(house: House, horizon: int, version: str, as_of: datetime) -> int:
    """Hours up to `as_of` that the version has scored without serving."""
    query = f"SELECT count(DISTINCT as_of) AS n FROM lake.{monitoring.SHADOW_SCORES.sql_name} "
    query += "WHERE horizon_hours = ? AND model_version = ? AND role = 'challenger' AND as_of <= ?"
    return int(house.lake.sql(query, [horizon, version, naive(as_of)])["n"].iloc[0])


def _rows(house: House, horizon: int, versions: tuple[str, str], as_of: datetime) -> pd.DataFrame:
    """Features and labels after the last training row of either version, a horizon later; every 4th hour of a pool."""
    trained = house.lake.read(pools.MODEL_VERSIONS, where=champions.OF_HORIZON, parameters=[champions.FAMILY, horizon])
    fitted_to = trained.loc[trained["version"].isin(versions), "train_to"].max()
    start = max(utc(fitted_to.to_pydatetime()) + horizon * HOUR, as_of - JUDGED_HOURS * HOUR)
    if start >= as_of:
        return pd.DataFrame(columns=["as_of", "crash"])
    sampled = "(epoch_us(as_of) // 3600000000 + pool_key) % 4 = 0"
    window = Window(start, as_of)
    features = house.lake.read(pools.POOL_FEATURES, window, ["as_of", "pool_key", *FEATURE_NAMES], where=sampled)
    known = f"{sampled} AND horizon_hours = {horizon} AND crash IS NOT NULL AND matured_at <= ?"
    labels = house.lake.read(pools.POOL_LABELS, window, ["as_of", "pool_key", "crash"], where=known, parameters=[naive(as_of)])
    return labels.merge(features, on=["as_of", "pool_key"])


def _compared(house: House, horizon: int, rows: pd.DataFrame, version: str, champion: str) -> Verdict:
    from veririsk_assets.training.paired import weeks, with_gains

    label = rows["crash"].to_numpy(dtype=np.float64)
    columns = {name: rows[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in FEATURE_NAMES}
    rivals = {name: _ranked(sign * columns[name]) for name, sign in NAIVE.items()}
    candidate = _probability(house, horizon, version, columns)
    reigning = _probability(house, horizon, champion, columns) if champion != champions.NO_MODEL else None
    baselines = [_evidence(name, label, score, is_probability=False) for name, score in rivals.items()]
    king = None if reigning is None else _evidence(f"version {champion}", label, reigning)
    scores = rivals | ({} if reigning is None else {f"version {champion}": reigning})
    block = weeks(rows["as_of"].to_numpy(dtype="datetime64[us]"))
    return verdict(with_gains(_evidence(f"version {version}", label, candidate), label, candidate, scores, block), king, baselines)


def _probability(house: House, horizon: int, version: str, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    served: Any = champions.load(house.settings, horizon, version)
    if served is None:
        raise FileNotFoundError(f"the artefact of version {version}, {horizon} h, is not in {house.settings.models_folder}")
    return served.probability(served.margin(served.matrix(columns)))


def _ranked(score: np.ndarray) -> np.ndarray:
    """A row of which the column says nothing comes last."""
    known = np.isfinite(score)
    return np.where(known, score, score[known].min() if known.any() else 0.0)


def _evidence(name: str, label: np.ndarray, score: np.ndarray, is_probability: bool = True) -> Evidence:
    from veririsk_assets.evaluation.metrics import average_precision, ece, roc_auc

    error = ece(label, score) if is_probability else np.nan
    return Evidence(name, average_precision(label, score), roc_auc(label, score), error, recall_at_budget(label, score))


def recall_at_budget(label: np.ndarray, score: np.ndarray, alert_hours: float = HIGH_ALERT_HOURS) -> float:
    """Share of positive rows among the highest scores that the alarm budget (alert-hours per pool-month) pays for."""
    count = max(round(len(score) * alert_hours / HOURS_PER_MONTH), 1)
    return float(label[np.argsort(-score, kind="stable")[:count]].sum() / max(label.sum(), 1.0))
