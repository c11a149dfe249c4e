"""Detection judged by its own numbers, walk-forward: what has begun, not what will.

A forecast speaks before anything has moved and is judged by lead time; detection speaks of a drop that is under way, and is judged by
how often it is right, what it misses, and its **delay** from the onset (negative: while TVL was falling and not yet 20 % down).
An episode is right if an onset lies between 24 hours before its first and 6 hours after its last hour; an onset is found if any hour
from 6 before to 24 after it is on. Recall and delay are over onsets at least 7 days apart, as the forecasts' events are;
precision counts every onset, because a second fall in a week is a fall too.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from veririsk_assets.backtest.setting import Setting
from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.vocabulary import DETECTION_HORIZON_HOURS, DETECTION_STATES
from veririsk_assets.contracts.windows import HOURS_PER_MONTH, WEEK_HOURS
from veririsk_assets.evaluation.episodes import Alerts, episodes
from veririsk_assets.evaluation.events import Events, event_onsets
from veririsk_assets.evaluation.intervals import Draws, as_draws, calibration_draws, ranking_draws
from veririsk_assets.evaluation.resampling import block_counts, block_sums, ratio
from veririsk_assets.evaluation.splits import Fold
from veririsk_assets.models.catalogue import pools as catalogue
from veririsk_assets.training.datasets import CannotTrain, Dataset
from veririsk_assets.training.folds import Piece, Said, fit_calibrated, out_of_fold, piece_of

FELL = "fell"
HEAD, RULES = "detection", ("10 % below the 24-hour high", "20 % below the 24-hour high")
BEFORE_HOURS, AFTER_HOURS = 24, DETECTION_HORIZON_HOURS
# Not chosen on any data: more likely than not, and one in four.
THRESHOLDS = {HEAD: 0.5, f"{HEAD}, one in four": 0.25}
MIN_ROWS, MIN_EVENTS = 500, 30
FALLING, FALLEN = DETECTION_STATES.index("falling"), DETECTION_STATES.index("fallen")


@dataclass(frozen=True)
class DetectionStudy:
    """Hours × pools: `state` (places in DETECTION_STATES, NaN where out of scope) and `tvl_usd`; and the rows whose drop has begun.

    `hour` and `pool` of a row are places on the grid, in order of hour; its label is NaN where it cannot be said what became of it.
    """

    rows: Dataset
    hour: np.ndarray
    pool: np.ndarray
    state: np.ndarray
    tvl_usd: np.ndarray


def build_detection_study(pools: Panel, features: Panel, detections: Panel, fell: np.ndarray, min_high_usd: float) -> DetectionStudy:
    """From panels of the same hours: tvl_usd; features; states with the 24-hour high; `fell` is shorter by the hours to wait.

    In scope is a pool whose 24-hour high lies above `min_high_usd`.
    """
    with np.errstate(invalid="ignore"):
        state = np.where((detections["high_tvl_usd"] > min_high_usd) & (detections["state"] > 0), detections["state"], np.nan)
    hour, pool = np.nonzero(state >= FALLING)
    columns = {**features.values, **detections.values}
    names = tuple(name for name in catalogue.DETECTION_COLUMNS if name in columns)
    label = np.full(state.shape, np.nan, dtype=np.float32)
    label[: len(fell)] = fell
    x = np.column_stack([columns[name][hour, pool] for name in names]).astype(np.float32)
    became = label[hour, pool].astype(np.float64)
    rows = Dataset(names, x, became, features.as_ofs[hour], features.keys[pool], DETECTION_HORIZON_HOURS, FELL)
    return DetectionStudy(rows, hour, pool, state, pools["tvl_usd"])


def detection_report(study: DetectionStudy, setting: Setting, name: str = catalogue.DETECTION) -> dict[str, Any]:
    """The `detection` section of the report: the head and both plain rules on the same hours, with intervals by week.

    Where no head can be made, `refused` says why and the rules stand alone.
    """
    folds = setting.walk(len(study.state))
    covered = np.zeros(study.state.shape, dtype=bool)
    for fold in folds:
        covered[fold.test.start : fold.test.stop] = True
    covered &= np.isfinite(study.state)
    on = dict(zip(RULES, (study.state >= FALLING, study.state >= FALLEN), strict=True))
    found: dict[str, Any] = {"thresholds": THRESHOLDS, "refused": None, "rows": {}}
    try:
        probability = forecast(study, folds, name)
    except CannotTrain as reason:
        found["refused"] = str(reason)
    else:
        falling = study.state[study.hour, study.pool] == FALLING
        scopes = {"begun": np.ones(len(falling), dtype=bool), "falling": falling}
        found["rows"] = {scope: _row_metrics(study, np.where(keep, probability, np.nan), folds, setting) for scope, keep in scopes.items()}
        on = {who: _alert(study, np.nan_to_num(probability) >= limit) for who, limit in THRESHOLDS.items()} | on
    drawn = {who: _draws(study, Alerts(where & covered, covered), setting) for who, where in on.items()}
    results = {who: {metric: _interval(draws) for metric, draws in one.items()} for who, one in drawn.items()}
    heads = [who for who in THRESHOLDS if who in drawn]
    paired = {who: {rule: {m: _interval(one - drawn[rule][m]) for m, one in drawn[who].items()} for rule in RULES} for who in heads}
    return found | {"counts": _counts(study, covered, on), "results": results, "paired": paired}


def forecast(study: DetectionStudy, folds: list[Fold], name: str) -> np.ndarray:
    """Calibrated probability of every row in a test segment, NaN elsewhere. Raises CannotTrain."""
    spec, rows = catalogue.spec(name, DETECTION_HORIZON_HOURS), study.rows

    def speak(_: str, piece: Piece) -> Said:
        train, held = (part[np.isfinite(rows.y[part])] for part in (piece.train, piece.validation))
        for part, what in ((train, "training"), (held, "validation")):
            events = int(rows.y[part].sum())
            if len(part) < MIN_ROWS or min(events, len(part) - events) < MIN_EVENTS:
                raise CannotTrain(
                    f"{len(part):,} {what} rows with a drop under way, {events:,} of them falls: too few for a detection head"
                )
        names = replace(rows, train=train).usable([FELL])
        x, held_x, test_x = (rows.columns(names, part) for part in (train, held, piece.test))
        fitted = fit_calibrated(spec.make(), (x, rows.y[train]), (held_x, rows.y[held]))
        said = fitted.probability(test_x)
        return Said(fitted.held, said, said)

    found = out_of_fold([name], [piece_of(fold, study.hour, number) for number, fold in enumerate(folds)], speak)
    if found.refused:
        raise CannotTrain(found.refused[name])
    probability = np.full(len(study.hour), np.nan)
    probability[found.rows] = found.probability[name]
    return probability


def _alert(study: DetectionStudy, on: np.ndarray) -> np.ndarray:
    """Rows on the grid."""
    alert = np.zeros(study.state.shape, dtype=bool)
    alert[study.hour, study.pool] = on
    return alert


def _row_metrics(study: DetectionStudy, probability: np.ndarray, folds: list[Fold], setting: Setting) -> dict[str, Any]:
    """How well the head tells falls from drops, on rows with a drop under way."""
    known = np.isfinite(probability) & np.isfinite(study.rows.y)
    hour = study.hour[known]
    rows = (study.rows.y[known], probability[known], hour // WEEK_HOURS, setting.draws, setting.seed)
    fold = np.searchsorted([fold.test.start for fold in folds], hour, side="right")
    drawn = ranking_draws(*rows, fold=fold) | calibration_draws(*rows)
    return {metric: _interval(drawn[metric]) for metric in ("base_rate", "ap", "auc", "brier_skill", "ece")}


def _draws(study: DetectionStudy, alerts: Alerts, setting: Setting) -> dict[str, Draws]:
    run, onsets, events = episodes(alerts), event_onsets(study.tvl_usd, min_gap_hours=1), _events(study, alerts.covered)
    delay = delays(alerts, events)
    found = np.isfinite(delay)
    hour, _ = np.nonzero(alerts.covered)
    on_hour, on_pool = np.nonzero(alerts.on)
    ids = np.union1d(np.unique(hour // WEEK_HOURS), events.hour_index // WEEK_HOURS)
    counts = block_counts(len(ids), setting.draws, setting.seed)

    def total(at: np.ndarray, value: np.ndarray | float = 1.0) -> np.ndarray:
        place = np.searchsorted(ids, at // WEEK_HOURS)
        return counts @ block_sums(np.broadcast_to(value, place.shape), place, len(ids))

    became = np.full(study.state.shape, np.nan)
    became[study.hour, study.pool] = study.rows.y
    known = np.isfinite(became[on_hour, on_pool])
    right = followed_or_preceded(run.key_index, run.first_hour, run.last_hour, onsets, len(study.state))
    months, late = total(hour, 1.0 / HOURS_PER_MONTH), np.searchsorted(ids, events.hour_index[found] // WEEK_HOURS)
    quartiles = {f"delay_q{round(100 * q)}": _quantile(delay[found], counts[:, late], q) for q in (0.25, 0.5, 0.75)}
    return as_draws(
        {
            "precision": ratio(total(run.first_hour, right.astype(float)), total(run.first_hour)),
            "recall": ratio(total(events.hour_index, found.astype(float)), total(events.hour_index)),
            "recall_early": ratio(total(events.hour_index, np.nan_to_num(delay) < 0.0), total(events.hour_index)),
            **quartiles,
            "hours_that_are_falls": ratio(total(on_hour[known], became[on_hour, on_pool][known]), total(on_hour[known])),
            "alert_hours_per_pool_month": ratio(total(on_hour), months),
            "false_alarms_per_pool_month": ratio(total(run.first_hour, 1.0 - right), months),
        }
    )


def _events(study: DetectionStudy, covered: np.ndarray) -> Events:
    """Onsets 7 days apart at hours that are judged."""
    events = event_onsets(study.tvl_usd)
    inside = covered[events.hour_index, events.key_index]
    return Events(events.hour_index[inside], events.key_index[inside])


def delays(alerts: Alerts, events: Events) -> np.ndarray:
    """Hours from each onset to the first alert-on hour from 6 hours before to 24 hours after it; NaN where there is none."""
    delay = np.full(len(events), np.nan)
    for offset in range(BEFORE_HOURS, -AFTER_HOURS - 1, -1):
        hour = events.hour_index + offset
        inside = (hour >= 0) & (hour < len(alerts.on))
        on = np.zeros(len(events), dtype=bool)
        on[inside] = alerts.on[hour[inside], events.key_index[inside]]
        delay[on] = offset
    return delay


def followed_or_preceded(pool: np.ndarray, first: np.ndarray, last: np.ndarray, onsets: Events, hours: int) -> np.ndarray:
    """Whether an onset of the pool lies between 24 hours before the first and 6 hours after the last hour."""
    stride = hours + BEFORE_HOURS + AFTER_HOURS + 2
    places = np.sort(onsets.key_index * stride + onsets.hour_index)
    since = np.searchsorted(places, pool * stride + first - BEFORE_HOURS, side="left")
    until = np.searchsorted(places, pool * stride + last + AFTER_HOURS, side="right")
    return until > since


def _quantile(values: np.ndarray, weight: np.ndarray, share: float) -> np.ndarray:
    """The quantile of each draw; `weight`: draws × values."""
    if not len(values):
        return np.full(len(weight), np.nan)
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[:, order], axis=1)
    place = (reached >= share * reached[:, -1:]).argmax(axis=1)
    return np.where(reached[:, -1] > 0, values[order][place], np.nan)


def _counts(study: DetectionStudy, covered: np.ndarray, on: dict[str, np.ndarray]) -> dict[str, Any]:
    judged = covered[study.hour, study.pool]
    return {
        "rows": int(judged.sum()),
        "onsets": len(_events(study, covered)),
        "pool_months": float(covered.sum() / 730.0),
        "episodes": {who: len(episodes(Alerts(where & covered, covered)).first_hour) for who, where in on.items()},
    }


def _interval(draws: Draws) -> dict[str, float]:
    found = draws.interval()
    return {"value": found.value, "lo": found.lo, "hi": found.hi}
