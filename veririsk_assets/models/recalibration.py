"""The drift of the base rate: how far recent forecasts lay from what then happened, as one shift of the log-odds.

A calibration is of its validation weeks. When a market turns, every probability is too low (or, in a long calm, too high)
by about the same factor of the odds; the labels that have matured since say which. Arrays in, arrays out, no clock.
"""

import numpy as np

from veririsk_assets.models.logistic_line import logit, sigmoid

# Chosen on the folds up to 2021-09-07, see docs/experiments.md.
HALF_LIFE_HOURS = 7 * 24
# What speaks for "as it was": so many positive rows, and a share of those that are usual.
PRIOR_ROWS, PRIOR_SHARE = 10.0, 0.1
# Ten times the odds is as far as a shift goes: what lies beyond is a fault, not a market.
LARGEST = float(np.log(10.0))
DAY = 24


def shifts(at: np.ndarray, matured_at: np.ndarray, probability: np.ndarray, label: np.ndarray, usual_rate: float) -> np.ndarray:
    """The shift of the log-odds to use from each hour of `at` on: log of observed over expected positives, both faded.

    `at` and `matured_at` are whole hours on one clock. A row counts from the hour in which its label matured, half as
    much after every week. Without matured rows the shift is 0. `usual_rate`: share of positives in calibration.
    """
    if not len(matured_at):
        return np.zeros(len(at))
    order = np.argsort(matured_at, kind="stable")
    hour = matured_at[order]
    fade = np.exp2((hour - hour[0]) / HALF_LIFE_HOURS)
    sums = np.cumsum(fade * np.vstack([label[order], probability[order], np.full(len(hour), usual_rate)]), axis=1)
    known = np.searchsorted(hour, at, side="right")
    now = np.exp2((np.asarray(at) - hour[0]) / -HALF_LIFE_HOURS)
    observed, expected, usual = np.where(known > 0, sums[:, known - 1] * now, 0.0)
    prior = PRIOR_ROWS + PRIOR_SHARE * usual
    return np.clip(np.log((observed + prior) / (expected + prior)), -LARGEST, LARGEST)


def shifted(probability: np.ndarray, shift: np.ndarray | float) -> np.ndarray:
    """The probability whose log-odds lie higher by the shift."""
    return sigmoid(logit(probability) + shift)


def followed(hour: np.ndarray, probability: np.ndarray, label: np.ndarray, horizon_hours: int, usual_rate: float) -> np.ndarray:
    """Probabilities of rows at whole hours since any midnight, each day's moved by the rows whose labels had matured by then."""
    days, day = np.unique(day_of(hour), return_inverse=True)
    return shifted(probability, shifts(days, hour + horizon_hours, probability, label, usual_rate)[day])


def day_of(hour: np.ndarray) -> np.ndarray:
    """The hour at which the day began: shifts are decided once a day, at 00:00 UTC."""
    return np.asarray(hour) // DAY * DAY
