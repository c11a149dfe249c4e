"""A logistic line in one variable with a prior on both of its numbers: stable with a handful of positives."""

import numpy as np

STEPS = 50
SETTLED = 1e-9


def fit_logistic_line(x: np.ndarray, y: np.ndarray, prior: tuple[float, float], precision: tuple[float, float]) -> tuple[float, float]:
    """(slope, intercept) of log-odds = slope · x + intercept, most likely a posteriori.

    `prior` is what both are without rows, `precision` how firmly that is held (1 / variance).
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    design = np.column_stack([x, np.ones_like(x)])
    mean, held = np.array(prior), np.diag(precision)
    beta = mean.copy()
    for _ in range(STEPS):
        step = _newton_step(design, y, beta, mean, held)
        beta += step
        if np.abs(step).max() < SETTLED:
            break
    return float(beta[0]), float(beta[1])


def _newton_step(design: np.ndarray, y: np.ndarray, beta: np.ndarray, mean: np.ndarray, held: np.ndarray) -> np.ndarray:
    p = sigmoid(design @ beta)
    gradient = design.T @ (y - p) - held @ (beta - mean)
    curvature = (design * (p * (1 - p))[:, None]).T @ design + held
    step = np.linalg.solve(curvature, gradient)
    return step / max(1.0, np.abs(step).max() / 2.0)  # a bounded step cannot overshoot where the curve is flat


def sigmoid(margin: np.ndarray) -> np.ndarray:
    """Probability of log-odds, without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * np.asarray(margin, dtype=np.float64)))


def logit(probability: np.ndarray | float) -> np.ndarray:
    """Log-odds of a probability, which is kept off 0 and 1."""
    p = np.clip(probability, 1e-9, 1 - 1e-9)
    return np.log(p) - np.log1p(-p)
