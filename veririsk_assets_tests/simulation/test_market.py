"""The market: a function of (seed, hour) that keeps the report's tables in one variant and blurs them in the other."""

from datetime import timedelta

import numpy as np
import pytest

from veririsk_assets.simulation.catalogue import FORCED, catalogue
from veririsk_assets.simulation.market import EPOCH, BeforeTheMarket, Market
from veririsk_assets.simulation.oracle import falls, oracle_probability
from veririsk_assets.simulation.paths import VOLUME_NOISE
from veririsk_assets.simulation.scenarios import (
    CRASH,
    HARDER_STATES,
    HOURLY_TURNOVER_RATIO,
    NORMAL,
    PRE_CRASH,
    PROFILE_NAMES,
    STATES,
    Variant,
)

END = EPOCH + timedelta(days=40)
VARIANTS: tuple[Variant, ...] = ("phase2", "harder")


@pytest.fixture(scope="module")
def phase2() -> Market:
    return Market(seed=11, variant="phase2", forced_end=END)


@pytest.fixture(scope="module")
def harder() -> Market:
    return Market(seed=11, variant="harder", forced_end=END)


@pytest.mark.parametrize("variant", VARIANTS)
def test_hour_by_hour_equals_all_at_once(variant: Variant) -> None:
    whole = Market(seed=5, variant=variant, pools=16).panel(EPOCH, EPOCH + timedelta(hours=75))
    market = Market(seed=5, variant=variant, pools=16)
    hours = [market.panel(EPOCH + timedelta(hours=h), EPOCH + timedelta(hours=h + 1)) for h in range(75)]
    for name, array in whole.items():
        np.testing.assert_array_equal(np.concatenate([hour[name] for hour in hours]), array, err_msg=name)


@pytest.mark.parametrize("variant", VARIANTS)
def test_reaching_a_later_hour_does_not_change_an_earlier_one(variant: Variant) -> None:
    near, far = Market(seed=5, variant=variant, pools=16), Market(seed=5, variant=variant, pools=16)
    far.panel(EPOCH, EPOCH + timedelta(days=90))
    for name, array in near.panel(EPOCH, EPOCH + timedelta(days=3)).items():
        np.testing.assert_array_equal(far.panel(EPOCH, EPOCH + timedelta(days=3))[name], array, err_msg=name)


def test_another_seed_is_another_market() -> None:
    assert not np.array_equal(Market(seed=1).observe(0, 48)["tvl_usd"], Market(seed=2).observe(0, 48)["tvl_usd"])


def test_an_hour_before_2025_is_refused() -> None:
    with pytest.raises(BeforeTheMarket, match="2024-12-31"):
        Market().index(EPOCH - timedelta(hours=1))


def test_phase2_emissions_keep_the_report_s_ranges(phase2: Market) -> None:
    hours = 4000
    truth, seen = phase2.truth(EPOCH, hours), phase2.observe(0, hours)
    change = np.diff(seen["tvl_usd"], axis=0) / seen["tvl_usd"][:-1]
    multiplier = seen["volume_1h_usd"] / (0.004 * phase2.book.base_tvl)
    for number, state in enumerate(STATES.values()):
        rows = truth.state == number
        for array, (low, high) in (
            (change[rows[1:]], state.tvl_change),
            (np.abs(seen["reserve_imbalance"][rows]), state.reserve_imbalance),
            (multiplier[rows], state.volume_multiplier),
        ):
            assert low - 1e-9 <= array.min() and array.max() <= high + 1e-9
            assert array.max() - array.min() > 0.9 * (high - low)


def test_phase2_prices_move_with_the_state_s_volatility(phase2: Market) -> None:
    truth, price = phase2.truth(EPOCH, 4000), phase2.observe(0, 4000)["token_price_usd"]
    own = np.flatnonzero(phase2.book.own >= 0)
    returns = np.abs(np.diff(np.log(price), axis=0))[:, phase2.book.own[own]]
    state = truth.state[1:, own]
    assert np.median(returns[state == CRASH]) > 3 * np.median(returns[state == NORMAL])


@pytest.mark.parametrize("variant", VARIANTS)
def test_reserves_hold_the_tvl_and_the_imbalance_at_outside_prices(variant: Variant) -> None:
    seen = Market(seed=3, variant=variant).observe(0, 500)
    side0, side1 = seen["reserve0"] * seen["price0_usd"], seen["reserve1"] * seen["price1_usd"]
    np.testing.assert_allclose(side0 + side1, seen["tvl_usd"])
    np.testing.assert_allclose((side0 - side1) / (side0 + side1), seen["reserve_imbalance"], atol=1e-9)


def test_forced_pools_are_in_trouble_at_the_end_and_calm_25_hours_before() -> None:
    for seed in range(25):
        for variant in VARIANTS:
            market = Market(seed=seed, variant=variant, pools=8, forced_end=END)
            at_end, before = market.state(END)[0], market.state(END - timedelta(hours=25))[0]
            for pool in catalogue(8):
                if pool.name in ("critical_risk_pool", "high_risk_pool"):
                    assert at_end[pool.index] in (PRE_CRASH, CRASH), (seed, variant, pool.name)
                    assert before[pool.index] == NORMAL


def test_the_trouble_of_forced_pools_can_be_seen_in_every_hour_of_it() -> None:
    # Once in seven demos its last hour looked like a calm one, and the pool that was to be HIGH was not.
    for hour in range(24):
        end = END + timedelta(hours=hour)
        market = Market(variant="harder", pools=8, forced_end=end)
        seen, base = market.panel(end - timedelta(hours=12), end), market.book.base_tvl * HOURLY_TURNOVER_RATIO
        for pool in FORCED:
            assert np.all(seen["volume_1h_usd"][:, pool] / base[pool] > 3.1 * np.exp(-4 * VOLUME_NOISE))
            assert np.all(np.abs(seen["reserve_imbalance"][-6:, pool]) > 0.165 - 1e-3)


def test_forcing_changes_nothing_for_the_other_pools() -> None:
    free, forced = Market(seed=4, pools=16).observe(0, 1000), Market(seed=4, pools=16, forced_end=END).observe(0, 1000)
    others = [p.index for p in catalogue(16) if p.name not in ("critical_risk_pool", "high_risk_pool")]
    np.testing.assert_array_equal(free["volume_1h_usd"][:, others], forced["volume_1h_usd"][:, others])
    np.testing.assert_array_equal(free["lp_supply"][:, others], forced["lp_supply"][:, others])


@pytest.mark.parametrize("variant", VARIANTS)
def test_pools_are_alive_after_two_years(variant: Variant) -> None:
    market = Market(variant=variant)
    ratio = market.observe(17_000, 17_001)["tvl_usd"][0] / market.book.base_tvl
    assert 0.3 < np.median(ratio) < 1.3 and ratio.min() > 0.01


@pytest.mark.parametrize(("variant", "low", "high"), [("phase2", 0.04, 0.08), ("harder", 0.02, 0.06)])
def test_the_24_hour_fall_has_a_plausible_rate_and_order(variant: Variant, low: float, high: float) -> None:
    market = Market(variant=variant)
    label = falls(market.truth(EPOCH, 6000).tvl_usd)
    rates = [label[:, market.profile == name].mean() for name in PROFILE_NAMES]
    assert low < label.mean() < high
    assert rates == sorted(rates)


def test_the_harder_market_has_false_alarms_and_surprises(harder: Market) -> None:
    state = harder.truth(EPOCH, 6000).state
    before, after = state[:-1], state[1:]
    aborted, crashed = ((before == PRE_CRASH) & (after == NORMAL)).sum(), ((before == PRE_CRASH) & (after == CRASH)).sum()
    sudden = ((before == NORMAL) & (after == CRASH)).sum()
    assert 0.2 < aborted / (aborted + crashed) < 0.4
    assert 0.05 < sudden / (sudden + crashed) < 0.2


def test_the_harder_market_knows_falls_of_price_only_and_of_liquidity_only(harder: Market) -> None:
    truth, lp = harder.truth(EPOCH, 6000), harder.observe(0, 6000)["lp_supply"]
    lp_change = np.diff(np.log(lp), axis=0)
    crash = truth.state[1:] == CRASH
    price_only, liquidity_only = crash & (truth.price_share[1:] == 1), crash & (truth.price_share[1:] == 0)
    assert np.abs(lp_change[price_only]).max() < 1e-9 < price_only.sum()
    assert lp_change[liquidity_only].max() < -0.03


def test_the_harder_market_s_emissions_overlap() -> None:
    normal, pre_crash = HARDER_STATES["normal"], HARDER_STATES["pre_crash"]
    assert pre_crash.tvl_change[1] > normal.tvl_change[0]
    assert pre_crash.reserve_imbalance[0] < normal.reserve_imbalance[1]
    assert pre_crash.volume_multiplier[0] < normal.volume_multiplier[1]


def test_stress_makes_crashes_come_together(harder: Market) -> None:
    starts = harder.truth(EPOCH, 8000).crash_onset.sum(axis=1)
    by_day = starts[: 24 * (len(starts) // 24)].reshape(-1, 24).sum(axis=1)
    assert by_day.var() > 1.3 * by_day.mean()  # independent starts would have a ratio of about 1


def test_ages_count_from_the_state_s_beginning(harder: Market) -> None:
    truth = harder.truth(EPOCH, 2000)
    same = truth.state[1:] == truth.state[:-1]
    assert (truth.age_hours[1:][same] == truth.age_hours[:-1][same] + 1).all()
    assert (truth.age_hours[1:][~same] == 0).all()


def test_the_oracle_is_calibrated_and_beats_the_profile_alone(harder: Market) -> None:
    truth = harder.truth(EPOCH, 6000)
    label = falls(truth.tvl_usd)
    probability = oracle_probability(harder, truth)[: len(label)]
    assert abs(probability.mean() - label.mean()) < 0.006
    assert label[probability > 0.5].mean() > 0.6
    by_profile = np.array([label[:, harder.profile == name].mean() for name in harder.profile])
    assert ((probability - label) ** 2).mean() < 0.8 * ((by_profile - label) ** 2).mean()
