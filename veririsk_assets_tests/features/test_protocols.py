"""The twelve indicators and the rest, against plain pandas and by hand; no day sees a later one."""

import numpy as np
import pandas as pd
import pytest

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.protocol_features import FEATURE_NAMES, INDICATORS, INPUTS, LOOKBACK_DAYS, MONTH
from veririsk_assets.contracts.windows import DAY_HOURS, Window, utc
from veririsk_assets.features.protocols import build_features, rule

DAYS, PROTOCOLS, FUTURE = 40, 7, 5
NO_SURROUNDINGS = Panel(Window.of("2024-01-01", "2024-01-02"), np.array([0]))


def panel_of(columns: dict[str, np.ndarray]) -> Panel:
    days, count = columns["tvl_usd"].shape
    return Panel(Window.ending(utc("2025-01-01"), days, DAY_HOURS), np.arange(count), columns)


@pytest.fixture(scope="module")
def panel() -> Panel:
    rng = np.random.default_rng(4)
    shape = (LOOKBACK_DAYS + DAYS + FUTURE, PROTOCOLS)
    walks = {name: np.exp(15 + rng.normal(0, 0.05, shape).cumsum(axis=0)) for name in INPUTS[:4]}
    walks["tvl_usd"][:70, 5] = np.nan
    walks["tvl_usd"][100:103, 2] = np.nan
    walks["volume_usd"][rng.random(shape) < 0.02] = 0.0
    walks["price_usd"][:, 6] = np.nan
    return panel_of(walks | {"input_age_hours": np.full(shape, 0.1)})


def built(panel: Panel, days: int = DAYS + FUTURE) -> Panel:
    return build_features(panel, NO_SURROUNDINGS, days)


def test_the_twelve_indicators_are_those_of_pandas(panel: Panel) -> None:
    found, at = built(panel), -3
    for key in (0, 1, 3):
        tvl, price, cap, volume = (pd.Series(panel[name][: at + 1 or None, key]).where(lambda x: x > 0) for name in INPUTS[:4])
        moves = {name: np.log(x).diff() for name, x in (("tvl", tvl), ("price", price), ("mc", cap), ("volume", volume))}
        expected = {f"{name}_vol_30": x.iloc[-MONTH:].std() for name, x in moves.items()}
        day = np.arange(MONTH)
        expected |= {f"{name}_slope": np.polyfit(day, np.log(x.iloc[-MONTH:]), 1)[0] for name, x in (("tvl", tvl), ("price", price))}
        expected |= {"tvl_trend_7": tvl.iloc[-1] / tvl.iloc[-8] - 1, "price_momentum": price.iloc[-1] / price.iloc[-8] - 1}
        month = volume.iloc[-MONTH:]
        if volume.iloc[[-1, -MONTH]].notna().all():
            expected |= {"liquidity_ratio_30": (volume / tvl).iloc[-MONTH:].mean(), "volume_consistency": month.mean() / month.std()}
        expected |= {"market_cap_stability": 1 / expected["mc_vol_30"]}
        last = tvl.iloc[-MONTH:]
        expected |= {"drawdown_risk": (1 - last / last.cummax()).max()}
        for name, value in expected.items():
            got = found[name][at, key]
            assert np.isnan(got) or got == pytest.approx(value, rel=2e-3, abs=1e-6), (name, key)
        assert np.isfinite([found[name][at, key] for name in ("tvl_vol_30", "price_slope", "tvl_slope", "drawdown_risk")]).all()


def test_no_day_sees_a_later_one_and_one_day_equals_a_backfill(panel: Panel) -> None:
    known = built(panel)
    values = {name: value.copy() for name, value in panel.values.items()}
    for value in values.values():
        value[-FUTURE:] = np.random.default_rng(1).choice([np.nan, 0.0, 1e9], value[-FUTURE:].shape)
    garbled = built(panel_of(values))
    short = built(Panel(Window.ending(panel.window.start + (len(panel.as_ofs) - FUTURE) * panel.window.step, len(panel.as_ofs) - FUTURE, DAY_HOURS),
                        panel.keys, {name: value[:-FUTURE] for name, value in panel.values.items()}), 1)  # fmt: skip
    for name in FEATURE_NAMES:
        np.testing.assert_array_equal(known[name][:DAYS], garbled[name][:DAYS], err_msg=name)
        np.testing.assert_array_equal(known[name][DAYS - 1 : DAYS], short[name], err_msg=name)


def test_a_month_is_needed_and_what_is_unknown_stays_so(panel: Panel) -> None:
    found = built(panel)
    names = [column.name for column in INDICATORS]
    young = panel["tvl_usd"][:, 5]
    first = int(np.flatnonzero(~np.isnan(young))[0]) - LOOKBACK_DAYS
    assert np.isnan(found["tvl_vol_30"][: first + MONTH, 5]).all() and np.isfinite(found["tvl_vol_30"][first + MONTH :, 5]).all()
    assert all(np.isnan(found[name][:, 6]).all() for name in names if name.startswith("price_"))
    assert np.isfinite(found["early_warning_score"][-1]).all()


def test_the_rule_adds_up_and_a_collapse_is_its_alarm() -> None:
    shape = (LOOKBACK_DAYS + 10, 3)
    tvl = np.full(shape, 1e7)
    tvl[-5:, 1] = 1e7 * 0.85 ** np.arange(1, 6)
    flat = dict.fromkeys(INPUTS[1:4], np.full(shape, 1e6))
    found = built(panel_of({"tvl_usd": tvl, **flat, "input_age_hours": np.zeros(shape)}), 3)
    now = {name: found[name][-1] for name in FEATURE_NAMES}
    points = sum(rule(now).values())
    np.testing.assert_allclose(points, now["early_warning_score"], rtol=1e-5)
    assert now["early_warning_score"][1] > 60 and now["early_warning_score"][0] == 0
    assert now["drawdown_risk"][1] == pytest.approx(1 - 0.85**5, rel=1e-5)


def test_a_protocol_is_compared_with_those_of_its_day(panel: Panel) -> None:
    found = built(panel)
    trend = found["tvl_trend_7"][-1]
    assert found["market_median_change_7"][-1, 0] == pytest.approx(np.nanmedian(trend))
    np.testing.assert_allclose(found["tvl_against_market_7"][-1], trend - np.nanmedian(trend), rtol=1e-5)
    assert found["rank_tvl_trend_7"][-1, np.nanargmin(trend)] == 0
    assert found["market_share_falling_7"][-1, 0] == pytest.approx(np.mean(trend < -0.10))
