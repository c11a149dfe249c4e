"""Who serves: a pure verdict with its reasons. Numbers in, yes or no out; nothing is moved here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from veririsk_assets.contracts.vocabulary import MAX_ECE
from veririsk_assets.evaluation.intervals import Interval

MAX_RECALL_LOSS = 0.0


@dataclass(frozen=True)
class Results:
    """What is known of one model on the rows that all were judged on. `recall` is that of event rows at the alarm budget.

    `gains` maps a rival's name to the paired interval of this model's AP minus the rival's, on pooled walk-forward folds.
    """

    name: str
    ap: float
    auc: float
    ece: float
    recall: float | None = None
    gains: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Whether to promote, and every reason for and against, in words."""

    promote: bool
    reasons: list[str]

    @property
    def text(self) -> str:
        return f"{'promoted' if self.promote else 'not promoted'}: {'; '.join(self.reasons)}"


def verdict(candidate: Results, champion: Results | None, baselines: list[Results]) -> Verdict:
    """The gate. With paired intervals (`candidate.gains`) it asks for proof, without them for the better numbers.

    Proof: every gain over champion and naive baselines has its interval above 0, and recall at the budget is not lost.
    """
    rivals = [*baselines, *([champion] if champion else [])]
    found = [_calibrated(candidate)]
    found += [_proven(candidate, rival) if candidate.gains else _better(candidate, rival) for rival in rivals]
    if champion is not None:
        found.append(_recall_kept(candidate, champion))
    if not rivals:
        found.append((True, "there is nothing to beat"))
    return Verdict(all(passed for passed, _ in found), [reason for _, reason in found])


def floor_verdict(floor: Results) -> Verdict:
    """The floor serves where no learned model passes; it needs no gate, only to be named as what it is."""
    return Verdict(True, [f"{floor.name} serves as the floor: no learned model passed the gate", _calibrated(floor)[1]])


def _calibrated(candidate: Results) -> tuple[bool, str]:
    passed = candidate.ece <= MAX_ECE
    missed = "" if passed else f", by {candidate.ece - MAX_ECE:.4f}"
    return passed, f"calibration error {candidate.ece:.4f} is {'within' if passed else 'above'} {MAX_ECE:g}{missed}"


def _better(candidate: Results, rival: Results) -> tuple[bool, str]:
    passed = candidate.ap > rival.ap or (candidate.ap == rival.ap and candidate.auc > rival.auc)
    numbers = f"AP {candidate.ap:.3f} against {rival.ap:.3f}, AUC {candidate.auc:.3f} against {rival.auc:.3f}"
    return passed, f"{'beats' if passed else 'does not beat'} {rival.name} on validation ({numbers})"


def _proven(candidate: Results, rival: Results) -> tuple[bool, str]:
    gain = candidate.gains.get(rival.name)
    if gain is None:
        return False, f"no paired comparison with {rival.name}"
    passed = gain.lo > 0.0
    interval = f"AP {gain.value:+.4f} [{gain.lo:+.4f}, {gain.hi:+.4f}]" + ("" if passed else f", short of 0 by {-gain.lo:.4f}")
    return passed, f"{'proven' if passed else 'no proven'} gain over {rival.name}: {interval}"


def _recall_kept(candidate: Results, champion: Results) -> tuple[bool, str]:
    if candidate.recall is None or champion.recall is None:
        return not candidate.gains, "recall of event rows at the budget is not known"
    passed = candidate.recall >= champion.recall - MAX_RECALL_LOSS
    numbers = f"{candidate.recall:.3f} against {champion.recall:.3f}"
    return passed, f"recall of event rows at the budget is {'kept' if passed else 'lost'} ({numbers})"
