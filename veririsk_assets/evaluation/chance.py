"""The chance check: on labels that the scores cannot know, does the whole machinery say "no skill"?

Labels are shuffled by week block: every week meets the labels of another week, and its keys those of other keys (one
exchange of keys per week), so runs in time and falls of many keys at once stay, and every tie to the scores goes.

A failure by a little is not yet a finding. On 16 simulated markets of 30 weeks, 120 shuffles each, means are unbiased (AUC
0.497–0.504, AP / base rate 1.01–1.03) and AUC intervals exclude 0.5 in 7.0 % (5.0–11.7 % by market, as often above as below),
those of AP in 6.4 % (0.8–13.3 %): a little over 5 %, because few of the weeks hold most events. Before intervals were expanded
for few weeks it was 7.9 %, and 10 to 16 % in reports of six weeks. In 40 shuffles a true 8 % shows as more than 12 % in every sixth
check; it takes more shuffles to tell that from a finding. Many more, or only on one side, is one.
"""

from dataclasses import dataclass

import numpy as np

from veririsk_assets.contracts.windows import WEEK_HOURS
from veririsk_assets.evaluation.intervals import ranking_draws
from veririsk_assets.evaluation.resampling import DRAWS, SEED

SHUFFLES = 40
MAX_EXCLUDED = 0.12
MAX_LIFT_ERROR = 0.10


@dataclass(frozen=True)
class ChanceCheck:
    """Over the shuffles: mean AP / base rate and mean AUC, and how often the interval of AP minus the draw's own base rate
    excludes 0, and that of AUC excludes 0.5. `shuffles`: those that left both classes."""

    mean_lift: float
    mean_auc: float
    ap_excluded: float
    auc_excluded: float
    shuffles: int

    @property
    def holds(self) -> bool:
        """Intervals of AP and AUC exclude chance in at most 12 % of shuffles, and mean AP / base rate is 1 ± 0.1."""
        excluded = max(self.ap_excluded, self.auc_excluded)
        return bool(excluded <= MAX_EXCLUDED and abs(self.mean_lift - 1.0) <= MAX_LIFT_ERROR)


def chance_check(
    label: np.ndarray,
    score: np.ndarray,
    hour: np.ndarray,
    key: np.ndarray,
    shuffles: int = SHUFFLES,
    draws: int = DRAWS,
    seed: int = SEED,
) -> ChanceCheck:
    """Rows are 1-D: label 0/1, score, `hour` (integer, hours) and `key` (integer). Rows of one week share a block."""
    labels, scores = _weekly(label, hour, key), _weekly(score, hour, key)
    rng = np.random.default_rng(seed)
    results = []
    for _ in range(shuffles):
        shuffled = _shuffled(labels, rng)
        both = np.isfinite(shuffled) & np.isfinite(scores)
        week = np.nonzero(both)[0]
        if len(np.unique(shuffled[both])) > 1:
            results.append(_one(shuffled[both], scores[both], week, draws, seed))
    if not results:
        return ChanceCheck(np.nan, np.nan, np.nan, np.nan, 0)
    mean_lift, mean_auc, ap_excluded, auc_excluded = np.mean(results, axis=0).tolist()
    return ChanceCheck(mean_lift, mean_auc, ap_excluded, auc_excluded, len(results))


def _one(label: np.ndarray, score: np.ndarray, week: np.ndarray, draws: int, seed: int) -> tuple[float, float, float, float]:
    drawn = ranking_draws(label, score, week, draws, seed)
    ap_excluded = (drawn["ap"] - drawn["base_rate"]).interval().excludes(0.0)
    return drawn["lift"].value, drawn["auc"].value, float(ap_excluded), float(drawn["auc"].interval().excludes(0.5))


def _weekly(values: np.ndarray, hour: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Rows as weeks × hours of the week × keys; NaN where there is no row."""
    since = np.asarray(hour) - np.min(hour)
    _, column = np.unique(key, return_inverse=True)
    grid = np.full((since.max() // WEEK_HOURS + 1, WEEK_HOURS, column.max() + 1), np.nan)
    grid[since // WEEK_HOURS, since % WEEK_HOURS, column] = values
    return grid[:, np.isfinite(grid).any(axis=(0, 2))]


def _shuffled(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    weeks, _, keys = labels.shape
    return np.stack([labels[week][:, rng.permutation(keys)] for week in rng.permutation(weeks)])
