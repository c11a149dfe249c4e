"""Features of an hour are the same whatever comes after it, and whether they are computed in one hour or in one backfill."""

from collections.abc import Callable

import numpy as np
import pytest

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pool_features import FEATURE_COLUMNS, FEATURE_NAMES, LOOKBACK_HOURS
from veririsk_assets.contracts.tables import Column
from veririsk_assets.features.pools import build_features
from veririsk_assets_tests.features.walks import changed, cut, market

Build = Callable[[Panel, Panel, int], Panel]
PAST, FUTURE = 30, 8


@pytest.fixture(scope="module")
def inputs() -> tuple[Panel, Panel]:
    """A market with gaps, late starters and an outage, so that every branch of a formula is met."""
    panel, eth = market(LOOKBACK_HOURS + PAST + FUTURE, pools=9)
    rng = np.random.default_rng(1)
    gaps = rng.random(panel.shape) < 0.02
    gaps[:, :3] = False
    gaps[-PAST - 200 : -PAST - 193] = True
    gaps[: LOOKBACK_HOURS - 100, 8] = True
    back = np.where(rng.random(panel.shape) < 0.001, rng.integers(1, 7, panel.shape), 0)
    back[[-PAST - FUTURE + 4, -FUTURE - 9, -FUTURE - 9, -FUTURE - 1], [2, 3, 5, 7]] = 3
    panel = changed(panel, taken_back_hours=back)
    return changed(panel, **{name: np.where(gaps, np.nan, value) for name, value in panel.values.items()}), eth


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a, b, equal_nan=True)


def features_that_see_the_future(build: Build, panel: Panel, eth: Panel) -> set[str]:
    """Features of the PAST hours that differ once the FUTURE hours are gone, or garbage."""
    known = build(panel, eth, PAST + FUTURE)
    cut_off = build(cut(panel, FUTURE), cut(eth, FUTURE), PAST)
    garbled = build(garbage_after(panel), garbage_after(eth), PAST + FUTURE)
    differs = {n for n in FEATURE_NAMES if not same(known[n][:PAST], garbled[n][:PAST])}
    return differs | {n for n in FEATURE_NAMES if not same(known[n][:PAST], cut_off[n])}


def garbage_after(panel: Panel) -> Panel:
    rng = np.random.default_rng(2)
    values = {name: value.copy() for name, value in panel.values.items()}
    for value in values.values():
        value[-FUTURE:] = rng.choice([np.nan, 0.0, 1e9, 1e-3], value[-FUTURE:].shape)
    return changed(panel, **values)


def leaking(*names: str) -> Build:
    """The real features, but these one hour ahead."""

    def build(panel: Panel, eth: Panel, hours: int) -> Panel:
        built = build_features(panel, eth, hours)
        return changed(built, **{name: np.vstack([built[name][1:], built[name][-1:]]) for name in names})

    return build


def test_no_feature_sees_the_future(inputs: tuple[Panel, Panel]) -> None:
    assert features_that_see_the_future(build_features, *inputs) == set()


def test_every_feature_is_caught_when_it_looks_one_hour_ahead(inputs: tuple[Panel, Panel]) -> None:
    assert features_that_see_the_future(leaking(*FEATURE_NAMES), *inputs) == set(FEATURE_NAMES)


def test_only_the_feature_that_looks_ahead_is_caught(inputs: tuple[Panel, Panel]) -> None:
    assert features_that_see_the_future(leaking("log_tvl"), *inputs) == {"log_tvl"}


def test_every_feature_has_values_to_compare(inputs: tuple[Panel, Panel]) -> None:
    built = build_features(*inputs, PAST)
    assert [name for name in FEATURE_NAMES if np.isnan(built[name]).mean() > 0.5] == []


def test_hour_by_hour_equals_one_backfill(inputs: tuple[Panel, Panel]) -> None:
    panel, eth = inputs
    backfill = build_features(panel, eth, PAST)
    for hour in range(PAST):
        later = PAST - 1 - hour
        back = LOOKBACK_HOURS + 1
        one = build_features(cut(panel, later).tail(back), cut(eth, later).tail(back), 1)
        assert one.as_ofs[0] == backfill.as_ofs[hour]
        assert [name for name in FEATURE_NAMES if not same(one[name][0], backfill[name][hour])] == []


@pytest.mark.parametrize("column", FEATURE_COLUMNS, ids=lambda column: column.name)
def test_a_feature_needs_no_more_hours_than_its_contract_says(column: Column, inputs: tuple[Panel, Panel]) -> None:
    panel, eth = inputs
    whole = build_features(panel, eth, 1)[column.name]
    blank = [changed(p, **{n: _without(v, column.lookback_hours + 1) for n, v in p.values.items()}) for p in (panel, eth)]
    assert same(build_features(*blank, 1)[column.name], whole)


def _without(value: np.ndarray, rows: int) -> np.ndarray:
    return np.vstack([np.full_like(value[:-rows], np.nan), value[-rows:]])
