"""One honest experiment in memory: learn from a market's past, score its later hours. No lake, no wire, no clock.

The learner sees labels that had matured when the test hours begin, and nothing of the test hours but their features.
"""

import sys
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pytest

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pool_features import LOOKBACK_HOURS
from veririsk_assets.contracts.windows import HOUR, Window
from veririsk_assets.features.pools import build_features
from veririsk_assets.labels.pools import build_labels
from veririsk_assets.models import catalogue
from veririsk_assets.models.artefact import ServedModel
from veririsk_assets.simulation.catalogue import FORCED
from veririsk_assets.simulation.market import EPOCH, Market, Truth
from veririsk_assets.simulation.oracle import falls
from veririsk_assets.simulation.scenarios import CRASH, PRE_CRASH, Variant
from veririsk_assets.training.choice import Choice, choose
from veririsk_assets.training.datasets import Dataset, from_panels
from veririsk_assets_tests.market import market_panels

HORIZON = 24
POOLS = 120
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
    choice = choose(dataset, names)
    tested = _part(features, hours - test_hours, hours)
    served = choice.winner.served
    x = served.matrix({name: column.ravel() for name, column in tested.values.items()})
    probability = served.probability(served.margin(x)).reshape(tested.shape)
    return Learned(dataset, choice, tested, probability, served.risk_score(probability))


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


def state(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Put a measured number where the person who runs the tests sees it, whether the test holds or not."""
    with capsys.disabled():
        sys.stdout.write(f"\n{text}\n")
