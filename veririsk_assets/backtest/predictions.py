"""What was forecast out of fold, row by row: the file that a sceptic checks."""

import numpy as np
import pandas as pd

from veririsk_assets.backtest.run import Backtest


def predictions(done: Backtest) -> pd.DataFrame:
    """Out-of-fold rows: pool, as_of, fold, model, probability, label, at_risk, weight, and four columns more.

    `run` says which pools the fit had seen; `unshifted` is what alerts are decided on: the probability before it follows the base rate.
    `fit` numbers the fits of a run, and `rank` ranks the rows of one.
    """
    frames = [_rows(done, "over_time")] + ([_rows(done, "unseen_pools")] if done.unseen else [])
    frame = pd.concat(frames, ignore_index=True)
    for column in ("pool", "model", "run"):
        frame[column] = frame[column].astype("category")
    return frame


def _rows(done: Backtest, run: str) -> pd.DataFrame:
    forecasts = done.forecasts if run == "over_time" or done.unseen is None else done.unseen
    study, rows = done.study, forecasts.rows
    about = {
        "pool": np.array(study.names, dtype=object)[study.pool[rows]],
        "as_of": study.rows.as_of[rows],
        "fold": fold_of(done, rows),
        "label": study.rows.y[rows].astype(np.int8),
        "at_risk": study.at_risk[rows],
        "weight": np.ones(len(rows), dtype=np.float32),
        "run": run,
        "fit": forecasts.piece,
    }
    order = ["pool", "as_of", "fold", "model", "probability", "label", "at_risk", "weight", "run", "unshifted", "fit", "rank"]
    said = {
        name: {"probability": p, "unshifted": forecasts.unshifted[name], "rank": forecasts.rank[name]}
        for name, p in forecasts.probability.items()
    }
    parts = [pd.DataFrame(about | {"model": name} | both)[order] for name, both in said.items()]
    return pd.concat(parts, ignore_index=True)


def fold_of(done: Backtest, rows: np.ndarray) -> np.ndarray:
    """The fold whose test hours a row lies in."""
    return np.searchsorted([fold.test.start for fold in done.folds], done.study.hour[rows], side="right") - 1
