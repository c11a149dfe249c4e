"""Calibration as two numbers: the logistic line that best makes outcomes of forecasts' log-odds, for a sample and its draws at once."""

import numpy as np

# Log-odds this close are one: the line moves by less than a hundredth of its own interval, and 500 draws take a second.
CELL = 0.02
WIDEST = 16.0
STEPS, SETTLED = 40, 1e-6
# A draw whose positives all lie at one end has no best line; it ends at a slope that says so.
STEEPEST = 20.0


def calibration_line(
    label: np.ndarray, prob: np.ndarray, weight: np.ndarray, block: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Slope and intercept of each draw (`counts`: draws × blocks, see `resampling`); (1, 0) is perfect.

    Slope: of the line through log-odds that outcomes ask for; under 1, forecasts are too far apart, at 0 they tell nothing apart.
    Intercept: what has to be added to every log-odds, at slope 1, so that as many events are forecast as happen; above 0, risk was
    understated. NaN in draws with one class only.
    """
    cells, place = np.unique(np.round(_log_odds(prob) / CELL).astype(np.int64), return_inverse=True)
    blocks, width = counts.shape[1], len(cells)
    sums = [np.bincount(block * width + place, v, blocks * width).reshape(blocks, width) for v in (weight, weight * label)]
    rows, hits = (counts @ one for one in sums)
    odds = cells * CELL
    # A line without a slope of its own is the intercept; the joint one starts there.
    shift = _fitted(odds, rows, hits, np.zeros((len(counts), 2)), is_free=False)
    line = _fitted(odds, rows, hits, np.column_stack([np.ones(len(counts)), shift[:, 1]]), is_free=True)
    defined = (hits.sum(axis=1) > 0) & (rows.sum(axis=1) > hits.sum(axis=1))
    return np.where(defined, line[:, 0], np.nan), np.where(defined, shift[:, 1], np.nan)


def _fitted(odds: np.ndarray, rows: np.ndarray, hits: np.ndarray, start: np.ndarray, is_free: bool) -> np.ndarray:
    """Draws × (slope, intercept) by Newton's method, all draws at once; without `is_free` the slope is 1."""
    line = start.copy()
    if not is_free:
        line[:, 0] = 1.0
    for _ in range(STEPS):
        p = 0.5 * (1.0 + np.tanh(0.5 * (line[:, :1] * odds + line[:, 1:])))
        miss, curve = hits - rows * p, rows * p * (1.0 - p)
        gradient = np.stack([miss @ odds, miss.sum(axis=1)])
        a, b, d = curve @ odds**2, curve @ odds, curve.sum(axis=1)
        if is_free:
            size = np.maximum(a * d - b * b, 1e-12)
            step = np.stack([d * gradient[0] - b * gradient[1], a * gradient[1] - b * gradient[0]]) / size
        else:
            step = np.stack([np.zeros(len(d)), gradient[1] / np.maximum(d, 1e-12)])
        # A bounded step cannot overshoot where the curve is flat.
        step /= np.maximum(1.0, np.abs(step).max(axis=0) / 2.0)
        line = np.clip(line + step.T, (-STEEPEST, -10 * STEEPEST), (STEEPEST, 10 * STEEPEST))
        if np.abs(step).max() < SETTLED:
            break
    return line


def _log_odds(prob: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.clip(np.log(prob) - np.log1p(-prob), -WIDEST, WIDEST)
