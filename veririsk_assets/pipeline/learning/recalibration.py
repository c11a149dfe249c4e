"""Once a day, of each version: how far the base rate has drifted by the labels that have matured, and where its levels begin."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts.models import CALIBRATION_SHIFTS, MODEL_VERSIONS
from veririsk_assets.contracts.systems import System
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.models.recalibration import DAY, HALF_LIFE_HOURS, shifts
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.learning.levels import day_thresholds
from veririsk_assets.pipeline.learning.training_rows import sampled
from veririsk_assets.pipeline.step import House, StepResult
from veririsk_assets.scoring.score import Day

# After six half-lives a row counts a sixty-fourth.
SEEN_HOURS = 6 * HALF_LIFE_HOURS
REPORTED_HOURS = 4 * HALF_LIFE_HOURS
OF_DAY = ("shift", "medium_threshold", "high_threshold", "top_threshold")
# A shift that nobody has renewed for so long is of another market.
MAX_AGE = np.timedelta64(7 * DAY, "h")
MAX_ROWS = 250_000


def daily_shifts(house: House, system: System, window: Window) -> StepResult:
    """models/calibration_shifts for the days that begin in the window, of every version that serves or waits in it.

    A day that has its shift keeps it. What counts for a day are labels that had matured when it began, and scores before it.
    """
    snapshot_id = house.lake.snapshot_id()
    days = window.as_ofs[_hour_number(window.as_ofs) % DAY == 0]
    frames = [
        _shifts_of(house, system, horizon, version, missing)
        for horizon in system.horizons
        for version, known in _versions(house, system, horizon, days)
        if len(missing := np.setdiff1d(known, _decided(house, system, horizon, version)))
    ]
    if not frames:
        return StepResult(0, 0, False)
    rows = pd.concat(frames, ignore_index=True).assign(
        system=system.name, decided_at=pd.Timestamp(naive(house.now())), lake_snapshot_id=snapshot_id
    )
    written = house.lake.append(CALIBRATION_SHIFTS, rows[CALIBRATION_SHIFTS.names], window.as_of)
    latest = rows[rows["valid_from"] == rows["valid_from"].max()]
    return StepResult.of(written, **{f"shift_{row.horizon_hours}h_version_{row.version}": row.shift for row in latest.itertuples()})


def known_days(house: House, system: System, window: Window, decided_by: datetime | None = None) -> pd.DataFrame:
    """What may hold in the window of a system's versions: horizon_hours, version, valid_from, `OF_DAY`; `decided_by` leaves out later ones."""
    since = Window(window.start - int(MAX_AGE / np.timedelta64(1, "h")) * HOUR, window.end)
    columns = ["horizon_hours", "version", "valid_from", *OF_DAY]
    until = naive(decided_by) if decided_by else datetime.max
    return house.lake.read(CALIBRATION_SHIFTS, since, columns, where="system = ? AND decided_at <= ?", parameters=[system.name, until])


def day_at(known: pd.DataFrame, horizon: int, version: str, as_of: pd.Series) -> Day:
    """Per row what the newest day of the version says that is valid at its hour; where there is none, no shift and no thresholds."""
    own = known[(known["horizon_hours"] == horizon) & (known["version"] == version)].sort_values("valid_from")
    hours, since = as_of.to_numpy(dtype="datetime64[us]"), own["valid_from"].to_numpy(dtype="datetime64[us]")
    if own.empty:
        return replace(Day.unknown(len(hours)), moment=hours)
    place = np.searchsorted(since, hours, side="right") - 1
    holds = (place >= 0) & (hours - since[place] < MAX_AGE)
    said = np.where(holds[:, None], own[list(OF_DAY)].to_numpy(dtype=np.float64)[place], np.nan)
    return Day(hours, np.nan_to_num(said[:, 0]), said[:, 1:])


def _versions(house: House, system: System, horizon: int, days: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Each version with the days on which it serves or waits, and its artefact is at home."""
    found: dict[str, list[np.datetime64]] = {}
    for pair, rows in champions.line_up(house, system, horizon).parts(pd.DataFrame({"as_of": days})):
        for version in (pair.champion, pair.challenger):
            if version not in (None, champions.NO_MODEL) and champions.folder(house.settings, system, horizon, version).exists():
                found.setdefault(version, []).extend(rows["as_of"].to_numpy(dtype="datetime64[us]"))
    return ((version, np.array(of, dtype="datetime64[us]")) for version, of in found.items())


def _decided(house: House, system: System, horizon: int, version: str) -> np.ndarray:
    where = f"{champions.OF_HORIZON} AND version = ?"
    rows = house.lake.read(CALIBRATION_SHIFTS, columns=["valid_from"], where=where, parameters=[system.name, horizon, version])
    return rows["valid_from"].to_numpy(dtype="datetime64[us]")


def _shifts_of(house: House, system: System, horizon: int, version: str, days: np.ndarray) -> pd.DataFrame:
    served: Any = champions.load(house.settings, system, horizon, version)
    of_version = f"{champions.OF_HORIZON} AND version = ?"
    trained = house.lake.read(MODEL_VERSIONS, where=of_version, parameters=[system.name, horizon, version]).iloc[0]
    rows = _matured(house, system, horizon, served.features, trained["train_to"], days)
    probability = served.probability(served.margin(served.matrix(rows))) if len(rows) else np.zeros(0)
    label, matured_at = rows[system.label].to_numpy(dtype=np.float64), _hour_number(rows["matured_at"].to_numpy(dtype="datetime64[us]"))
    found = shifts(_hour_number(days), matured_at, probability, label, np.nan_to_num(trained["base_rate_ratio"]))
    recent = [(matured_at <= day) & (matured_at > day - REPORTED_HOURS) for day in _hour_number(days)]
    return pd.DataFrame(
        {
            "horizon_hours": horizon,
            "version": version,
            "valid_from": days,
            "shift": found,
            "observed_rate": [label[seen].mean() if seen.any() else np.nan for seen in recent],
            "expected_rate": [probability[seen].mean() if seen.any() else np.nan for seen in recent],
            "rows_count": [int((matured_at <= day).sum()) for day in _hour_number(days)],
        }
    ).assign(**dict(zip(OF_DAY[1:], day_thresholds(house, system, served, days).T, strict=True)))


def _matured(
    house: House, system: System, horizon: int, features: tuple[str, ...], fitted_to: pd.Timestamp, days: np.ndarray
) -> pd.DataFrame:
    """Features and labels of rows that the version was not fitted on; every 4th hour, and of very many entities a share."""
    first, last = pd.Timestamp(days.min()), pd.Timestamp(days.max())
    start = max(first - pd.Timedelta(hours=SEEN_HOURS), fitted_to + pd.Timedelta(hours=horizon))
    bounds = [start.to_pydatetime(), last.to_pydatetime()]
    sample = sampled(system)
    where = f"as_of > ? AND as_of <= ? AND {sample} AND horizon_hours = ? AND {system.label} IS NOT NULL AND matured_at <= ?"
    parameters = [*bounds, horizon, bounds[1]]
    count = int(house.lake.sql(f"SELECT count(*) AS n FROM lake.{system.labels.sql_name} WHERE {where}", parameters)["n"].iloc[0])
    share = f"({system.key} // 4) % {-(-count // MAX_ROWS) or 1} = 0"
    labels = house.lake.read(
        system.labels, columns=["as_of", system.key, system.label, "matured_at"], where=f"{where} AND {share}", parameters=parameters
    )
    looked_at = house.lake.read(
        system.features,
        columns=["as_of", system.key, *features],
        where=f"as_of > ? AND as_of <= ? AND {sample} AND {share}",
        parameters=bounds,
    )
    return labels.merge(looked_at, on=["as_of", system.key])


def _hour_number(stamps: np.ndarray) -> np.ndarray:
    return stamps.astype("datetime64[h]").astype(np.int64)
