"""One honest experiment in memory: learn from a market's past, score its later hours. No lake, no wire, no clock.

The learner sees labels that had matured when the test hours begin, and nothing of the test hours but their features.
"""

import sys
from dataclasses import astuple, dataclass
from datetime import timedelta

import numpy as np
import pytest

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pool_features import INPUTS, LOOKBACK_HOURS
from veririsk_assets.contracts.windows import HOUR, Window
from veririsk_assets.features.pools import build_features
from veririsk_assets.labels.pools import build_labels
from veririsk_assets.models.artefact import ServedModel
from veririsk_assets.models.catalogue import pools as catalogue
from veririsk_assets.models.levels import recent
from veririsk_assets.models.recalibration import day_of
from veririsk_assets.models.score_map import choose_score_map
from veririsk_assets.simulation.catalogue import FORCED
from veririsk_assets.simulation.generator import generate
from veririsk_assets.simulation.market import EPOCH, Market, Truth
from veririsk_assets.simulation.oracle import falls
from veririsk_assets.simulation.scenarios import CRASH, PRE_CRASH, PROFILES, Variant
from veririsk_assets.training.choice import Choice, choose
from veririsk_assets.training.datasets import Dataset, from_panels
from veririsk_assets.training.paired import hours
from veririsk_assets_tests.market import market_panels, only_ether

HORIZON = 24
POOLS = 120
PER_PROFILE, FORCED_COUNT = 30, 10
FORCED_POOLS = slice(-PER_PROFILE, -PER_PROFILE + FORCED_COUNT)
NORMAL_NAME = "normal"
COLUMNS = ("tvl_usd", "volume_usd", "reserve_imbalance", "state")
GENERATED = {"tvl_usd", "reserve0_usd", "reserve1_usd", "volume_1h_usd", "volume_24h_usd", "input_age_hours"}
CANDIDATES = (catalogue.CHAMPION_CANDIDATE, catalogue.FLOOR)


@dataclass(frozen=True)
class Learned:
    """`features`, `probability` and `risk_score` are of the test hours, hours × pools."""

    dataset: Dataset
    choice: Choice
    features: Panel
    probability: np.ndarray
    risk_score: np.ndarray

    @property
    def served(self) -> ServedModel:
        return self.choice.winner.served


def learn(panel: Panel, market: Panel, test_hours: int, label: str = "crash", names: tuple[str, ...] = CANDIDATES) -> Learned:
    """Train on all but the last `test_hours` hours of the panels, as `veririsk train` would have then, and score those."""
    hours = panel.window.hours - LOOKBACK_HOURS
    features = build_features(panel, market, hours)
    rows = hours - test_hours - HORIZON
    labels = build_labels(_history(panel, test_hours), HORIZON, rows)
    dataset = from_panels(_part(features, 0, rows), labels, HORIZON, label)
    choice = choose(dataset, catalogue.CATALOGUE, names)
    tested = _part(features, hours - test_hours, hours)
    served = choice.winner.served
    x = served.matrix({name: column.ravel() for name, column in tested.values.items()})
    probability = served.probability(served.margin(x)).reshape(tested.shape)
    return Learned(dataset, choice, tested, probability, as_served(served, tested.as_ofs, probability))


def as_served(served: ServedModel, as_ofs: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Risk scores (hours × pools) by the thresholds of each day, which follow the three days before."""
    hour = np.repeat(hours(as_ofs), probability.shape[1])
    days, day = np.unique(day_of(hour), return_inverse=True)
    said = probability.ravel()
    usual = [astuple(choose_score_map(said[rows])) if rows else (np.nan,) * 3 for rows in recent(days, hour)]
    return served.risk_score(said, hour, np.array(usual)[day]).reshape(probability.shape)


def _history(panel: Panel, test_hours: int) -> Panel:
    """What labels may be made from: TVL and LP supply up to the first test hour, and not an hour more."""
    columns = {name: panel[name][:-test_hours] for name in ("tvl_usd", "lp_supply")}
    columns["is_tombstone"] = np.zeros_like(columns["tvl_usd"])
    return Panel(Window(panel.window.start, panel.window.end - test_hours * HOUR), panel.keys, columns)


def _part(panel: Panel, first: int, stop: int) -> Panel:
    window = Window(panel.window.start + first * HOUR, panel.window.start + stop * HOUR)
    return Panel(window, panel.keys, {name: column[first:stop] for name, column in panel.values.items()})


@dataclass(frozen=True)
class Trial:
    """One simulated market, learnt and tested; `truth` covers the test hours, `fell` says what the horizon after them brought."""

    learned: Learned
    market: Market
    truth: Truth
    fell: np.ndarray

    @property
    def in_trouble(self) -> np.ndarray:
        """In pre_crash or crash at as_of, or falling by 20 % within 24 h."""
        return np.isin(self.truth.state, (PRE_CRASH, CRASH)) | self.fell


def trial(seed: int, variant: Variant, train_days: int = 60, test_days: int = 7) -> Trial:
    """A market from its first hour on, forced pools in trouble at the last test hour; everything after it is unseen."""
    test_hours = test_days * 24
    end = EPOCH + timedelta(hours=LOOKBACK_HOURS + train_days * 24 + test_hours)
    market = Market(seed, variant, POOLS, end)
    learned = learn(*market_panels(market, Window(EPOCH, end)), test_hours)
    seen = market.truth(end - (test_hours - 1) * HOUR, test_hours + HORIZON)
    now = {name: column[:test_hours] for name, column in vars(seen).items()}
    return Trial(learned, market, Truth(**now), falls(seen.tvl_usd, HORIZON))


def unforced(columns: np.ndarray) -> np.ndarray:
    """Without the pools whose trouble was arranged: they are no evidence."""
    return np.delete(columns, FORCED, axis=1)


@dataclass(frozen=True)
class Phase2Market:
    """Pools of the Phase-2 generator: 30 per profile, ten of the crash-prone ones forced into trouble at the end.

    `panel` holds INPUTS; what the generator does not emit is unknown. `tvl_usd` and `state` are hours × pools.
    """

    panel: Panel
    ether: Panel
    tvl_usd: np.ndarray
    state: np.ndarray

    @property
    def for_labels(self) -> Panel:
        columns = {name: self.panel[name] for name in ("tvl_usd", "lp_supply")}
        return Panel(self.panel.window, self.panel.keys, columns | {"is_tombstone": np.zeros_like(self.panel["tvl_usd"])})


def generated(seed: int, hours: int) -> Phase2Market:
    """`hours` hours after the look-back that the first of them needs."""
    total = LOOKBACK_HOURS + hours
    names = [(profile, number) for profile in PROFILES for number in range(PER_PROFILE)]
    pools = [generate(f"{profile}_{n:02d}", total, profile, profile == "crash_prone" and n < FORCED_COUNT, seed) for profile, n in names]
    seen = {column: np.column_stack([pool[column].to_numpy() for pool in pools]) for column in COLUMNS}
    window, columns = Window(EPOCH, EPOCH + total * HOUR), _generated_inputs(seen)
    panel = Panel(window, np.arange(len(pools)), {name: columns[name].astype(np.float32) for name in INPUTS})
    return Phase2Market(panel, only_ether(window, np.full((total, 1), 3_000)), seen["tvl_usd"], seen["state"])


def _generated_inputs(seen: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    tvl, volume, imbalance = seen["tvl_usd"], seen["volume_usd"], seen["reserve_imbalance"]
    unknown = np.full(tvl.shape, np.nan)
    volume_24h = unknown.copy()
    volume_24h[23:] = np.lib.stride_tricks.sliding_window_view(volume, 24, axis=0).sum(axis=-1)
    return {
        "tvl_usd": tvl,
        "reserve0_usd": tvl * (1 + imbalance) / 2,
        "reserve1_usd": tvl * (1 - imbalance) / 2,
        "volume_1h_usd": volume,
        "volume_24h_usd": volume_24h,
        "input_age_hours": np.full(tvl.shape, 0.1),
        **dict.fromkeys(set(INPUTS) - GENERATED, unknown),
    }


def state(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Put a measured number where the person who runs the tests sees it, whether the test holds or not."""
    with capsys.disabled():
        sys.stdout.write(f"\n{text}\n")
