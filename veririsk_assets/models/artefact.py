"""What serves: a fitted model with its calibration, thresholds and usual ranges, as one folder of JSON and UBJ files.

Loading needs neither sklearn's models nor MLflow, and nothing is refitted at scoring time.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from veririsk_assets.models.algorithms import CLASSES
from veririsk_assets.models.calibration import Calibration
from veririsk_assets.models.confidence import Band
from veririsk_assets.models.levels import risk_scores
from veririsk_assets.models.logistic_line import sigmoid
from veririsk_assets.models.recalibration import shifted
from veririsk_assets.models.score_map import ScoreMap
from veririsk_assets.models.spec import RiskModel
from veririsk_assets.models.two_heads import TwoHeads

FILE = "artefact.json"
CAUSES, DETECTION = "causes", "detection"
FORMAT = 1


@dataclass(frozen=True)
class ServedModel:
    """`usual_low` and `usual_high` hold 5 % and 95 % of training rows per feature; `version` is the registered one.

    `companion`: two heads, which say the cause where the model itself does not; `detection`: tells falls among drops that have begun.
    `band`: how far other calibrations of it lie apart; None: too few weeks to tell, or a version from before it was asked.
    """

    name: str
    horizon_hours: int
    features: tuple[str, ...]
    model: RiskModel
    calibration: Calibration
    score_map: ScoreMap
    usual_low: np.ndarray
    usual_high: np.ndarray
    metadata: dict[str, Any] = field(default_factory=dict)
    version: str = ""
    companion: "ServedModel | None" = None
    detection: "ServedModel | None" = None
    band: Band | None = None

    @property
    def heads(self) -> "ServedModel | None":
        """Whose `causes` hold for these scores; None: nobody's. Where the training found that they hold of nothing, the metadata say why."""
        if isinstance(self.model, TwoHeads):
            return None if isinstance(self.metadata.get("causes"), str) else self
        return self.companion

    @property
    def method(self) -> str:
        return self.model.method

    def matrix(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Rows × features, float32, from columns of equal length; raises KeyError on a missing one."""
        return np.column_stack([np.asarray(columns[name], dtype=np.float32).ravel() for name in self.features])

    def margin(self, x: np.ndarray) -> np.ndarray:
        return self.model.margin(x)

    def probability(self, margin: np.ndarray, shift: np.ndarray | float = 0.0) -> np.ndarray:
        """Calibrated probability of margins; `shift` is what the base rate's drift adds to the calibrated log-odds."""
        return sigmoid(self.calibration.log_odds(margin) + shift)

    def confidence(self, margin: np.ndarray, shift: np.ndarray | float = 0.0) -> np.ndarray:
        """1 less the width of the probability's 90 % interval; NaN where nothing tells."""
        return np.full(len(margin), np.nan) if self.band is None else np.clip(1.0 - self.band.width(margin, shift), 0.0, 1.0)

    def risk_score(self, probability: np.ndarray, moment: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
        """0–100. `thresholds`: per row those of its day for MEDIUM, HIGH and score 95; where they are NaN, those chosen at training."""
        usual = astuple(self.score_map)
        medium, high, top = np.where(np.isnan(thresholds), usual, thresholds).T
        return risk_scores(moment, probability, ScoreMap(medium, high, top))

    def contributions(self, x: np.ndarray) -> np.ndarray:
        return self.model.contributions(x)

    def causes(self, x: np.ndarray, shift: np.ndarray | float = 0.0) -> np.ndarray:
        """`TwoHeads.causes` with the forecast's own shift in each row; asked of `heads` only."""
        return shifted(cast(TwoHeads, self.model).causes(x), np.atleast_1d(shift)[:, None])

    def cause_contributions(self, x: np.ndarray, head: int) -> np.ndarray:
        """`TwoHeads.cause_contributions`; asked of `heads` only."""
        return cast(TwoHeads, self.model).cause_contributions(x, head)

    def save(self, folder: Path) -> None:
        """Write the folder, and what it carries in folders inside; the registry gives the version after the files exist."""
        folder.mkdir(parents=True, exist_ok=True)
        state = {
            "format": FORMAT,
            "name": self.name,
            "horizon_hours": self.horizon_hours,
            "features": list(self.features),
            "algorithm": self.model.algorithm,
            "calibration": asdict(self.calibration),
            "score_map": asdict(self.score_map),
            "usual_low": _known(self.usual_low),
            "usual_high": _known(self.usual_high),
            "metadata": self.metadata,
        } | ({"band": asdict(self.band)} if self.band else {})
        (folder / FILE).write_text(json.dumps(state, indent=1, allow_nan=False))
        self.model.save(folder)
        for name, beside in ((CAUSES, self.companion), (DETECTION, self.detection)):
            if beside is not None:
                beside.save(folder / name)


def load(folder: Path, version: str = "") -> ServedModel:
    """Read what `ServedModel.save` wrote; raises FileNotFoundError or ValueError where it is no such folder."""
    state = json.loads((Path(folder) / FILE).read_text())
    if state.get("format") != FORMAT or state["algorithm"] not in CLASSES:
        raise ValueError(f"{folder} holds format {state.get('format')} of {state.get('algorithm')}, which this version cannot read")
    curve = state["calibration"]
    return ServedModel(
        name=state["name"],
        horizon_hours=state["horizon_hours"],
        features=tuple(state["features"]),
        model=CLASSES[state["algorithm"]].load(Path(folder)),
        calibration=Calibration(curve["kind"], tuple(curve["knots"]), tuple(curve["values"]), curve["slope"]),
        score_map=ScoreMap(**state["score_map"]),
        usual_low=np.array(state["usual_low"], dtype=np.float64),
        usual_high=np.array(state["usual_high"], dtype=np.float64),
        metadata=state["metadata"],
        band=Band(**{name: tuple(ends) for name, ends in state["band"].items()}) if "band" in state else None,
        version=version,
        companion=_beside(Path(folder) / CAUSES, version),
        detection=_beside(Path(folder) / DETECTION, version),
    )


def _beside(folder: Path, version: str) -> ServedModel | None:
    return load(folder, version) if folder.exists() else None


def _known(values: np.ndarray) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]
