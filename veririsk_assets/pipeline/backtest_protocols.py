"""The protocol backtest from recorded files to report: the rows by the day, judged as pools are."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from veririsk_assets.contracts.panel import Panel, to_panel
from veririsk_assets.contracts.protocol_features import INPUTS
from veririsk_assets.contracts.windows import DAY_DECISION_DELAY, HOUR, Window, utc
from veririsk_assets.pipeline.backtest import Finished, write_files
from veririsk_assets.sources.recorded_protocols import recorded_protocols

if TYPE_CHECKING:
    from veririsk_assets.backtest.setting import Setting

DAY = 24 * HOUR
# Recorded rows are of 00:00, and the decision is taken at the day's cut-off.
INPUT_AGE_HOURS = DAY_DECISION_DELAY / HOUR


@dataclass(frozen=True)
class Recorded:
    """INPUTS by the day, the protocols' names by column, and where they are from."""

    panel: Panel
    names: tuple[str, ...]
    about: dict[str, Any]


def read_protocols(folder: Path) -> Recorded:
    """Raises FileNotFoundError or ValueError where the folder's files cannot be used."""
    found = recorded_protocols(folder)
    names, column = np.unique(found.frame["protocol"].to_numpy(dtype=str), return_inverse=True)
    first, last = (utc(stamp.to_pydatetime()) for stamp in (found.frame["at"].min(), found.frame["at"].max()))
    frame = found.frame.rename(columns={"at": "as_of"}).assign(key=column)
    panel = to_panel(frame, "key", list(INPUTS[:-1]), Window(first - DAY, last, 24), np.arange(len(names)))
    age = np.full(panel.shape, INPUT_AGE_HOURS, dtype=np.float32)
    about = {
        "source": "recorded",
        "singular": "protocol",
        "sha256": sha256("".join(found.digests.values()).encode()).hexdigest(),
        "evidence": found.digests,
        "lake_snapshot_id": None,
        "left_out": list(found.left_out),
    }
    return Recorded(Panel(panel.window, panel.keys, panel.values | {"input_age_hours": age}), tuple(map(str, names)), about)


def backtest_protocols(
    recorded: Recorded, setting: "Setting", folder: Path, resume: bool = False, progress: Callable[[str], None] = lambda _: None
) -> Finished:
    """As `backtest_pools`: report, page, predictions and plots. Raises CannotBeHonest, CannotTrain or KeyError."""
    from veririsk_assets.backtest.known_days import known_days
    from veririsk_assets.backtest.protocols import COMPARED, build_study, candidates

    study = build_study(recorded.panel, recorded.names, setting.label, setting.horizon_hours // 24, setting.min_tvl_usd)
    return write_files(
        study,
        recorded.about,
        setting,
        folder,
        resume,
        progress,
        candidates(study, setting.models),
        COMPARED,
        more=lambda done: {"known_days": known_days(done)},
    )
