"""What a backtest's forecasts are worth: metrics with intervals by week and by pool, paired gains, per fold, when and which."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Literal

import numpy as np

from veririsk_assets.backtest.events import alarm, level_rows, rule, study_events
from veririsk_assets.backtest.run import Backtest, Forecasts
from veririsk_assets.contracts.windows import HOURS_PER_MONTH, WEEK_HOURS
from veririsk_assets.evaluation.budgets import by_month, event_rates, spent, turns_per_day
from veririsk_assets.evaluation.chance import chance_check
from veririsk_assets.evaluation.episodes import Alerts
from veririsk_assets.evaluation.event_intervals import event_draws
from veririsk_assets.evaluation.events import Events, event_metrics, time_shift_null
from veririsk_assets.evaluation.intervals import Draws, Interval, calibration_draws, differences, intervals, ranking_draws
from veririsk_assets.evaluation.known_rate import known_rate
from veririsk_assets.evaluation.metrics import average_precision, brier_skill, ece, roc_auc
from veririsk_assets.evaluation.moment_intervals import when_draws, which_draws
from veririsk_assets.evaluation.moments import MIN_KEYS, hourly
from veririsk_assets.training.paired import hours

SCOPES = ("all", "at_risk")
# Enough for the ends of an interval that is only asked whether it holds chance. Of 40 shuffles a true share of 8 % is
# more than 12 % in every sixth report.
CHANCE_DRAWS, CHANCE_SHUFFLES = 200, 120
CHANCE_RIVAL = "ewma_volatility_7d"
# Of the ranking among the pools of one hour, what the tables show.
WITHIN_HOUR = ("auc", "ap", "ap_lift")
Block = Literal["week", "key"]
BLOCKS: tuple[Block, Block] = ("week", "key")
Progress = Callable[[str], None]
Tree = dict[str, Any]


class Measure:
    """Draws of every model on the same rows and the same blocks, made once; paired gains come from subtracting them."""

    def __init__(self, backtest: Backtest, progress: Progress = lambda _: None) -> None:
        self.backtest, self.progress = backtest, progress
        self.study, self.setting = backtest.study, backtest.setting
        self.events = study_events(backtest.study)
        rows = backtest.study.rows
        self.known_rate = known_rate(hours(rows.as_of), rows.y, rows.horizon_hours)
        self.budgets = {"high": backtest.setting.high_alert_hours, "medium": backtest.setting.medium_alert_hours}

    def draws(self, name: str, scope: str, by: Block, budget: str | None = "high") -> dict[str, Draws]:
        """Row and event metrics of a model; without a budget those of rows only."""
        forecasts = self.backtest.forecasts
        keep = self.scope(forecasts, scope)
        drawn = self.row_draws(forecasts, name, keep, by)
        if budget is None:
            return drawn
        return drawn | event_draws(
            self.alerts(name, budget, keep), self.events, rule(self.study), by, self.setting.draws, self.setting.seed, self.study.unit
        )

    def row_draws(self, forecasts: Forecasts, name: str, keep: np.ndarray, by: Block) -> dict[str, Draws]:
        """Ranking within folds, how true the probabilities are, and by week also the ranking within hours, of the rows kept."""
        rows, piece, rank = forecasts.rows[keep], forecasts.piece[keep], forecasts.rank[name][keep]
        label, probability, hour = self.study.rows.y[rows], forecasts.probability[name][keep], self.study.hour[rows]
        block = hour // WEEK_HOURS if by == "week" else self.study.unit[self.study.pool[rows]]
        sampling = (self.setting.draws, self.setting.seed)
        drawn = ranking_draws(label, rank, block, *sampling, fold=piece)
        drawn |= calibration_draws(label, probability, block, *sampling, known_rate=self.known_rate[rows])
        if by == "key":
            return drawn
        within = which_draws(hourly(label, rank, hour, piece), *sampling)
        return drawn | {f"within_hour_{metric}": within[metric] for metric in WITHIN_HOUR}

    def scope(self, forecasts: Forecasts, scope: str) -> np.ndarray:
        rows = forecasts.rows
        return self.study.at_risk[rows] if scope == "at_risk" else np.ones(len(rows), dtype=bool)

    def on(self, name: str, budget: str) -> np.ndarray:
        """Which rows reach the level of a budget; decided on all of them."""
        return level_rows(self.study, self.backtest.forecasts, name, self.budgets[budget])

    def alerts(self, name: str, budget: str, keep: np.ndarray | None = None) -> Alerts:
        return alarm(self.study, self.backtest.forecasts.rows, self.on(name, budget), keep)

    def table(self, by: Block, budget: str, rivals: Sequence[str]) -> tuple[Tree, Tree]:
        """`results` and `paired` of the report: model → scope → metric, and model → rival → scope → metric."""
        names = list(self.backtest.forecasts.probability)
        results: Tree = {name: {} for name in names}
        paired: Tree = {name: {rival: {} for rival in rivals if rival != name and rival in names} for name in names}
        for scope in SCOPES:
            self.progress(f"bootstrap by {by}, {scope} rows, {budget} budget")
            drawn = {name: self.draws(name, scope, by, budget) for name in names}
            for name in names:
                results[name][scope] = tree(intervals(drawn[name]))
                for rival in paired[name]:
                    gains = differences(drawn[name], drawn[rival])
                    paired[name][rival][scope] = tree({metric: gain for metric, gain in gains.items() if metric != "base_rate"})
        return results, paired

    def timing(self, name: str) -> Tree:
        """Per budget: the time-shift null of the alerts, lead-time quartiles (hours) and counts."""
        found: Tree = {}
        for budget in self.budgets:
            alerts = self.alerts(name, budget)
            null = asdict(time_shift_null(alerts, self.events, rule(self.study), seed=self.setting.seed))
            null.pop("event_chance")
            found[budget] = asdict(event_metrics(alerts, self.events, rule(self.study))) | {"time_shift_null": null}
        return found

    def levels(self, name: str) -> Tree:
        """What HIGH, and MEDIUM and above, spend; how often events follow each level; and how often HIGH turns. All rows."""
        forecasts, study = self.backtest.forecasts, self.study
        rows, on = forecasts.rows, {budget: self.on(name, budget) for budget in self.budgets}
        hour, high = study.hour[rows], on["high"]
        rates = event_rates(study.rows.y[rows], high, on["medium"] & ~high, hour, self.setting.draws, self.setting.seed)
        found: Tree = {
            budget: asdict(spent(is_on, hour, forecasts.fold, self.budgets[budget])) | {"months": by_month(is_on, study.rows.as_of[rows])}
            for budget, is_on in on.items()
        }
        return found | {"event_rates": tree(rates), "high_turns_per_day": turns_per_day(high, hour, study.pool[rows])}

    def moments(self, name: str) -> Tree:
        """When: hours against hours, on all rows; weeks drawn. Which is in the results (`within_hour_…`), of so many hours."""
        forecasts = self.backtest.forecasts
        table = hourly(self.study.rows.y[forecasts.rows], forecasts.probability[name], self.study.hour[forecasts.rows])
        wide, mixed = table.key_count >= MIN_KEYS, np.isfinite(table.auc)
        when = tree(intervals(when_draws(table, self.setting.draws, self.setting.seed)))
        return {"when": when | {"hour_count": int(wide.sum())}, "which": {"hour_count": int(mixed.sum())}}

    def chance(self, names: Sequence[str], column: str = CHANCE_RIVAL) -> Tree:
        """Per model, whether intervals and metrics find no skill in labels that the forecasts cannot know, over a single column's either.

        `effective_weeks`: how many weeks of equally many positive rows would say as much as these weeks do.
        """
        forecasts, draws = self.backtest.forecasts, min(self.setting.draws, CHANCE_DRAWS)
        label, hour, pool = (column[forecasts.rows] for column in (self.study.rows.y, self.study.hour, self.study.pool))
        positive = np.bincount(hour // WEEK_HOURS, label)
        found: Tree = {"draws": draws, "effective_weeks": float(positive.sum() ** 2 / (positive**2).sum()), "models": {}}
        for name in names:
            self.progress(f"chance check of {name}: {CHANCE_SHUFFLES} shuffles")
            rank = forecasts.rank[name]
            rival = None if name == column else forecasts.rank.get(column)
            is_probability = np.array_equal(rank, forecasts.probability[name])
            sampling = (CHANCE_SHUFFLES, draws, self.setting.seed)
            check = chance_check(label, rank, hour, pool, *sampling, forecasts.piece, rival, is_probability)
            found["models"][name] = asdict(check) | {"holds": check.holds}
        return found

    def per_fold(self, name: str) -> list[Tree]:
        """Points of each fold, all rows."""
        forecasts, high = self.backtest.forecasts, self.on(name, "high")
        found = []
        for i in range(len(self.backtest.folds)):
            mine = forecasts.fold == i
            label, probability = self.study.rows.y[forecasts.rows[mine]], forecasts.probability[name][mine]
            row = {metric: score(label, probability) for metric, score in POINTS.items()}
            spent_hours = float(high[mine].mean()) * HOURS_PER_MONTH
            found.append(row | {"mean_probability": float(probability.mean()), "high_alert_hours_per_pool_month": spent_hours})
        return found

    def unseen_pools(self, rivals: Sequence[str]) -> Tree | None:
        """Leave-pools-out: metrics and paired gains by week and by pool over all groups, and AUC and its gains per group."""
        forecasts = self.backtest.unseen
        if forecasts is None:
            return None
        self.progress("bootstrap of leave-pools-out")
        names, everything = list(forecasts.probability), np.ones(len(forecasts.rows), dtype=bool)
        found: Tree = {"refused": forecasts.refused}
        found["by_week"], found["by_pool"] = (self._compared(forecasts, names, everything, by, rivals) for by in BLOCKS)
        groups = range(self.setting.pool_groups)
        found["groups"] = [self._compared(forecasts, names, forecasts.fold == g, "week", rivals) for g in groups]
        return found

    def _compared(self, forecasts: Forecasts, names: list[str], keep: np.ndarray, by: Block, rivals: Sequence[str]) -> Tree:
        if len(np.unique(self.study.rows.y[forecasts.rows[keep]])) < 2:
            return {"results": {}, "paired": {}}
        drawn = {name: self.row_draws(forecasts, name, keep, by) for name in names}
        pairs = {n: {r: tree(differences(drawn[n], drawn[r])) for r in rivals if r != n and r in drawn} for n in names}
        return {"results": {name: tree(intervals(drawn[name])) for name in names}, "paired": pairs}

    def event_counts(self) -> list[int]:
        """Onsets within reach of each fold's test rows."""
        return [len(_within(self.events, fold.test, self.study.rows.horizon_hours)) for fold in self.backtest.folds]


POINTS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "ap": average_precision,
    "auc": roc_auc,
    "brier_skill": brier_skill,
    "ece": ece,
}


def tree(found: dict[str, Interval]) -> Tree:
    """Intervals as JSON has them."""
    return {name: asdict(interval) for name, interval in found.items()}


def _within(events: Events, test: range, horizon: int) -> np.ndarray:
    return np.flatnonzero((events.hour_index > test.start) & (events.hour_index < test.stop + horizon))
