"""Plots of a backtest that a person looks at. matplotlib's canvas-less figures: no display, no global state."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from veririsk_assets.contracts.texts import shown
from veririsk_assets.evaluation.events import Events, lead_hours
from veririsk_assets.evaluation.metrics import base_rate, reliability_curve

if TYPE_CHECKING:
    from veririsk_assets.backtest.run import Backtest

WORST = 10
DAYS_BEFORE, DAYS_AFTER = 4, 2
BUDGETS = (4.0, 8.0, 12.0, 24.0, 36.0, 48.0, 72.0, 110.0, 160.0, 240.0)
LEAD = 6


def draw_all(done: "Backtest", folder: Path) -> list[Path]:
    """Writes every plot as PNG."""
    drawings = {
        "reliability": _reliability,
        "precision_recall": _precision_recall,
        "lead_times": _lead_times,
        "worst_events": _worst_events,
        "alert_hours_recall": _alert_hours_recall,
    }
    paths = []
    for name, draw in drawings.items():
        figure = draw(done)
        paths.append(write_png(figure, folder / f"{name}.png"))
    return paths


def write_png(figure: Any, path: Path) -> Path:
    """Without the library's version in it the same data give the same file."""
    figure.savefig(path, dpi=100, metadata={"Software": None})
    return path


def lead_model(done: "Backtest") -> str:
    """The model that the plots follow: the learned one first in the list, else the first."""
    names = list(done.forecasts.probability)
    return next((name for name in ("gradient_boosting", "two_heads") if name in names), names[0])


def _figure(width: float = 7.0, height: float = 4.5, **grid: Any) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(**grid)


def _label(done: "Backtest") -> np.ndarray:
    return done.study.rows.y[done.forecasts.rows]


def _reliability(done: "Backtest") -> Any:
    return reliability(_label(done), done.forecasts.probability)


def reliability(label: np.ndarray, probabilities: Mapping[str, np.ndarray], rows: str = "out of fold") -> Any:
    """Forecast against observed rate of each model, a point per tenth of the rows; `rows` says in the title which they are."""
    figure, axis = _figure()
    top = 0.0
    for name, probability in probabilities.items():
        curve = reliability_curve(label, probability)
        axis.plot(curve.mean_probability, curve.observed_rate, marker="o", markersize=3, label=name)
        top = max(top, curve.mean_probability.max(), curve.observed_rate.max())
    axis.plot([0, top], [0, top], color="grey", linestyle="--", linewidth=1)
    axis.set(xlabel="mean forecast of a tenth of the rows", ylabel="observed rate", title=f"Reliability, {rows}")
    axis.legend(fontsize=7)
    return figure


def _precision_recall(done: "Backtest") -> Any:
    return precision_recall(_label(done), done.forecasts.probability)


def precision_recall(label: np.ndarray, probabilities: Mapping[str, np.ndarray], rows: str = "out of fold") -> Any:
    """Precision against recall of rows, of each model, with the base rate."""
    figure, axis = _figure()
    for name, probability in probabilities.items():
        order = np.argsort(-probability, kind="stable")
        hits = np.cumsum(label[order])
        shown = np.unique(np.geomspace(20, len(label), 400).astype(int)) - 1
        axis.plot(hits[shown] / hits[-1], hits[shown] / (shown + 1), label=name, linewidth=1)
    axis.axhline(base_rate(label), color="grey", linestyle="--", linewidth=1, label="base rate")
    axis.set(xlabel="recall of rows", ylabel="precision of rows", yscale="log", title=f"Precision and recall, {rows}")
    axis.legend(fontsize=7)
    return figure


def confusion(label: np.ndarray, alarmed: np.ndarray) -> np.ndarray:
    """Rows by event (no, yes) and alarm (no, yes).

    >>> confusion(np.array([0.0, 0.0, 0.0, 1.0, 1.0]), np.array([False, False, True, False, True])).tolist()
    [[2, 1], [1, 1]]
    """
    place = 2 * (label > 0) + alarmed.astype(np.int64)
    return np.bincount(place, minlength=4).reshape(2, 2)


def confusion_matrix(label: np.ndarray, alarmed: np.ndarray, rows: str = "out of fold") -> Any:
    """How many rows with and without the event were alarmed."""
    figure, axis = _figure(4.5, 4.0)
    counts = confusion(label, alarmed)
    axis.imshow(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        axis.text(column, row, f"{count:,}", ha="center", va="center")
    axis.set_xticks([0, 1], ["not HIGH", "HIGH"])
    axis.set_yticks([0, 1], ["no event", "event"])
    axis.set(title=f"Confusion at HIGH, {rows}")
    return figure


def classification_report(label: np.ndarray, alarmed: np.ndarray, rows: str = "out of fold") -> Any:
    """Precision, recall, F1 and support of both answers, as scikit-learn has them."""
    from sklearn.metrics import classification_report as told

    figure, axis = _figure(5.5, 2.6)
    axis.axis("off")
    words = told(label > 0, alarmed, labels=[False, True], target_names=["no event", "event"], digits=3, zero_division=0)
    axis.text(0, 0.5, words, family="monospace", fontsize=8, va="center")
    axis.set(title=f"Classification at HIGH, {rows}")
    return figure


def _lead_times(done: "Backtest") -> Any:
    from veririsk_assets.backtest.events import rule, study_events
    from veririsk_assets.backtest.measure import Measure

    figure, axis = _figure()
    name, measure, reading = lead_model(done), Measure(done), rule(done.study)
    events = study_events(done.study)
    for budget in ("medium", "high"):
        lead = lead_hours(measure.alerts(name, budget), events, reading)
        warned = lead[lead > 0]
        text = f"{budget} budget: {len(warned)} of {np.isfinite(lead).sum()} events warned of"
        axis.hist(warned, bins=np.arange(0.5, reading.horizon_hours + 1.5), histtype="step", label=text)
    axis.set(xlabel="hours from the alert's start to the onset", ylabel="events", title=f"Lead times of {name}")
    axis.legend(fontsize=7)
    return figure


def _alert_hours_recall(done: "Backtest") -> Any:
    from veririsk_assets.backtest.events import alarm, level_rows, rule, study_events
    from veririsk_assets.evaluation.events import event_metrics, time_shift_null

    figure, axis = _figure()
    forecasts, reading, events = done.forecasts, rule(done.study), study_events(done.study)
    lead = max(one for one in reading.leads if one <= LEAD)
    for name in forecasts.unshifted:
        points = []
        for budget in BUDGETS:
            alerts = alarm(done.study, forecasts.rows, level_rows(done.study, forecasts, name, budget))
            met = event_metrics(alerts, events, reading)
            chance = time_shift_null(alerts, events, reading, shifts=1).expected[lead] if name == lead_model(done) else np.nan
            points.append((met.alert_hours_per_pool_month, met.recall[lead], chance))
        hours, recall, chance = np.array(points).T
        line = axis.plot(hours, recall, marker=".", linewidth=1, label=name)[0]
        if np.isfinite(chance).any():
            axis.plot(hours, chance, linestyle=":", color=line.get_color(), label=f"{name}, shifted in time")
    axis.set(xlabel="alert-hours per pool-month that were spent", ylabel=f"event recall, lead ≥ {lead} h", xscale="symlog")
    axis.legend(fontsize=7)
    return figure


def _worst_events(done: "Backtest") -> Any:
    from veririsk_assets.backtest.measure import Measure

    study, forecasts, name = done.study, done.forecasts, lead_model(done)
    alerts = Measure(done).alerts(name, "high")
    worst = worst_events(done)
    figure, axes = _figure(10.0, 14.0, nrows=5, ncols=2, squeeze=False)
    grid = np.full(study.level.shape, np.nan)
    grid[study.hour[forecasts.rows], study.pool[forecasts.rows]] = forecasts.probability[name]
    for axis, hour, pool in zip(axes.ravel(), worst.hour_index, worst.key_index, strict=False):
        span = slice(max(hour - 24 * DAYS_BEFORE, 0), min(hour + 24 * DAYS_AFTER, study.hours))
        when = (np.arange(span.start, span.stop) - hour) / 24.0
        axis.plot(when, study.level[span, pool], color="tab:blue", linewidth=1)
        axis.set_title(f"{shown(study.names[pool])}, {str(study.as_ofs[hour])[:13]}h", fontsize=8, parse_math=False)
        axis.axvline(0, color="grey", linestyle="--", linewidth=1)
        other = axis.twinx()
        known = np.isfinite(grid[span, pool])
        other.plot(when[known], grid[span, pool][known], color="tab:red", marker=".", markersize=3, linewidth=1)
        other.fill_between(when, 0, 1, where=alerts.on[span, pool], color="tab:red", alpha=0.15, transform=other.get_xaxis_transform())
        axis.tick_params(labelsize=7)
        other.tick_params(labelsize=7)
    figure.suptitle(f"The {len(worst)} deepest events: level (blue), probability of {name} (red), HIGH alert (shaded), days from the onset")
    return figure


def worst_events(done: "Backtest", count: int = WORST) -> Events:
    """The deepest events that scored rows speak for: by the fall from the day before to the lowest hour of the day after."""
    from veririsk_assets.backtest.events import rule, study_events
    from veririsk_assets.backtest.measure import Measure

    study, events = done.study, study_events(done.study)
    lead = lead_hours(Measure(done).alerts(lead_model(done), "high"), events, rule(study))
    depth = np.full(len(events), np.nan)
    for i in np.flatnonzero(np.isfinite(lead)):
        hour, pool = events.hour_index[i], events.key_index[i]
        before, after = study.level[max(hour - 24, 0) : hour, pool], study.level[hour : hour + 24, pool]
        if np.isfinite(before).any():
            depth[i] = (np.nanmin(after) if np.isfinite(after).any() else 0.0) / np.nanmax(before) - 1.0
    order = np.argsort(np.where(np.isnan(depth), np.inf, depth), kind="stable")[: min(count, int(np.isfinite(depth).sum()))]
    return Events(events.hour_index[order], events.key_index[order])
