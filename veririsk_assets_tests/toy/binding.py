"""What is lanterns' own, bound to the system."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.vocabulary import entity_key
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.models.catalogue.entries import Catalogue
from veririsk_assets.models.gradient_boosting import GradientBoosting
from veririsk_assets.models.logistic_regression import LogisticRegression
from veririsk_assets.models.spec import Entry
from veririsk_assets.panels.as_of import as_of_fill
from veririsk_assets.pipeline.known.endpoints import Endpoint, hourly
from veririsk_assets.pipeline.step import House
from veririsk_assets.pipeline.systems import Bound, Built, Features, Labels, Snapshots
from veririsk_assets.scoring.phrases.phrase import change
from veririsk_assets_tests.toy.contracts import LANTERNS, RAW, SNAPSHOTS
from veririsk_assets_tests.toy.formulas import build_features, build_labels, points
from veririsk_assets_tests.toy.sources import glows

SERVES_HOURS = 26
LOOKS_AT = ("glow_change_3d",)
CATALOGUE = Catalogue(
    {"boosting": Entry(GradientBoosting, LOOKS_AT), "line": Entry(LogisticRegression, LOOKS_AT)}, ("boosting", "line"), "line", "dim", {"glow_change_3d": -1.0}
)  # fmt: skip


def build_snapshots(house: House, window: Window, _earlier: Mapping[Table, pd.DataFrame]) -> Built:
    bounds = [naive(window.start - SERVES_HOURS * HOUR), naive(window.cutoff)]
    rows = house.lake.read(RAW, where="available_at > ? AND available_at <= ?", parameters=bounds)
    ids = np.sort(rows["lantern"].unique())
    keys, names = np.unique([entity_key(one) for one in ids]) if len(ids) else np.zeros(0, np.int64), {entity_key(one): one for one in ids}
    stamps = rows["available_at"].to_numpy(dtype="datetime64[us]")
    index, age = as_of_fill(stamps, stamps, rows["lantern"].map(entity_key).to_numpy(dtype=np.int64), window, keys, SERVES_HOURS)
    row, column = np.nonzero(index >= 0)
    hourly_rows = pd.DataFrame(
        {
            "as_of": window.as_ofs[row],
            "lantern_key": keys[column],
            "glow": rows["glow"].to_numpy()[index[row, column]],
            "input_age_hours": age[row, column],
        }
    ).assign(source="toy", is_tombstone=False, doubt=None)
    known = [names[key] for key in keys]
    return Built(pd.DataFrame({"lantern_key": keys, "lantern_id": known, "name": known}), {SNAPSHOTS: hourly_rows[SNAPSHOTS.names]})


BOUND = Bound(
    LANTERNS,
    Snapshots(build_snapshots, SERVES_HOURS),
    Features(build_features, ("glow", "input_age_hours")),
    points,
    {"glow_change_3d": change("Glow", "3 days")},
    Labels(build_labels, ("glow",)),
    CATALOGUE,
    endpoints=(Endpoint(RAW, hourly(glows)),),
)
