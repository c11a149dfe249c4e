"""Pools by the hour: what is their own on the path from raw to published."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts import pool_features, pools, systems
from veririsk_assets.contracts.detections import POOL_DETECTIONS
from veririsk_assets.contracts.panel import Panel, to_panel
from veririsk_assets.contracts.surroundings import SURROUNDINGS
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import Window
from veririsk_assets.features.early_warning import terms
from veririsk_assets.features.pools import build_features
from veririsk_assets.labels import pools as labels
from veririsk_assets.models.catalogue.pools import CATALOGUE
from veririsk_assets.pipeline.known import followed
from veririsk_assets.pipeline.known.crosswalk import crosswalk
from veririsk_assets.pipeline.known.said import raw_rows, shortfalls
from veririsk_assets.pipeline.learning.training_rows import seen_by
from veririsk_assets.pipeline.saying import detections
from veririsk_assets.pipeline.step import House
from veririsk_assets.pipeline.systems import Bound, Built, Features, Labels, Snapshots
from veririsk_assets.scoring.phrases.pools import PHRASES
from veririsk_assets.snapshots import pools as snapshots
from veririsk_assets.snapshots.suspects import INPUTS, LOOKBACK_HOURS
from veririsk_assets.snapshots.suspects import suspects as find_suspects

if TYPE_CHECKING:
    from veririsk_assets.training.datasets import Dataset


def build_snapshots(house: House, window: Window, earlier: Mapping[Table, pd.DataFrame]) -> Built:
    """Snapshots of the pools that are followed, with what is suspect in them, and the surroundings of each hour."""
    built = on_grid(house, window)
    hourly = judged(built.hourly, built.surroundings, earlier[pools.POOL_SNAPSHOTS], earlier[SURROUNDINGS], window)
    return Built(built.pools, {pools.POOL_SNAPSHOTS: hourly, SURROUNDINGS: built.surroundings})


def on_grid(house: House, window: Window) -> snapshots.Snapshots:
    """Snapshots of a window from raw rows, of the pools that are followed; jumps are not judged yet."""
    rows = raw_rows(house, window)
    is_live = house.settings.source == "live"
    said = rows["defillama_pools"]
    if is_live:
        rows = rows | {"defillama_pools": followed.candidates(house, said, window)}
    built = snapshots.build_snapshots(rows, crosswalk(house.settings.source == "simulated"), window, shortfalls(house, window))
    if not is_live or said.empty:
        return built
    return replace(built, hourly=followed.followed(house, said, built.hourly, window))


def judged(
    hourly: pd.DataFrame, surroundings: pd.DataFrame, earlier: pd.DataFrame, earlier_surroundings: pd.DataFrame, window: Window
) -> pd.DataFrame:
    """Rows of snapshots/hourly_pools with what is suspect in them, by the hours before.

    `earlier`: rows of the LOOKBACK_HOURS before the window, with INPUTS; `earlier_surroundings` likewise with the price of ETH.
    """
    if hourly.empty:
        return hourly
    seen = window.lookback(LOOKBACK_HOURS)
    keys = np.unique(hourly["pool_key"].to_numpy(dtype=np.int64))
    together = pd.concat([earlier[["as_of", "pool_key", *INPUTS]], hourly[["as_of", "pool_key", *INPUTS]]]) if len(earlier) else hourly
    panel = to_panel(together, "pool_key", list(INPUTS), seen, keys)
    ether = pd.concat([earlier_surroundings, surroundings]) if len(earlier_surroundings) else surroundings
    eth = to_panel(ether.assign(key=0), "key", ["eth_price_usd"], seen, np.array([0]))["eth_price_usd"]
    found = find_suspects(panel, eth, window.hours)
    columns = {"is_suspect": found.is_suspect, "taken_back_hours": found.taken_back_hours, "before_usd": found.before_usd}
    known = Panel(window, keys, columns).frame("pool_key")
    rows = hourly.drop(columns=["is_suspect", "taken_back_hours"]).merge(known, on=["as_of", "pool_key"], how="left")
    words = np.full(len(rows), "", dtype=object)
    for row in np.flatnonzero(rows["is_suspect"]):
        before, tvl = rows["before_usd"].iat[row], rows["tvl_usd"].iat[row]
        words[row] = f"TVL went from {before:,.0f} to {tvl:,.0f} USD and nothing else supports it"
    rows["doubt"] = snapshots.joined(rows["doubt"].fillna("").to_numpy(dtype=object), words)
    rows["doubt"] = rows["doubt"].where(rows["doubt"] != "", None)
    return rows[pools.POOL_SNAPSHOTS.names]


def _with_causes_and_detection(house: House, choice: Any, dataset: "Dataset", as_of: datetime) -> Any:
    from veririsk_assets.training.companions import equipped

    winner = equipped(choice.winner.served, choice.trained, dataset)
    return detections.equipped(house, winner, seen_by(systems.POOLS, as_of))


BOUND = Bound(
    systems.POOLS,
    Snapshots(
        build_snapshots,
        snapshots.LOOKBACK_HOURS,
        {pools.POOL_SNAPSHOTS: ("as_of", "pool_key", *INPUTS), SURROUNDINGS: ("as_of", "eth_price_usd")},
        LOOKBACK_HOURS,
    ),
    Features(build_features, pool_features.INPUTS, pool_features.SURROUNDING_INPUTS),
    terms,
    PHRASES,
    Labels(labels.build_labels, labels.INPUTS, labels.DAY, labels.BEYOND_HOURS),
    CATALOGUE,
    _with_causes_and_detection,
    also={POOL_DETECTIONS: detections.store_detections},
)
