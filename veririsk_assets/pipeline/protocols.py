"""Protocols by the day: what is their own on the path from raw to published."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from veririsk_assets.contracts import protocol_monitoring, protocols, raw_protocols, systems
from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.protocol_features import INPUTS
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import DAY_HOURS, Window
from veririsk_assets.features.protocols import build_features, rule
from veririsk_assets.labels import protocols as labels
from veririsk_assets.models.catalogue.protocols import CATALOGUE
from veririsk_assets.panels.retractions import BACK_WITHIN, without_spikes
from veririsk_assets.pipeline.known import protocol_pulls
from veririsk_assets.pipeline.known.endpoints import Endpoint, not_recorded
from veririsk_assets.pipeline.known.protocol_said import said
from veririsk_assets.pipeline.saying import protocol_watch
from veririsk_assets.pipeline.step import House
from veririsk_assets.pipeline.systems import Bound, Built, Features, Labels, Snapshots
from veririsk_assets.scoring.phrases.protocols import PHRASES
from veririsk_assets.settings import Settings
from veririsk_assets.snapshots.protocols import KEPT_DAYS, build_snapshots

API = "defillama api"


def is_on(settings: Settings) -> bool:
    """Who follows nobody asks for nothing."""
    return settings.max_protocols > 0


def has_chains(settings: Settings) -> bool:
    """A recording has no total of its own."""
    return is_on(settings) and not_recorded(settings)


def build(house: House, window: Window, earlier: Mapping[Table, pd.DataFrame]) -> Built:
    about, rows = build_snapshots(said(house, window), earlier[protocols.PROTOCOL_SNAPSHOTS], window, house.settings.min_tvl_usd)
    return Built(about, {protocols.PROTOCOL_SNAPSHOTS: rows})


def build_labels(panel: Panel, horizon: int, days: int, _beyond: int) -> Panel:
    """Labels of days whose horizon and what may be taken back of it have passed: a spike is known as one when it is over."""
    settled = without_spikes(panel["tvl_usd"])
    found = labels.build_labels(Panel(panel.window, panel.keys, {"tvl_usd": settled}), horizon, days)
    is_settled = np.arange(days)[:, None] + horizon + BACK_WITHIN < panel.window.steps
    values = {name: np.where(is_settled, value, np.nan) for name, value in found.values.items()}
    return Panel(found.window, found.keys, values | {"waited_hours": np.full(found.shape, float(BACK_WITHIN * DAY_HOURS))})


BOUND = Bound(
    systems.PROTOCOLS,
    Snapshots(
        build, raw_hours=DAY_HOURS, earlier={protocols.PROTOCOL_SNAPSHOTS: ("as_of", "protocol_key", "tvl_usd")}, earlier_steps=KEPT_DAYS
    ),
    Features(build_features, INPUTS),
    rule,
    PHRASES,
    Labels(build_labels, labels.INPUTS, beyond=BACK_WITHIN),
    CATALOGUE,
    outlook=protocol_pulls.outlook,
    also={
        protocol_monitoring.SCORE_DISTRIBUTION: protocol_watch.store_distribution,
        protocol_monitoring.RESTATEMENTS: protocol_watch.store_restatements,
    },
    endpoints=(
        Endpoint(raw_protocols.DEFILLAMA_VOLUMES, protocol_pulls.volumes, is_on, API),
        Endpoint(raw_protocols.DEFILLAMA_TVL_DAYS, protocol_pulls.tvl_days, is_on, API),
        Endpoint(raw_protocols.DEFILLAMA_VOLUME_DAYS, protocol_pulls.volume_days, is_on, API),
        Endpoint(raw_protocols.DEFILLAMA_CHAIN_TVL_DAYS, protocol_pulls.chain_tvl, has_chains, API),
        Endpoint(raw_protocols.COINGECKO_TOKENS, protocol_pulls.tokens, is_on),
        Endpoint(raw_protocols.COINGECKO_COIN_DAYS, protocol_pulls.coin_histories, is_on),
    ),
)
