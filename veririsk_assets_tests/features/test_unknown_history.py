"""What was not seen is unknown: no hour, age or count of a feature is larger than the hours that a pool has been seen for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pool_features import FEATURE_COLUMNS, LOOKBACK_HOURS, MONTH, WEEK
from veririsk_assets.contracts.tables import Column
from veririsk_assets.features.pools import build_features
from veririsk_assets_tests.features.walks import changed, market

HOURS = 4
ROWS = LOOKBACK_HOURS + HOURS
# How old the newest observation is, not how long a pool has been seen, is a fact of one hour.
COUNTED = [c for c in FEATURE_COLUMNS if c.unit in ("hours", "count") and c.lookback_hours > 0]
# What looks back without having seen enough is unknown; only the composite says what its known parts say.
OWN = ("tvl_", "drawdown_", "lp_", "worst_", "abs_", "ewma_", "downside_", "volatility_", "volume_", "reserve_", "price_", "apy_", "token_")
WINDOWED = [c for c in FEATURE_COLUMNS if c.name.startswith(OWN) and c.lookback_hours > 0]
PANEL, MARKET = market(ROWS, pools=3, seed=6)


def seen_panel(first: list[int], gaps: float, stuck: bool, seed: int) -> Panel:
    """Three pools, each first seen so many hours before the end, some hours missing; `stuck`: nothing of them moves."""
    missing = np.random.default_rng(seed).random(PANEL.shape) < gaps
    missing |= np.arange(ROWS)[:, None] < ROWS - 1 - np.array(first)
    still = {name: np.broadcast_to(value[:1], value.shape) if stuck else value for name, value in PANEL.values.items()}
    return changed(PANEL, **{name: np.where(missing, np.nan, value) for name, value in still.items()})


def hours_seen(panel: Panel) -> np.ndarray:
    """Per hour of the last HOURS: how long ago the pool was first seen within the look-back, -1 where it never was."""
    known = ~np.isnan(panel["tvl_usd"])
    first = [[np.flatnonzero(known[t - LOOKBACK_HOURS : t + 1, j]) for j in range(known.shape[1])] for t in range(ROWS - HOURS, ROWS)]
    return np.array([[LOOKBACK_HOURS - found[0] if len(found) else -1 for found in row] for row in first])


panels = st.builds(
    seen_panel,
    first=st.lists(st.one_of(st.integers(0, 30), st.integers(0, ROWS)), min_size=3, max_size=3),
    gaps=st.sampled_from([0.0, 0.03, 0.3, 0.9]),
    stuck=st.booleans(),
    seed=st.integers(0, 1000),
)


@settings(max_examples=40, deadline=None)
@given(panels)
def test_no_hour_counted_is_more_than_was_seen(panel: Panel) -> None:
    built, seen = build_features(panel, MARKET, HOURS), hours_seen(panel)
    for column in COUNTED:
        value = built[column.name]
        # "None in a month" is said where nine tenths of the month were seen.
        is_none = (value == MONTH - 1) & (seen >= 0.9 * MONTH) & column.name.startswith("hours_since_")
        assert not (((value > seen) & ~is_none) | (value < 0) | (value > column.lookback_hours)).any(), column.name
        assert column.name == "age_hours" or np.isnan(value[seen == 0]).all(), column.name


@settings(max_examples=40, deadline=None)
@given(panels)
def test_no_window_is_known_that_was_not_seen(panel: Panel) -> None:
    built, seen = build_features(panel, MARKET, HOURS), hours_seen(panel)
    for column in WINDOWED:
        assert np.isnan(built[column.name][seen < column.lookback_hours]).all(), column.name


@pytest.mark.parametrize("column", WINDOWED, ids=lambda column: column.name)
def test_a_look_back_is_no_longer_than_it_is_said_to_be(column: Column) -> None:
    """Seen for one hour less than it, the feature is not known: the boundary that examples drawn at random seldom meet."""
    built = build_features(seen_panel([column.lookback_hours - 1] * 3, 0.0, False, 0), MARKET, 1)
    assert np.isnan(built[column.name]).all()


def test_the_counted_are_all_that_count() -> None:
    assert {c.name for c in COUNTED} == {
        "hours_since_burn_5pct", "hours_since_burn_20pct", "hours_since_mint_5pct", "hours_since_mint_20pct", "age_hours", "unchanged_hours",
    }  # fmt: skip


@pytest.mark.parametrize("first", [0, 1, 23, 640, 647, 648, 700, 719])
def test_a_pool_without_a_burn_has_none_only_once_a_month_was_seen(first: int) -> None:
    panel = seen_panel([first] * 3, 0.0, True, 0)
    since = build_features(panel, MARKET, 1)["hours_since_burn_5pct"][0]
    assert (since == MONTH - 1).all() if first >= 0.9 * MONTH else np.isnan(since).all()


@pytest.mark.parametrize(("first", "expected"), [(0, np.nan), (1, 1), (5, 5), (167, 167), (168, WEEK), (600, WEEK)])
def test_a_source_that_repeats_itself_is_seen_from_its_first_hour_on(first: int, expected: float) -> None:
    unchanged = build_features(seen_panel([first] * 3, 0.0, True, 0), MARKET, 1)["unchanged_hours"][0]
    assert np.array_equal(unchanged, np.full(3, expected, dtype=np.float32), equal_nan=True)


def test_a_burn_that_a_long_outage_follows_is_not_the_last_one_for_sure() -> None:
    supply = PANEL["lp_supply"].copy()
    supply[:-300] = 1000.0
    supply[-300:] = 500.0
    known = changed(PANEL, lp_supply=supply)
    hidden = changed(
        PANEL, lp_supply=np.where((np.arange(ROWS) > ROWS - 290)[:, None] & (np.arange(ROWS) < ROWS - 5)[:, None], np.nan, supply)
    )
    assert (build_features(known, MARKET, 1)["hours_since_burn_20pct"] == 299).all()
    assert np.isnan(build_features(hidden, MARKET, 1)["hours_since_burn_20pct"]).all()
