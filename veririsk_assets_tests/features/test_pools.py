import numpy as np
import pytest

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pool_features import FEATURE_NAMES, INPUTS, LOOKBACK_HOURS
from veririsk_assets.contracts.windows import HOUR, Window, utc
from veririsk_assets.features.early_warning import SIGNALS, early_warning_score, terms
from veririsk_assets.features.pools import build_features
from veririsk_assets_tests.market import market, market_panels

END = utc("2025-04-01")
WINDOW = Window(END - (LOOKBACK_HOURS + 4) * HOUR, END)


def build(hours: int = 4, **columns: np.ndarray) -> Panel:
    """Features of pools whose every input is NaN but for `columns` (hours × pools)."""
    shape = next(iter(columns.values())).shape
    empty = {name: np.full(shape, np.nan, dtype=np.float32) for name in INPUTS}
    panel = Panel(WINDOW, np.arange(shape[1]), empty | {k: v.astype(np.float32) for k, v in columns.items()})
    eth = Panel(WINDOW, np.array([0]), {"eth_price_usd": np.full((shape[0], 1), 2000.0, dtype=np.float32)})
    return build_features(panel, eth, hours)


def walk(pools: int = 3, seed: int = 0) -> np.ndarray:
    return 1e6 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, (WINDOW.hours, pools)), axis=0))


def test_the_ten_formulas_on_numbers_a_person_can_check() -> None:
    tvl = np.full((WINDOW.hours, 1), 100.0)
    tvl[-7:, 0] = [100, 99, 98, 97, 96, 95, 90]
    built = build(tvl_usd=tvl, reserve0_usd=tvl * 0.6, reserve1_usd=tvl * 0.4, volume_1h_usd=np.full(tvl.shape, 5.0))
    now = {name: built[name][-1, 0] for name in FEATURE_NAMES}
    assert now["tvl_change_6h"] == pytest.approx(-0.10)
    assert now["tvl_change_24h"] == pytest.approx(-0.10)
    assert now["tvl_acceleration"] == pytest.approx(-0.10)
    assert now["volume_spike_ratio"] == pytest.approx(1.0)
    assert now["reserve_imbalance"] == pytest.approx(0.2)
    assert now["reserve_imbalance_rate"] == pytest.approx(0.0, abs=1e-6)
    hourly = np.diff(tvl[-7:, 0]) / tvl[-7:-1, 0]
    assert now["volatility_6h"] == pytest.approx(np.std(hourly, ddof=1), rel=1e-4)
    assert now["volatility_ratio"] == pytest.approx(now["volatility_6h"] / now["volatility_24h"], rel=1e-4)
    assert now["drawdown_24h"] == pytest.approx(-0.10)
    assert now["log_tvl"] == pytest.approx(np.log(90), rel=1e-5)


def test_what_no_source_knows_stays_unknown() -> None:
    built = build(tvl_usd=walk())
    for name in ("reserve_imbalance", "volume_spike_ratio", "lp_supply_change_24h", "hours_since_burn_5pct", "apy"):
        assert np.isnan(built[name]).all()


def test_an_outlier_of_1e9_stays_with_its_own_pool() -> None:
    tvl, spoilt = walk(), walk()
    spoilt[-5, 1] = 1e15
    clean, dirty = build(tvl_usd=tvl), build(tvl_usd=spoilt)
    own = [n for n in FEATURE_NAMES if not n.startswith(("rank_", "market_"))]
    for name in own:
        np.testing.assert_allclose(clean[name][:, [0, 2]], dirty[name][:, [0, 2]], rtol=1e-5)
    for name in (n for n in FEATURE_NAMES if n.startswith("market_")):
        assert np.isfinite(dirty[name]).all()


@pytest.mark.parametrize("worth", [0.0, -5.0])
def test_a_tvl_of_nothing_is_an_unknown_one(worth: float) -> None:
    tvl, spoilt = walk(1), walk(1)
    spoilt[-30, 0] = worth
    gap = walk(1)
    gap[-30, 0] = np.nan
    for name in FEATURE_NAMES:
        np.testing.assert_array_equal(build(tvl_usd=spoilt)[name], build(tvl_usd=gap)[name])
    assert np.isfinite(build(tvl_usd=spoilt)["tvl_change_7d"]).all()
    assert tvl.shape == spoilt.shape


def test_an_outage_of_seven_hours_does_not_blank_thirty_day_features() -> None:
    tvl = walk()
    tvl[-100:-93] = np.nan
    built = build(tvl_usd=tvl)
    for name in ("ewma_volatility_30d", "downside_semideviation_30d", "drawdown_30d", "tvl_change_30d"):
        assert np.isfinite(built[name]).all()


def test_a_pool_younger_than_its_window_has_short_features_only() -> None:
    tvl = walk(1)
    tvl[:-40] = np.nan
    built = build(tvl_usd=tvl)
    assert np.isfinite(built["tvl_change_24h"]).all()
    assert np.isnan(built["drawdown_7d"]).all()
    assert built["age_hours"][-1, 0] == 39


def test_a_source_that_repeats_itself_is_counted() -> None:
    tvl = walk(1)
    tvl[-10:] = tvl[-10]
    assert build(tvl_usd=tvl)["unchanged_hours"][-1, 0] == 9


def test_the_points_of_the_early_warning_score_add_up_to_it() -> None:
    panel, shared = market_panels(market(), WINDOW)
    built = build_features(panel, shared, 4)
    points = terms({s.feature: built[s.feature] for s in SIGNALS})
    np.testing.assert_allclose(sum(points.values()), built["early_warning_score"], rtol=1e-5)
    assert sum(s.weight for s in SIGNALS) == 100


def test_the_early_warning_score_without_a_signal_is_unknown_and_one_signal_does_not_decide_alone() -> None:
    nothing = {s.feature: np.array([np.nan]) for s in SIGNALS}
    assert np.isnan(early_warning_score(nothing)).all()
    assert early_warning_score(nothing | {"tvl_change_6h": np.array([-0.5])})[0] == 50.0
