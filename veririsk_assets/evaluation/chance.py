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
from veririsk_assets.evaluation.intervals import Draws, calibration_draws, ranking_draws
from veririsk_assets.evaluation.moment_intervals import which_draws
from veririsk_assets.evaluation.moments import hourly
from veririsk_assets.evaluation.resampling import DRAWS, SEED

SHUFFLES = 40
MAX_EXCLUDED = 0.12
MAX_LIFT_ERROR = 0.10
# What each metric is without skill; AP is less what random orders give.
CHANCE = {"ap": 0.0, "auc": 0.5, "within_hour_auc": 0.5, "within_hour_ap": 0.0, "within_hour_auc_gain": 0.0, "slope": 0.0}


@dataclass(frozen=True)
class ChanceCheck:
    """Over the shuffles: mean AP / chance and mean AUC, both within folds, mean AUC within hours; and per metric how often its
    interval excludes what no skill gets. `shuffles`: those that left both classes.

    Metrics: `ap`, `auc`, `within_hour_auc`, `within_hour_ap`, and where rivals are given the paired gain `within_hour_auc_gain`;
    of probabilities the calibration `slope`, which is 0 where nothing is known.
    """

    mean_lift: float
    mean_auc: float
    mean_within_hour_auc: float
    excluded: dict[str, float]
    shuffles: int

    @property
    def holds(self) -> bool:
        """Intervals of every metric exclude chance in at most 12 % of shuffles, and mean AP / chance is 1 ± 0.1."""
        return bool(max(self.excluded.values(), default=np.nan) <= MAX_EXCLUDED and abs(self.mean_lift - 1.0) <= MAX_LIFT_ERROR)


def chance_check(
    label: np.ndarray,
    score: np.ndarray,
    hour: np.ndarray,
    key: np.ndarray,
    shuffles: int = SHUFFLES,
    draws: int = DRAWS,
    seed: int = SEED,
    fold: np.ndarray | None = None,
    rival: np.ndarray | None = None,
    is_probability: bool = False,
) -> ChanceCheck:
    """Rows are 1-D: label 0/1, score, `hour` (integer, hours) and `key` (integer). Rows of one week share a block.

    `fold`: of the fit that made the score, `rival`: a second score, which the first is paired with; both by row.
    """
    labels = _weekly(label, hour, key)
    about = {"score": score, "hour": np.asarray(hour) - np.min(hour), "fold": np.zeros(len(label)) if fold is None else fold}
    about |= {} if rival is None else {"rival": rival}
    grids = {name: _weekly(values, hour, key) for name, values in about.items()}
    rng = np.random.default_rng(seed)
    means, excluded = [], []
    for _ in range(shuffles):
        shuffled = _shuffled(labels, rng)
        both = np.isfinite(shuffled) & np.isfinite(grids["score"])
        if len(np.unique(shuffled[both])) > 1:
            rows = {name: grid[both] for name, grid in grids.items()} | {"week": np.nonzero(both)[0]}
            drawn = _drawn(shuffled[both], rows, draws, seed, is_probability)
            means.append([drawn[name].value for name in ("lift", "auc", "within_hour_auc")])
            excluded.append({name: drawn[name].interval().excludes(at) for name, at in CHANCE.items() if name in drawn})
    if not means:
        return ChanceCheck(np.nan, np.nan, np.nan, {}, 0)
    shares = {name: float(np.mean([one[name] for one in excluded])) for name in excluded[0]}
    lift, auc, within = np.nanmean(means, axis=0).tolist()
    return ChanceCheck(lift, auc, within, shares, len(means))


def _drawn(label: np.ndarray, rows: dict[str, np.ndarray], draws: int, seed: int, is_probability: bool) -> dict[str, Draws]:
    """Every metric on one set of shuffled labels."""
    week, score, hour, fold = (rows[name] for name in ("week", "score", "hour", "fold"))
    drawn = ranking_draws(label, score, week, draws, seed, fold=fold)
    within = which_draws(hourly(label, score, hour), draws, seed)
    drawn |= {"ap": drawn["ap"] - drawn["chance_ap"], "within_hour_auc": within["auc"]}
    drawn["within_hour_ap"] = within["ap"] - within["ap_chance"]
    if "rival" in rows:
        rival = which_draws(hourly(label, rows["rival"], hour), draws, seed)
        drawn["within_hour_auc_gain"] = within["auc"] - rival["auc"]
    if is_probability:
        drawn["slope"] = calibration_draws(label, score, week, draws, seed)["slope"]
    return drawn


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
