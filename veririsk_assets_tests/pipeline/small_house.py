"""A house with two versions and a made market: crashes follow two features, version 1 looks at noise, version 2 at both."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts import pools
from veririsk_assets.contracts.models import CHAMPIONS, MODEL_VERSIONS
from veririsk_assets.contracts.pool_features import FEATURE_NAMES
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.windows import HOUR, Window, naive, utc
from veririsk_assets.models.artefact import ServedModel
from veririsk_assets.models.calibration import calibrate
from veririsk_assets.models.logistic_regression import LogisticRegression
from veririsk_assets.models.score_map import choose_score_map
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings

START = utc("2026-10-01")
DAYS, HORIZON = 40, 24
MARKET = Window(START, START + DAYS * 24 * HOUR)
FITTED_TO = START + 15 * 24 * HOUR
FIRST, SECOND = START + 20 * 24 * HOUR, START + 22 * 24 * HOUR
NOW = MARKET.end + HOUR / 2
LOOKS_AT = {"1": ("tvl_change_1h",), "2": ("volatility_24h", "reserve_imbalance")}
KEYS = np.array([(2 * i + 1) * 2**48 // 24 for i in range(12)])


def open_house(home: Path, **settings: Any) -> House:
    return House.open(Settings(home=home, **settings), lambda: NOW, run_id="test")


def fill(house: House) -> None:
    """Snapshots, features and labels of 12 pools over 40 days; every label has matured."""
    rng = np.random.default_rng(5)
    hours, count = MARKET.hours, len(KEYS)
    values = {name: rng.normal(size=(hours, count)) for name in ("tvl_change_1h", "volatility_24h", "reserve_imbalance")}
    risk = 1.0 / (1.0 + np.exp(6.0 - 1.8 * (values["volatility_24h"] + values["reserve_imbalance"])))
    as_of, key = np.repeat(MARKET.as_ofs, count), np.tile(KEYS, hours)
    grid = pd.DataFrame({"as_of": as_of, "pool_key": key})
    crash = (rng.random((hours, count)) < risk).astype(float).ravel()
    known = {name: value.ravel() for name, value in values.items()} | {
        "age_hours": 500.0,
        "input_age_hours": 0.5,
        "early_warning_score": 10.0,
    }
    features = grid.assign(**(dict.fromkeys(FEATURE_NAMES, np.nan) | known))
    house.lake.replace(pools.POOL_FEATURES, features[pools.POOL_FEATURES.names], MARKET)
    snapshots = grid.assign(**dict.fromkeys(pools.POOL_SNAPSHOTS.names[2:]))
    snapshots = snapshots.assign(tvl_usd=1e6, input_age_hours=0.5, is_tombstone=False)
    house.lake.replace(pools.POOL_SNAPSHOTS, snapshots[pools.POOL_SNAPSHOTS.names], MARKET)
    labels = grid.assign(**dict.fromkeys(pools.POOL_LABELS.names[2:]))
    labels = labels.assign(horizon_hours=HORIZON, crash=crash, is_at_risk=True, matured_at=as_of + np.timedelta64(HORIZON, "h"))
    house.lake.replace(pools.POOL_LABELS, labels[pools.POOL_LABELS.names], MARKET)


def served(house: House, version: str) -> ServedModel:
    """A model fitted on the first 15 days and calibrated on the five after them."""
    names = LOOKS_AT[version]
    fitted, held = (_rows(house, span, names) for span in (Window(START, FITTED_TO), Window(FITTED_TO, FIRST)))
    model = LogisticRegression().fit(*fitted, held)
    calibration = calibrate(model.margin(held[0]), held[1])
    score_map = choose_score_map(calibration(model.margin(held[0])))
    nothing = np.zeros(len(names))
    return ServedModel(
        "logistic_regression",
        HORIZON,
        names,
        model,
        calibration,
        score_map,
        nothing,
        nothing + 1.0,
        {"metrics": {"brier_skill": 0.5}, "intervals": PROMISED},
    )


PROMISED = {"validation_ap": {"value": 0.99, "lo": 0.9, "hi": 1.0}}


def _rows(house: House, window: Window, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    features = house.lake.read(pools.POOL_FEATURES, window)
    return features[list(names)].to_numpy(np.float32), house.lake.read(pools.POOL_LABELS, window)["crash"].to_numpy()


def add_version(house: House, version: str, trained_as_of: datetime, artefact: ServedModel) -> None:
    """The artefact at home and its row in models/versions; the registry is not touched."""
    artefact.save(champions.folder(house.settings, POOLS, HORIZON, version))
    row = dict.fromkeys(MODEL_VERSIONS.names) | {
        "system": POOLS.name, "horizon_hours": HORIZON, "version": version, "algorithm": "logistic_regression",
        "trained_as_of": pd.Timestamp(naive(trained_as_of)), "train_to": pd.Timestamp(naive(FITTED_TO)),
        "train_rows_count": 1, "train_events_count": 1, "lake_snapshot_id": 1, "verdict": "test",
        "validation_ap": 0.99, "validation_auc": 0.99, "validation_ece": 0.001, "base_rate_ratio": 0.05,
    }  # fmt: skip
    house.lake.append(MODEL_VERSIONS, pd.DataFrame([row]))


def reign(house: House, version: str, valid_from: datetime, action: str = "promote") -> None:
    """A row of models/champions, without the registry."""
    at = pd.Timestamp(naive(valid_from))
    row = {"system": POOLS.name, "horizon_hours": HORIZON, "version": version, "valid_from": at, "decided_at": at}
    house.lake.append(CHAMPIONS, pd.DataFrame([{**row, "action": action, "reason": "test"}]))


def two_versions(home: Path, **settings: Any) -> House:
    """Version 1 serves from day 20 on, version 2 is its challenger from day 22 on."""
    house = open_house(home, **settings)
    fill(house)
    for version, trained in (("1", FIRST), ("2", SECOND)):
        add_version(house, version, trained, served(house, version))
    reign(house, "1", FIRST)
    return house
