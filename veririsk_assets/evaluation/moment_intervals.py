"""Skill in *when* and in *which* with intervals, by resampling whole weeks of hours.

Two models on the same rows meet the same draws: `differences(moment_draws(…), moment_draws(…))` is paired.
"""

import numpy as np

from veririsk_assets.contracts.windows import WEEK_HOURS
from veririsk_assets.evaluation.intervals import Draws, as_draws
from veririsk_assets.evaluation.moments import MIN_KEYS, Hourly
from veririsk_assets.evaluation.resampling import DRAWS, SEED, block_counts, block_index, ratio, resampled_ranking, resampled_ratio


def when_draws(table: Hourly, draws: int = DRAWS, seed: int = SEED, min_keys: int = MIN_KEYS) -> dict[str, Draws]:
    """Skill in *when*, over hours with at least `min_keys` rows; scores must be comparable between hours, `table.hour` counts hours.

    `spearman`: rank correlation of an hour's mean score with its share of positive rows; `auc` and `lift` of rows that all
    carry their hour's mean score. All NaN without such hours.
    """
    wide = table.key_count >= min_keys
    if not wide.any():
        return {name: Draws(np.nan, np.full(draws, np.nan)) for name in ("spearman", "auc", "lift")}
    week, score, share = table.hour[wide] // WEEK_HOURS, table.mean_score[wide], table.event_share[wide]
    hits = share * table.key_count[wide]
    # An hour's rows all carry its mean score: two weighted rows say the same.
    weight = np.concatenate([hits, table.key_count[wide] - hits])
    label = np.repeat([1.0, 0.0], len(hits))
    found = resampled_ranking(label, np.tile(score, 2), np.tile(week, 2), draws, seed, weight)
    found["spearman"] = _rank_correlation(score, share, week, draws, seed)
    return as_draws({name: found[name] for name in ("spearman", "auc", "lift")}, len(np.unique(week)))


def which_draws(table: Hourly, draws: int = DRAWS, seed: int = SEED) -> dict[str, Draws]:
    """Skill in *which*, over hours with a positive and a negative row, each hour counting once.

    `auc`, `ap` and `ap_chance` (of random orders): means over hours; `ap_lift`: mean AP over mean chance.
    """
    mixed = np.isfinite(table.auc)
    week = table.hour // WEEK_HOURS
    auc, ap, chance = (np.where(mixed, column, 0.0) for column in (table.auc, table.ap, table.ap_chance))
    once = mixed.astype(np.float64)
    pairs = {"auc": (auc, once), "ap": (ap, once), "ap_chance": (chance, once), "ap_lift": (ap, chance)}
    return as_draws({name: resampled_ratio(*pair, week, draws, seed) for name, pair in pairs.items()}, len(np.unique(week)))


def _rank_correlation(a: np.ndarray, b: np.ndarray, block: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Spearman's correlation of the sample and of each draw, ranked anew in each; NaN where one side does not vary."""
    index, blocks = block_index(block)
    weight = block_counts(blocks, draws, seed)[:, index]
    x, y = (_centred(_ranks(values, weight), weight) for values in (a, b))
    spread = np.sqrt((weight * x * x).sum(axis=1) * (weight * y * y).sum(axis=1))
    return ratio((weight * x * y).sum(axis=1), spread)


def _ranks(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Draws × values: mean rank of each value where value i stands `weight[:, i]` times, but for a constant."""
    order = np.argsort(values, kind="stable")
    ties, place = np.unique(values, return_inverse=True)
    total = np.add.reduceat(weight[:, order], np.searchsorted(values[order], ties), axis=1)
    return (np.cumsum(total, axis=1) - total / 2)[:, place]


def _centred(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return values - ((weight * values).sum(axis=1) / weight.sum(axis=1))[:, None]
