"""Why a score is what it is: the five strongest contributions, in numbers and in words, and the rest in one number.

base_value + the five contributions + other_contribution = margin, for a model in log-odds, for the rule in points. What has no
part in a score is no reason: there may be fewer than five.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from veririsk_assets.scoring.phrases.phrase import Phrase
from veririsk_assets.scoring.score import Explainable, Heads, Served
from veririsk_assets.scoring.wording import sentences

TOP, CAUSE_TOP = 5, 3
# Feature → both ends of what is usual for each row's entity.
Own = Mapping[str, tuple[np.ndarray, np.ndarray]]
NOTHING_OWN: Own = {}
# In log-odds, or points of the rule: a contribution up to this is rounding, and no reason.
NOTHING = 1e-9


@dataclass(frozen=True)
class Words:
    """`phrases`: what a system's features are called; `head`: its label; `causes`: those of its models' heads, in their order."""

    phrases: Mapping[str, Phrase]
    head: str
    causes: tuple[str, ...] = ()


def explain(
    features: Mapping[str, np.ndarray], served: Served, margin: np.ndarray, horizon_hours: int, words: Words, own: Own = NOTHING_OWN
) -> dict[str, np.ndarray]:
    """Columns of a system's explanations but as_of and its key; `row` says which row of `features` a reason is about.

    `margin` is the score's own column: rows where it is NaN have no score and no reasons. `own`: what is usual for each row's entity.
    """
    scored = np.flatnonzero(np.isfinite(margin))
    x = served.matrix(features)[scored]
    shares = served.contributions(x)
    reasons = _strongest(shares[:, :-1], x, served.features, _usual(served), _own(own, served.features, scored), words)
    return _finished(reasons, scored, shares[:, -1], shares.sum(axis=1), served.method, horizon_hours, words.head)


def explain_cause(
    features: Mapping[str, np.ndarray],
    heads: Heads,
    cause: str,
    probability: np.ndarray,
    horizon_hours: int,
    words: Words,
    own: Own = NOTHING_OWN,
) -> dict[str, np.ndarray]:
    """The three strongest reasons of one cause: base, three and other are the log-odds of its probability before any shift.

    `probability` is the score's own column: rows where it is NaN have no reasons.
    """
    said = np.flatnonzero(np.isfinite(probability))
    x = heads.matrix(features)[said]
    shares = heads.cause_contributions(x, words.causes.index(cause))
    mine = _own(own, heads.features, said)
    reasons = _strongest(shares[:, :-1], x, heads.features, _usual(heads), mine, words, CAUSE_TOP)
    return _finished(reasons, said, shares[:, -1], shares.sum(axis=1), heads.method, horizon_hours, cause)


def explain_rule(
    terms: Mapping[str, np.ndarray],
    features: Mapping[str, np.ndarray],
    points: np.ndarray,
    horizon_hours: int,
    words: Words,
    usual: Mapping[str, tuple[float, float]] | None = None,
    own: Own = NOTHING_OWN,
) -> dict[str, np.ndarray]:
    """The same for the rule-based score. `terms`: points per feature and row; `points`: the score, NaN where there is none.

    `usual` gives usual ranges by feature; those of the rule's own calm end may be used.
    """
    scored = np.flatnonzero(np.isfinite(points))
    names = tuple(terms)
    shares = np.column_stack([np.nan_to_num(np.asarray(terms[name], dtype=np.float64)[scored]) for name in names])
    x = np.column_stack([np.asarray(features[name], dtype=np.float64)[scored] for name in names])
    known = usual or {}
    low, high = (np.array([known.get(name, (np.nan, np.nan))[side] for name in names]) for side in (0, 1))
    reasons = _strongest(shares, x, names, (low, high), _own(own, names, scored), words)
    whole = np.asarray(points, dtype=np.float64)[scored]
    return _finished(reasons, scored, np.zeros(len(scored)), whole, "rule", horizon_hours, words.head)


def _usual(model: Explainable) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(model.usual_low, dtype=np.float64), np.asarray(model.usual_high, dtype=np.float64)


def _own(own: Own, names: tuple[str, ...], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows × features, both ends; NaN where nothing is known."""
    unknown = np.full(len(rows), np.nan)
    low, high = (np.column_stack([own[name][end][rows] if name in own else unknown for name in names]) for end in (0, 1))
    return low, high


def _strongest(
    shares: np.ndarray,
    x: np.ndarray,
    names: tuple[str, ...],
    usual: tuple[np.ndarray, np.ndarray],
    own: tuple[np.ndarray, np.ndarray],
    words: Words,
    top: int = TOP,
) -> dict[str, np.ndarray]:
    """The `top` by size, rows × top flattened, strongest first; ties keep the order of the features."""
    count = min(top, shares.shape[1])
    size = np.abs(shares)
    if shares.shape[1] > count:
        candidates = np.sort(np.argpartition(-size, count - 1, axis=1)[:, :count], axis=1)
    else:
        candidates = np.broadcast_to(np.arange(count), (len(shares), count))
    order = np.argsort(-np.take_along_axis(size, candidates, axis=1), axis=1, kind="stable")
    place = np.take_along_axis(candidates, order, axis=1)
    flat = place.ravel()
    value, *mine = (np.take_along_axis(of, place, axis=1).ravel().astype(np.float64) for of in (x, *own))
    return {
        "rank": np.tile(np.arange(1, count + 1), len(shares)),
        "feature": np.array(names, dtype=object)[flat],
        "value": np.where(np.isfinite(value), value, np.nan),
        "usual_low": usual[0][flat],
        "usual_high": usual[1][flat],
        "own_low": mine[0],
        "own_high": mine[1],
        "contribution": np.take_along_axis(shares, place, axis=1).ravel(),
        "sentence": sentences(names, flat, value, usual, (mine[0], mine[1]), words.phrases),
    }


def _finished(
    reasons: dict[str, np.ndarray],
    scored: np.ndarray,
    base: np.ndarray,
    whole: np.ndarray,
    method: str,
    horizon_hours: int,
    head: str,
) -> dict[str, np.ndarray]:
    """Adds what the reasons of a score share; `other_contribution` is what base and the strongest leave of the whole."""
    count = len(reasons["rank"]) // max(len(scored), 1)
    contribution = reasons.pop("contribution")
    sentence = reasons.pop("sentence")
    other = whole - base - contribution.reshape(len(scored), count).sum(axis=1)
    found = {
        "row": np.repeat(scored, count),
        "horizon_hours": np.full(len(contribution), horizon_hours, dtype=np.int64),
        "head": np.full(len(contribution), head, dtype=object),
        **reasons,
        "contribution": contribution,
        "direction": np.where(contribution > 0, "increases_risk", "decreases_risk").astype(object),
        "sentence": sentence,
        "method": np.full(len(contribution), method, dtype=object),
        "base_value": np.repeat(base, count),
        "other_contribution": np.repeat(other, count),
    }
    # Strongest first: what is left out of a score's reasons are its last ones.
    weighs = np.abs(contribution) > NOTHING
    return {name: column[weighs] for name, column in found.items()}
