"""Features + model → scores of one horizon. Arrays in, arrays out; the caller adds hour, keys and provenance of the run.

A model is whatever has the methods of `Served`; without one the rule-based score serves and says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from veririsk_assets.contracts.vocabulary import HEURISTIC, HIGH_SCORE, MEDIUM_SCORE, METHODOLOGY_VERSION, NO_CAUSES, Causes
from veririsk_assets.scoring.status import Facts, Status, judge

HEURISTIC_NOTE = "heuristic: no usable model, the rule-based score serves"


@dataclass(frozen=True)
class Day:
    """What a version's day adds to its scores, a value per row.

    `moment`: equal where rows are of one instant; `shift`: what the drift of the base rate adds to every calibrated log-odds;
    `thresholds`: rows × 3, the probabilities before any shift at which MEDIUM, HIGH and score 95 begin; NaN: those of the training.
    """

    moment: np.ndarray
    shift: np.ndarray
    thresholds: np.ndarray

    @classmethod
    def unknown(cls, rows: int) -> "Day":
        """One moment of a day of which nothing is known."""
        return cls(np.zeros(rows, dtype=np.int64), np.zeros(rows), np.full((rows, 3), np.nan))


class Explainable(Protocol):
    """Whatever looks at features and can be explained."""

    @property
    def features(self) -> tuple[str, ...]: ...
    @property
    def usual_low(self) -> np.ndarray: ...
    @property
    def usual_high(self) -> np.ndarray: ...
    @property
    def method(self) -> str: ...
    def matrix(self, columns: Mapping[str, np.ndarray]) -> np.ndarray: ...


class Heads(Explainable, Protocol):
    """What scoring asks of the model that says the cause."""

    def causes(self, x: np.ndarray, shift: np.ndarray) -> np.ndarray: ...
    def cause_contributions(self, x: np.ndarray, head: int) -> np.ndarray: ...


class Served(Explainable, Protocol):
    """What scoring asks of a model; `heads` is None where nothing says the cause."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def heads(self) -> Heads | None: ...
    def margin(self, x: np.ndarray) -> np.ndarray: ...
    def probability(self, margin: np.ndarray, shift: np.ndarray | float) -> np.ndarray: ...
    def confidence(self, margin: np.ndarray, shift: np.ndarray | float) -> np.ndarray: ...
    def risk_score(self, probability: np.ndarray, moment: np.ndarray, thresholds: np.ndarray) -> np.ndarray: ...
    def contributions(self, x: np.ndarray) -> np.ndarray: ...


def score(
    features: Mapping[str, np.ndarray],
    served: Served | None,
    facts: Facts,
    horizon_hours: int,
    causes: Causes = NO_CAUSES,
    day: Day | None = None,
) -> dict[str, np.ndarray]:
    """Columns of a system's scores but as_of, its key, scored_at and lake_snapshot_id; a system that says no `confidence` leaves it out.

    `features`: columns of equal length, one row per entity (a Panel row, a dict or a DataFrame), of every entity of each moment:
    levels are capped within it. `causes`: what is told apart where a model can. `day`: None is one moment as training knew it.
    """
    if served is None:
        return _by_rule(facts, horizon_hours, causes)
    x, day = served.matrix(features), day or Day.unknown(facts.rows)
    shift = day.shift
    status = judge(facts, np.isnan(x).mean(axis=1))
    margin = np.where(status.is_scored, served.margin(x), np.nan)
    probability = served.probability(margin, shift)
    # Score and level rank, at thresholds that keep an alarm budget: a turn of the market must not call every one HIGH.
    risk_score = served.risk_score(served.probability(margin, 0.0), day.moment, day.thresholds)
    columns = {"risk_score": risk_score, "probability": probability, "confidence": served.confidence(margin, shift), "margin": margin}
    columns |= _causes(features, served, status.is_scored, shift, causes) | {"calibration_shift": shift}
    return _columns(columns, facts, horizon_hours, (served.name, served.version), status)


def levels(risk_score: np.ndarray) -> np.ndarray:
    """LOW < 30 ≤ MEDIUM < 65 ≤ HIGH; UNKNOWN without a score."""
    place = np.searchsorted((MEDIUM_SCORE, HIGH_SCORE), np.nan_to_num(risk_score), side="right")
    return np.where(np.isnan(risk_score), "UNKNOWN", np.array(["LOW", "MEDIUM", "HIGH"], dtype=object)[place])


def _by_rule(facts: Facts, horizon_hours: int, causes: Causes) -> dict[str, np.ndarray]:
    """The early-warning score as risk score; its margin is its points, so that its reasons add up to it."""
    points = np.asarray(facts.early_warning_score, dtype=np.float64)
    status = judge(facts, np.zeros(facts.rows), HEURISTIC_NOTE)
    mute = status.is_scored & np.isnan(points)
    status.status[mute], status.reason[mute] = "insufficient", "none of the rule's terms is known"
    risk_score = np.where(status.is_scored, np.clip(points, 0.0, 100.0), np.nan)
    unknown = np.full(facts.rows, np.nan)
    columns = {"risk_score": risk_score, "probability": unknown, "confidence": unknown, "margin": risk_score}
    columns |= {"calibration_shift": unknown} | _without_causes(causes, "rule only", status.is_scored)
    return _columns(columns, facts, horizon_hours, (HEURISTIC, METHODOLOGY_VERSION), status)


def _causes(
    features: Mapping[str, np.ndarray], served: Served, is_scored: np.ndarray, shift: np.ndarray, causes: Causes
) -> dict[str, np.ndarray]:
    """The cause columns; a cause that is not known is null, with a note."""
    if served.heads is None or not causes.names:
        return _without_causes(causes, f"no cause model in version {served.version}", is_scored)
    found = np.where(is_scored[:, None], served.heads.causes(served.heads.matrix(features), shift), np.nan)
    note = _noted(causes.unknown, is_scored)
    note[np.isfinite(found).all(axis=1)] = None
    return dict(zip(causes.columns, found.T, strict=True)) | {"cause_note": note}


def _without_causes(causes: Causes, why: str, is_scored: np.ndarray) -> dict[str, np.ndarray]:
    if not causes.names:
        return {}
    return dict.fromkeys(causes.columns, np.full(len(is_scored), np.nan)) | {"cause_note": _noted(why, is_scored)}


def _noted(note: str, is_scored: np.ndarray) -> np.ndarray:
    return np.where(is_scored, note, "insufficient input").astype(object)


def _columns(
    scores: dict[str, np.ndarray], facts: Facts, horizon_hours: int, model: tuple[str, str], status: Status
) -> dict[str, np.ndarray]:
    return {
        **scores,
        "horizon_hours": np.full(facts.rows, horizon_hours, dtype=np.int64),
        "risk_level": levels(scores["risk_score"]),
        "early_warning_score": np.asarray(facts.early_warning_score, dtype=np.float64),
        facts.measure: np.asarray(facts.value, dtype=np.float64),
        "input_age_hours": np.asarray(facts.input_age_hours, dtype=np.float64),
        "model_name": np.full(facts.rows, model[0], dtype=object),
        "model_version": np.full(facts.rows, model[1], dtype=object),
        "status": status.status,
        "status_reason": status.reason,
    }
