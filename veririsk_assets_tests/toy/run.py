"""Lanterns beside pools in one home, from raw to published: `python -m veririsk_assets_tests.toy.run HOME` prints what came of it as JSON."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import veririsk_assets_tests.toy.registered  # noqa: F401 - before anything reads the systems
from veririsk_assets.contracts.models import CALIBRATION_SHIFTS, CHAMPIONS, MODEL_VERSIONS, PERFORMANCE
from veririsk_assets.contracts.monitoring import SHADOW_SCORES
from veririsk_assets.contracts.windows import HOUR, PULL_DELAY, Window, naive
from veririsk_assets.pipeline import replay
from veririsk_assets.pipeline.known.features import store_features
from veririsk_assets.pipeline.known.outside import Replayed
from veririsk_assets.pipeline.known.snapshots import store_snapshots
from veririsk_assets.pipeline.learning import promotion
from veririsk_assets.pipeline.learning.recalibration import daily_shifts
from veririsk_assets.pipeline.learning.train import train
from veririsk_assets.pipeline.path import PATH
from veririsk_assets.pipeline.publishing import publish
from veririsk_assets.pipeline.saying.performance import judge_scores
from veririsk_assets.pipeline.saying.rescore import replay_score
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets_tests.toy.contracts import LANTERNS, RAW
from veririsk_assets_tests.toy.world import BEGIN, NAMES, Transport, glows

DAY = 24 * HOUR
FIRST, SECOND, PULLED, END = (BEGIN + days * DAY for days in (900, 950, 1188, 1190))


def remembered(house: House) -> None:
    """What the source said up to PULLED, once a day, as if each day had been pulled."""
    days = (PULLED - BEGIN).days
    stamps = np.array([np.datetime64(naive(BEGIN + (day + 1) * DAY + PULL_DELAY), "us") for day in range(days)])
    at = np.repeat(stamps, len(NAMES))
    rows = {
        "source": "toy",
        "endpoint": "/glows",
        "pulled_at": at,
        "available_at": at,
        "observed_at": pd.NaT,
        "observed_kind": "none",
        "payload_hash": "x",
    }
    rows |= {"lantern": np.tile(NAMES, days), "glow": glows()[1 : days + 1].ravel()}
    house.lake.append(RAW, pd.DataFrame(rows))


def main(home: Path) -> dict[str, Any]:
    settings = Settings(home=home, pools=8, seed=3)
    house = House.open(settings, lambda: END + 2 * HOUR, run_id="toy")
    remembered(house)
    known = Window(BEGIN, PULLED, 24)
    store_snapshots(house, LANTERNS, known)
    store_features(house, LANTERNS, known)
    replay.label_until(house, LANTERNS, PULLED)
    verdicts = [train(house, LANTERNS, as_of).metadata for as_of in (FIRST, SECOND)]
    replay.say(house, LANTERNS, Window(FIRST, PULLED, 24))
    daily_shifts(house, LANTERNS, Window(PULLED - 5 * DAY, PULLED, 24))
    judge_scores(house, LANTERNS, PULLED)
    gate = promotion.appoint(house, promotion.Order(LANTERNS, 72, "judge", PULLED)).metadata
    promotion.appoint(house, promotion.Order(LANTERNS, 72, "promote", PULLED + DAY, "2", "by hand"))
    replay.run(house, Replayed(house, Transport), PULLED, PULLED + DAY, END, lambda *_: None)
    published = publish(house)
    again = replay_score(house, LANTERNS, NAMES[0], END, (72,))[0]
    counts = {step.key: len(house.lake.read(step.table)) for step in PATH if LANTERNS in step.systems and not step.table.is_shared}
    shared = {
        table.sql_name: len(house.lake.read(table, where="system = 'lanterns'"))
        for table in (MODEL_VERSIONS, CHAMPIONS, CALIBRATION_SHIFTS, SHADOW_SCORES, PERFORMANCE)
    }
    scores = house.lake.read(LANTERNS.scores, Window(PULLED, END, 24))
    house.close()
    return {
        "trained": [verdict["72h"] for verdict in verdicts],
        "gate": gate["verdict"],
        "counts": {"/".join(key): count for key, count in counts.items()},
        "shared": shared,
        "published": str(published.path),
        "row_counts": published.row_counts,
        "versions": sorted(set(scores["model_version"])),
        "status": sorted(set(scores["status"])),
        "replayed_same": again.is_same,
        "differences": list(again.differences),
        "remarks": again.remarks,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1])), default=str) + "\n")
