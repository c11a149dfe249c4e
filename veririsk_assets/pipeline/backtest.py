"""The pool backtest from data to files: recorded pools or the lake's own history in, report, predictions and plots out."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from veririsk_assets.contracts import pools
from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pool_features import FEATURE_NAMES
from veririsk_assets.contracts.vocabulary import DETECTION_HORIZON_HOURS
from veririsk_assets.contracts.windows import HOUR, Window, floor_hour
from veririsk_assets.features.detections import detect
from veririsk_assets.features.pools import build_features
from veririsk_assets.labels.detections import fall_labels
from veririsk_assets.labels.pools import INPUTS as LABELLED_BY
from veririsk_assets.labels.pools import build_labels
from veririsk_assets.pipeline.backtest_recorded import read_recorded
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import REPOSITORY_ROOT

if TYPE_CHECKING:
    from veririsk_assets.backtest.detection import DetectionStudy
    from veririsk_assets.backtest.fit import Candidate
    from veririsk_assets.backtest.report import Compared
    from veririsk_assets.backtest.run import Backtest
    from veririsk_assets.backtest.setting import Setting
    from veririsk_assets.backtest.study import Study

Progress = Callable[[str], None]
REPORT, PREDICTIONS, PARTS = "report.json", "predictions.parquet", "parts"
EXPERIMENTS = REPOSITORY_ROOT / "docs" / "experiments.md"
LABEL_LOOKBACK = 24


@dataclass(frozen=True)
class Material:
    """What a backtest is made from: the study, where its rows come from, and the rows that detection is judged on."""

    study: "Study"
    about: dict[str, Any]
    detection: "DetectionStudy"


@dataclass(frozen=True)
class Finished:
    """The report, the backtest behind it, and the folder that holds its files."""

    report: dict[str, Any]
    backtest: "Backtest"
    folder: Path


def recorded_material(folder: Path, setting: "Setting", start: datetime | None = None, end: datetime | None = None) -> Material:
    """Rows of a folder with recorded pools. Raises FileNotFoundError, ValueError or CannotBeHonest."""
    from veririsk_assets.backtest.study import build_study

    seen = read_recorded(folder, start, end)
    hours, horizon = seen.pools.window.hours, setting.horizon_hours
    _require_hours(hours, horizon)
    features = build_features(seen.pools, seen.market, hours)
    labels = build_labels(seen.pools, horizon, hours - horizon)
    study = build_study(seen.pools, features, labels, seen.names, setting.label, horizon, setting.min_tvl_usd)
    about = {
        "source": "recorded",
        "sha256": seen.data_hash,
        "evidence": seen.evidence,
        "lake_snapshot_id": None,
        "left_out": list(seen.left_out),
    }
    return Material(study, about, detection_study(seen.pools, features, setting.min_tvl_usd))


def lake_material(house: House, setting: "Setting", start: datetime | None = None, end: datetime | None = None) -> Material:
    """Rows of the lake's own history: stored features, labels made from stored snapshots. Raises CannotBeHonest on an empty lake."""
    from veririsk_assets.backtest.study import build_study

    window = _history(house, start, end)
    _require_hours(window.hours, setting.horizon_hours)
    snapshots = house.lake.panel(pools.POOL_SNAPSHOTS, (*LABELLED_BY, "input_age_hours"), window)
    features = house.lake.panel(pools.POOL_FEATURES, FEATURE_NAMES, window, snapshots.keys)
    labels = build_labels(snapshots, setting.horizon_hours, window.hours - setting.horizon_hours)
    known = house.lake.read(pools.POOLS, columns=["pool_key", "pool_id"]).drop_duplicates("pool_key").set_index("pool_key")["pool_id"]
    names = [str(known.get(key, key)) for key in snapshots.keys]
    study = build_study(snapshots, features, labels, names, setting.label, setting.horizon_hours, setting.min_tvl_usd)
    about = {"source": house.settings.source, "sha256": _hash(snapshots), "lake_snapshot_id": house.lake.snapshot_id()}
    return Material(study, about, detection_study(snapshots, features, setting.min_tvl_usd))


def backtest_pools(
    material: Material, setting: "Setting", folder: Path, resume: bool = False, progress: Progress = lambda _: None
) -> Finished:
    """Runs and writes `report.json`, `report.md`, `predictions.parquet` and plots into `folder`.

    `resume` reuses the finished fits of a stopped run with the same rows and settings; without it they are made anew, as they
    must be where a model's own code has changed.
    """
    from veririsk_assets.backtest.detection import detection_report

    return write_files(
        material.study,
        material.about,
        setting,
        folder,
        resume,
        progress,
        more=lambda _: {"detection": detection_report(material.detection, setting)},
    )


def write_files(
    study: "Study",
    about: dict[str, Any],
    setting: "Setting",
    folder: Path,
    resume: bool,
    progress: Progress,
    candidates: "Sequence[Candidate] | None" = None,
    compared: "Compared | None" = None,
    more: "Callable[[Backtest], dict[str, Any]]" = lambda _: {},
) -> Finished:
    """Runs a study and writes its files; `candidates` and `compared` default to those of pools. `more`: sections of the report beside."""
    from veririsk_assets.backtest.predictions import predictions
    from veririsk_assets.backtest.report import Compared, plain, report
    from veririsk_assets.backtest.run import Parts, run
    from veririsk_assets.pages.backtest import report_page
    from veririsk_assets.pages.plots import draw_all

    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / PARTS / setting.key(study.fingerprint)
    if not resume:
        shutil.rmtree(folder / PARTS, ignore_errors=True)
    done = run(study, setting, Parts(kept), progress, candidates)
    data, tried = about | {"git_revision": git_revision()}, {"experiments_before": experiments_count()}
    found = report(done, data, tried, progress, compared or Compared()) | plain(more(done))
    predictions(done).to_parquet(folder / PREDICTIONS, index=False)
    progress("plots")
    draw_all(done, folder)
    (folder / REPORT).write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
    (folder / "report.md").write_text(report_page(found))
    return Finished(found, done, folder)


def detection_study(pools: Panel, features: Panel, min_high_usd: float) -> "DetectionStudy":
    """`pools` (tvl_usd, input_age_hours, is_tombstone) and `features` span the same hours."""
    from veririsk_assets.backtest.detection import build_detection_study

    hours = pools.window.hours
    found = detect(pools, hours)
    fell = fall_labels(pools, found["high_tvl_usd"][: hours - DETECTION_HORIZON_HOURS])
    return build_detection_study(pools, features, found, fell, min_high_usd)


def git_revision() -> str | None:
    """The commit of the code, with `+changes` where files differ from it; None outside a checkout."""
    try:
        head = _git("rev-parse", "HEAD")
        return head + ("+changes" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def experiments_count(page: Path = EXPERIMENTS) -> int:
    """How many experiments the page lists: rows that begin with a number."""
    return len(re.findall(r"^\| *\d+ *\|", page.read_text(), flags=re.MULTILINE)) if page.exists() else 0


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(REPOSITORY_ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout.strip()


def _history(house: House, start: datetime | None, end: datetime | None) -> Window:
    from veririsk_assets.evaluation.splits import CannotBeHonest

    span = house.lake.span(pools.POOL_FEATURES)
    if span is None:
        raise CannotBeHonest("the lake has no features yet: there is nothing to judge")
    first, last = span
    first = max(first - HOUR, floor_hour(start)) if start else first - HOUR
    last = min(last, floor_hour(end)) if end else last
    if last <= first:
        raise CannotBeHonest(f"the lake has no features between {first:%Y-%m-%d %H:%M} and {last:%Y-%m-%d %H:%M}")
    return Window(first, last)


def _require_hours(hours: int, horizon: int) -> None:
    from veririsk_assets.evaluation.splits import CannotBeHonest

    if hours <= horizon + LABEL_LOOKBACK:
        raise CannotBeHonest(f"{hours} h of data: no label of {horizon} h has matured")


def _hash(panel: Panel) -> str:
    digest = sha256(np.ascontiguousarray(panel.as_ofs).tobytes() + np.ascontiguousarray(panel.keys).tobytes())
    for name in sorted(panel.values):
        digest.update(name.encode() + np.ascontiguousarray(panel[name]).tobytes())
    return digest.hexdigest()
