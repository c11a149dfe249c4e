"""Features of an hour are the same whether or not later data exists, and hour by hour equals one backfill."""

from collections.abc import Callable

import numpy as np
import pytest

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pool_features import FEATURE_NAMES, LOOKBACK_HOURS
from veririsk_assets.contracts.windows import HOUR, Window, utc
from veririsk_assets.features.pools import build_features
from veririsk_assets_tests.market import market, market_panels

HOURS = 36
END = utc("2025-03-15")
Build = Callable[[Panel, Panel, int], Panel]


@pytest.fixture(scope="module")
def panels() -> tuple[Panel, Panel]:
    """A market with gaps, an outage of seven hours and a pool that is younger than its windows."""
    panel, shared = market_panels(market(), Window(END - (HOURS + LOOKBACK_HOURS) * HOUR, END))
    rng = np.random.default_rng(5)
    gaps = rng.random(panel.shape) < 0.02
    gaps[-200:-193] = True
    gaps[:-50, 1] = True
    for values in panel.values.values():
        values[gaps] = np.nan
    return panel, shared


def until(panel: Panel, hours_less: int) -> Panel:
    """The panel as it stood `hours_less` hours before its end."""
    end = panel.window.end - hours_less * HOUR
    keep = panel.window.hours - hours_less
    return Panel(Window(panel.window.start, end), panel.keys, {name: values[:keep] for name, values in panel.values.items()})


def sees_the_future(build: Build, panels: tuple[Panel, Panel]) -> set[str]:
    """Names of features that change when the future is cut off or turned into nonsense."""
    panel, shared = panels
    whole = build(panel, shared, HOURS)
    leaking = set()
    for less in (1, 7, 24):
        cut = build(until(panel, less), until(shared, less), HOURS - less)
        spoilt = [Panel(p.window, p.keys, {n: v.copy() for n, v in p.values.items()}) for p in panels]
        for nonsense in spoilt:
            for values in nonsense.values.values():
                values[-less:] = 1e9
        other = build(spoilt[0], spoilt[1], HOURS)
        for name in whole.values:
            before = whole[name][: HOURS - less]
            same = all(np.allclose(before, seen, rtol=1e-4, atol=1e-6, equal_nan=True) for seen in (cut[name], other[name][: HOURS - less]))
            leaking |= set() if same else {name}
    return leaking


def test_features_do_not_see_the_future(panels: tuple[Panel, Panel]) -> None:
    assert sees_the_future(build_features, panels) == set()


def test_a_feature_that_leaks_on_purpose_is_caught(panels: tuple[Panel, Panel]) -> None:
    def leaky(panel: Panel, shared: Panel, hours: int) -> Panel:
        built = build_features(panel, shared, hours)
        tomorrow = np.roll(panel["tvl_usd"], -1, axis=0)[-hours:]
        return Panel(built.window, built.keys, {**built.values, "log_tvl": np.log(tomorrow)})

    assert sees_the_future(leaky, panels) == {"log_tvl"}


@pytest.mark.parametrize("name", FEATURE_NAMES)
def test_hour_by_hour_equals_one_backfill(panels: tuple[Panel, Panel], hour_by_hour: dict[str, np.ndarray], backfill: Panel, name: str) -> None:
    np.testing.assert_allclose(hour_by_hour[name], backfill[name], rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module")
def backfill(panels: tuple[Panel, Panel]) -> Panel:
    return build_features(panels[0], panels[1], HOURS)


@pytest.fixture(scope="module")
def hour_by_hour(panels: tuple[Panel, Panel]) -> dict[str, np.ndarray]:
    """Every hour computed alone, from exactly its look-back."""

    def alone(panel: Panel, hour: int) -> Panel:
        stop = LOOKBACK_HOURS + hour + 1
        start = panel.window.start + hour * HOUR
        values = {name: array[hour:stop] for name, array in panel.values.items()}
        return Panel(Window(start, start + (LOOKBACK_HOURS + 1) * HOUR), panel.keys, values)

    built = [build_features(alone(panels[0], hour), alone(panels[1], hour), 1) for hour in range(HOURS)]
    return {name: np.vstack([one[name] for one in built]) for name in FEATURE_NAMES}
