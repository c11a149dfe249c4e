"""Who serves: a pure verdict with its reasons. Numbers in, yes or no out; nothing is moved here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from veririsk_assets.contracts.vocabulary import MAX_ECE_TO_BASE
from veririsk_assets.evaluation.intervals import Interval

MAX_RECALL_LOSS = 0.0


@dataclass(frozen=True)
class Gain:
    """Paired intervals of a model's gain over a rival: in AUC among the entities of one moment, and in AP within folds."""

    within_hour: Interval
    ap: Interval


@dataclass(frozen=True)
class Results:
    """What is known of one model on the rows that all were judged on. `recall` is that of event rows at the alarm budget.

    `gains`: by a rival's name, on walk-forward folds or fresh rows; `calibration`: intervals of `slope`, `intercept`,
    `ece_to_base` and `brier_skill_known`, where there are some.
    """

    name: str
    ap: float
    auc: float
    ece_to_base: float
    recall: float | None = None
    gains: Mapping[str, Gain] = field(default_factory=dict)
    calibration: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Whether to promote, and every reason for and against, in words."""

    promote: bool
    reasons: list[str]

    @property
    def text(self) -> str:
        return f"{'promoted' if self.promote else 'not promoted'}: {'; '.join(self.reasons)}"


def verdict(candidate: Results, champion: Results | None, baselines: list[Results]) -> Verdict:
    """The gate. It asks for proof by paired intervals (`candidate.gains`) over everyone that there is to beat.

    Proof is a ranking among the entities of one moment: there calibrations and market weeks cancel. Over champion and naive
    baselines its gain has an interval above 0, AP within folds is not worse, and recall at the budget is not lost.
    """
    rivals = [*baselines, *([champion] if champion else [])]
    found = [_calibrated(candidate)]
    for rival in rivals:
        found += _proven(candidate, rival)
    if champion is not None:
        found.append(_recall_kept(candidate, champion))
    if not rivals:
        found.append((True, "there is nothing to beat"))
    return Verdict(all(passed for passed, _ in found), [reason for _, reason in found])


def floor_verdict(floor: Results) -> Verdict:
    """The floor serves where no learned model passes; it needs no gate, only to be named as what it is."""
    return Verdict(True, [f"{floor.name} serves as the floor: no learned model passed the gate", _calibrated(floor)[1]])


def _calibrated(candidate: Results) -> tuple[bool, str]:
    """Bins and, where there are intervals, not worse than the base rate that was known at the time."""
    passed = candidate.ece_to_base <= MAX_ECE_TO_BASE
    missed = "" if passed else f", by {candidate.ece_to_base - MAX_ECE_TO_BASE:.2f}"
    said = [
        f"calibration error is {candidate.ece_to_base:.2f} of the base rate, {'within' if passed else 'above'} {MAX_ECE_TO_BASE:g}{missed}"
    ]
    if "slope" in candidate.calibration:
        said += [f"{name} {_shown(candidate.calibration[name], 2)}" for name in ("slope", "intercept")]
    if "brier_skill_known" in candidate.calibration:
        skill = candidate.calibration["brier_skill_known"]
        passed = passed and skill.hi >= 0.0
        said.append(f"Brier skill over the base rate known then {_shown(skill, 4)}")
    return passed, ", ".join(said)


def _proven(candidate: Results, rival: Results) -> list[tuple[bool, str]]:
    gain = candidate.gains.get(rival.name)
    if gain is None:
        return [(False, f"no paired comparison with {rival.name}")]
    passed, kept = gain.within_hour.lo > 0.0, gain.ap.hi >= 0.0
    interval = f"AUC within hours {_shown(gain.within_hour, 4)}" + ("" if passed else f", short of 0 by {-gain.within_hour.lo:.4f}")
    return [
        (passed, f"{'proven' if passed else 'no proven'} gain over {rival.name}: {interval}"),
        (kept, f"AP within folds is {'not worse' if kept else 'worse'} than {rival.name}'s: {_shown(gain.ap, 4)}"),
    ]


def _shown(found: Interval, digits: int) -> str:
    return f"{found.value:+.{digits}f} [{found.lo:+.{digits}f}, {found.hi:+.{digits}f}]"


def _recall_kept(candidate: Results, champion: Results) -> tuple[bool, str]:
    if candidate.recall is None or champion.recall is None:
        return False, "recall of event rows at the budget is not known"
    passed = candidate.recall >= champion.recall - MAX_RECALL_LOSS
    numbers = f"{candidate.recall:.3f} against {champion.recall:.3f}"
    return passed, f"recall of event rows at the budget is {'kept' if passed else 'lost'} ({numbers})"
