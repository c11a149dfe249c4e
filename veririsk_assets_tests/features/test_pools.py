"""Feature values against the words of their contract, and what happens on ugly data."""

import numpy as np
import pandas as pd
import pytest

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pool_features import FEATURE_COLUMNS, FEATURE_NAMES, LOOKBACK_HOURS
from veririsk_assets.features.pools import build_features
from veririsk_assets_tests.features.walks import changed, market

HOURS = 3
T = LOOKBACK_HOURS + HOURS
NAN = float("nan")
# What the features of all pools together begin with that come from outside the pools.
OUTSIDE = ("funding_", "perp_", "open_interest_", "aave_", "stablecoin_", "gas_", "fear_")


@pytest.fixture(scope="module")
def inputs() -> tuple[Panel, Panel]:
    return market(T, pools=12, seed=4)


def by_words(panel: Panel, eth: Panel, pool: int) -> dict[str, float]:
    """The last hour of one pool, written down once more from the contract, in pandas and float64."""
    x = {name: pd.Series(value[:, pool].astype(np.float64)) for name, value in panel.values.items()}
    shared = {name: pd.Series(value[:, 0].astype(np.float64)) for name, value in eth.values.items()}
    tvl, lp, eth_price = x["tvl_usd"], x["lp_supply"], shared["eth_price_usd"]
    tokens, liquidations, gas = (x["price0_usd"], x["price1_usd"]), shared["aave_liquidations_usd"], shared["gas_gwei"]
    moves, lp_moves, price = tvl.pct_change(), lp.pct_change(), tvl / lp
    imbalance = (x["reserve0_usd"] - x["reserve1_usd"]).abs() / (x["reserve0_usd"] + x["reserve1_usd"])
    falls, mints = moves.clip(upper=0), lp_moves.clip(lower=0)
    common = pd.DataFrame(panel["tvl_usd"].astype(np.float64)).pct_change().median(axis=1)
    day = pd.Series(panel["tvl_usd"][-1].astype(np.float64) / panel["tvl_usd"][-25] - 1)
    level = np.r_[1.0, (1 + common.tail(168)).cumprod()]

    def ewma(span: int, hours: int) -> float:
        weights = (1 - 2 / (span + 1)) ** np.arange(hours)[::-1]
        return float(np.sqrt((weights * moves.tail(hours) ** 2).sum() / weights.sum()))

    def since(hit: pd.Series) -> float:
        hits = np.flatnonzero(hit.tail(719))
        return 718 - hits[-1] if len(hits) else 719

    def change(s: pd.Series, hours: int) -> float:
        return s.iloc[-1] / s.iloc[-1 - hours] - 1

    return {
        "tvl_change_6h": change(tvl, 6),
        "tvl_change_24h": change(tvl, 24),
        "tvl_acceleration": change(tvl, 6) - change(tvl.iloc[:-6], 6),
        "volume_spike_ratio": x["volume_1h_usd"].iloc[-1] / x["volume_1h_usd"].tail(24).mean(),
        "reserve_imbalance": imbalance.iloc[-1],
        "reserve_imbalance_rate": imbalance.iloc[-1] - imbalance.iloc[-7],
        "volatility_6h": moves.tail(6).std(),
        "volatility_24h": moves.tail(24).std(),
        "volatility_ratio": moves.tail(6).std() / moves.tail(24).std(),
        "tvl_change_1h": change(tvl, 1),
        "tvl_change_12h": change(tvl, 12),
        "tvl_change_72h": change(tvl, 72),
        "tvl_change_7d": change(tvl, 168),
        "tvl_change_30d": change(tvl, 719),
        "abs_return_mean_7d": moves.tail(168).abs().mean(),
        "ewma_volatility_7d": ewma(168, 504),
        "ewma_volatility_30d": ewma(720, 719),
        "downside_semideviation_7d": np.sqrt((falls.tail(168) ** 2).mean()),
        "downside_semideviation_30d": np.sqrt((falls.tail(719) ** 2).mean()),
        "worst_return_7d": moves.tail(168).min(),
        "drawdown_24h": tvl.iloc[-1] / tvl.tail(25).max() - 1,
        "drawdown_7d": tvl.iloc[-1] / tvl.tail(169).max() - 1,
        "drawdown_30d": tvl.iloc[-1] / tvl.tail(720).max() - 1,
        "reserve_imbalance_mean_6h": imbalance.tail(6).mean(),
        "reserve_imbalance_mean_24h": imbalance.tail(24).mean(),
        "volume_surge_6h": x["volume_1h_usd"].tail(6).mean() / x["volume_1h_usd"].tail(168).mean(),
        "volume_to_tvl_ratio": x["volume_24h_usd"].iloc[-1] / tvl.iloc[-1],
        "price_ratio_change_24h": abs(np.log(x["price_ratio"].iloc[-1] / x["price_ratio"].iloc[-25])),
        "price_ratio_volatility_7d": np.log(x["price_ratio"]).diff().tail(168).std(),
        "apy": x["apy"].iloc[-1],
        "apy_change_24h": x["apy"].iloc[-1] - x["apy"].iloc[-25],
        "lp_supply_change_6h": change(lp, 6),
        "lp_supply_change_24h": change(lp, 24),
        "lp_supply_change_7d": change(lp, 168),
        "lp_supply_volatility_7d": lp_moves.tail(168).std(),
        "lp_largest_burn_7d": max(-lp_moves.tail(168).min(), 0),
        "lp_largest_mint_7d": max(lp_moves.tail(168).max(), 0),
        "lp_largest_burn_30d": max(-lp_moves.tail(719).min(), 0),
        "lp_largest_mint_30d": max(lp_moves.tail(719).max(), 0),
        "lp_mint_concentration_30d": mints.tail(719).max() / mints.tail(719).sum(),
        "lp_hot_money_ratio_30d": (lp.iloc[-1] - lp.tail(720).min()) / lp.iloc[-1],
        "lp_supply_to_max_30d": lp.iloc[-1] / lp.tail(720).max(),
        "hours_since_burn_5pct": since(lp_moves <= -0.05),
        "hours_since_burn_20pct": since(lp_moves <= -0.2),
        "hours_since_mint_5pct": since(lp_moves >= 0.05),
        "hours_since_mint_20pct": since(lp_moves >= 0.2),
        "lp_price_change_24h": change(price, 24),
        "lp_price_volatility_7d": price.pct_change().tail(168).std(),
        "rank_tvl_change_24h": (day.rank().iloc[pool] - 1) / (len(day) - 1),
        "market_share_falling_24h": (day < -0.05).mean(),
        "market_median_change_24h": day.median(),
        "market_volatility_7d": common.tail(168).std(),
        "market_drawdown_7d": level[-1] / level.max() - 1,
        "eth_return_24h": change(eth_price, 24),
        "eth_volatility_7d": eth_price.pct_change().tail(168).std(),
        "eth_drawdown_7d": eth_price.iloc[-1] / eth_price.tail(169).max() - 1,
        "log_tvl": np.log(tvl.iloc[-1]),
        "age_hours": 719,
        "input_age_hours": x["input_age_hours"].iloc[-1],
        "unchanged_hours": 0,
        "funding_rate_24h": shared["funding_rate"].tail(24).mean(),
        "funding_rate_7d": shared["funding_rate"].tail(168).mean(),
        "perp_premium_24h": shared["perp_premium"].tail(24).mean(),
        "open_interest_change_24h": change(shared["open_interest_usd"], 24),
        "aave_utilisation": shared["aave_utilisation"].iloc[-1],
        "aave_utilisation_change_24h": shared["aave_utilisation"].iloc[-1] - shared["aave_utilisation"].iloc[-25],
        "aave_liquidation_surge_7d": liquidations.tail(168).mean() / liquidations.tail(719).mean(),
        "stablecoin_supply_change_7d": change(shared["stablecoin_supply_usd"], 168),
        "gas_surge_7d": gas.iloc[-1] / gas.tail(168).mean(),
        "fear_greed": shared["fear_greed"].iloc[-1],
        "fear_greed_change_7d": shared["fear_greed"].iloc[-1] - shared["fear_greed"].iloc[-169],
        "token_price_change_24h_worst": min(change(token, 24) for token in tokens),
        "token_price_volatility_7d": max(token.pct_change().tail(168).std() for token in tokens),
        "token_price_drawdown_7d_worst": min(token.iloc[-1] / token.tail(169).max() - 1 for token in tokens),
        "lp_top1_share": x["lp_top1_share"].iloc[-1],
        "lp_top5_share": x["lp_top5_share"].iloc[-1],
        "lp_top1_share_change_7d": x["lp_top1_share"].iloc[-1] - x["lp_top1_share"].iloc[-169],
    }


def test_features_are_those_of_the_contract_in_its_order(inputs: tuple[Panel, Panel]) -> None:
    built = build_features(*inputs, HOURS)
    assert tuple(built.values) == FEATURE_NAMES
    assert {(v.shape, v.dtype) for v in built.values.values()} == {((HOURS, 12), np.dtype(np.float32))}
    assert (built.window.end, built.window.hours) == (inputs[0].window.end, HOURS)


def test_the_ten_formulas_on_numbers_a_person_can_check(inputs: tuple[Panel, Panel]) -> None:
    panel, eth = inputs
    tvl = np.full(panel.shape, 100.0)
    tvl[-7:] = np.array([100, 99, 98, 97, 96, 95, 90])[:, None]
    calm = changed(panel, tvl_usd=tvl, reserve0_usd=tvl * 0.6, reserve1_usd=tvl * 0.4, volume_1h_usd=np.full(tvl.shape, 5.0))
    now = {name: value[-1, 0] for name, value in build_features(calm, eth, HOURS).values.items()}
    moves = np.diff(tvl[-25:, 0]) / tvl[-25:-1, 0]
    expected = {
        "tvl_change_6h": -0.1,
        "tvl_change_24h": -0.1,
        "tvl_acceleration": -0.1,
        "volume_spike_ratio": 1.0,
        "reserve_imbalance": 0.2,
        "reserve_imbalance_rate": 0.0,
        "volatility_6h": np.std(moves[-6:], ddof=1),
        "volatility_24h": np.std(moves, ddof=1),
        "volatility_ratio": np.std(moves[-6:], ddof=1) / np.std(moves, ddof=1),
        "drawdown_24h": -0.1,
        "log_tvl": np.log(90),
    }
    assert {name: now[name] for name in expected} == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("pool", [0, 5, 11])
def test_every_value_is_what_the_contract_says(pool: int, inputs: tuple[Panel, Panel]) -> None:
    built = build_features(*inputs, HOURS)
    expected = by_words(*inputs, pool)
    left_out = {"early_warning_score", "rank_ewma_volatility_7d", "rank_drawdown_7d"}
    assert set(expected) == set(FEATURE_NAMES) - left_out
    wrong = {n: (built[n][-1, pool], v) for n, v in expected.items() if built[n][-1, pool] != pytest.approx(v, rel=1e-4, abs=2e-6)}
    assert wrong == {}


@pytest.mark.parametrize("name", ["ewma_volatility_7d", "drawdown_7d"])
def test_a_rank_is_that_of_its_feature(name: str, inputs: tuple[Panel, Panel]) -> None:
    built = build_features(*inputs, HOURS)
    expected = (pd.DataFrame(built[name]).rank(axis=1) - 1) / 11
    np.testing.assert_allclose(built[f"rank_{name}"], expected, rtol=1e-6)


def with_pool(panel: Panel, pool: int, rows: slice, **values: float) -> Panel:
    inputs = {name: panel[name].copy() for name in values}
    for name, value in values.items():
        inputs[name][rows, pool] = value
    return changed(panel, **inputs)


def unknown(built: Panel, pool: int, row: int = -1) -> set[str]:
    return {name for name in FEATURE_NAMES if np.isnan(built[name][row, pool])}


def test_nothing_is_unknown_where_all_is_known(inputs: tuple[Panel, Panel]) -> None:
    assert unknown(build_features(*inputs, HOURS), 0) == set()


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_a_tvl_of_zero_or_below_is_an_unknown_one(value: float, inputs: tuple[Panel, Panel]) -> None:
    panel, eth = inputs
    for rows in (slice(-10, -9), slice(-1, None)):
        ugly, missing = (build_features(with_pool(panel, 2, rows, tvl_usd=v), eth, HOURS) for v in (value, NAN))
        assert [n for n in FEATURE_NAMES if not np.array_equal(ugly[n], missing[n], equal_nan=True)] == []


def test_an_outage_of_seven_hours_does_not_blank_30_day_features(inputs: tuple[Panel, Panel]) -> None:
    panel, eth = inputs
    rows = slice(-60, -53)
    out = changed(panel, **{name: np.vstack([v[: rows.start], v[rows] * NAN, v[rows.stop :]]) for name, v in panel.values.items()})
    assert unknown(build_features(out, eth, HOURS), 0) == set()


def test_a_gap_blanks_only_the_windows_that_end_or_begin_in_it(inputs: tuple[Panel, Panel]) -> None:
    panel, eth = inputs
    built = build_features(with_pool(panel, 1, slice(-25, -24), tvl_usd=NAN), eth, HOURS)
    assert {"tvl_change_24h", "drawdown_24h", "volatility_24h"} <= unknown(built, 1)
    assert not {"tvl_change_6h", "drawdown_7d", "ewma_volatility_7d", "volatility_6h"} & unknown(built, 1)


def test_hours_before_the_panel_are_unknown_hours(inputs: tuple[Panel, Panel]) -> None:
    """A recording that begins is as one in which nothing was known before: no column depends on how far back the panel reaches."""
    short, hidden = (tuple(one.tail(200) for one in inputs), tuple(one.tail(200).reaching_back(T) for one in inputs))
    begun, known = build_features(*short, 200), build_features(*hidden, 200)
    for name in FEATURE_NAMES:
        np.testing.assert_array_equal(begun[name], known[name], err_msg=name)
    assert np.isfinite(begun["unchanged_hours"][1:]).any()


@pytest.mark.parametrize("age", [0, 5, 23, 24, 200])
def test_a_pool_younger_than_a_window_has_only_what_its_age_allows(age: int, inputs: tuple[Panel, Panel]) -> None:
    panel, eth = inputs
    young = with_pool(panel, 3, slice(0, T - 1 - age), **dict.fromkeys(panel.values, NAN))
    built = build_features(young, eth, 1)
    shared = {c.name for c in FEATURE_COLUMNS if c.name.startswith((*OUTSIDE, "market_", "eth_"))} | {"early_warning_score"}
    # Known as soon as something happened, or was seen twice.
    sooner = {c.name for c in FEATURE_COLUMNS if c.name.startswith(("hours_since_", "age_", "unchanged_"))}
    too_long = {c.name for c in FEATURE_COLUMNS if c.lookback_hours > age} - shared - sooner
    assert unknown(built, 3) - shared - sooner == too_long
    assert built["age_hours"][0, 3] == age


def test_an_outlier_of_1e9_touches_no_other_pool_beyond_its_ranks(inputs: tuple[Panel, Panel]) -> None:
    panel, eth = inputs
    outlier = with_pool(panel, 4, slice(-30, -29), tvl_usd=1e9 * 1e6, lp_supply=1e12, volume_1h_usd=1e15)
    calm, shaken = build_features(panel, eth, HOURS), build_features(outlier, eth, HOURS)
    others = np.arange(12) != 4
    own = [n for n in FEATURE_NAMES if not n.startswith(("rank_", "market_"))]
    assert [n for n in own if not np.array_equal(calm[n][:, others], shaken[n][:, others])] == []
    assert max(np.abs(calm[n] - shaken[n]).max() for n in FEATURE_NAMES if n.startswith("market_")) < 0.01
    assert max(np.abs(calm[n] - shaken[n])[:, others].max() for n in FEATURE_NAMES if n.startswith("rank_")) <= 1 / 11 + 1e-6


def test_no_input_however_large_makes_an_infinite_feature(inputs: tuple[Panel, Panel]) -> None:
    panel, eth = inputs
    tiny = with_pool(with_pool(panel, 6, slice(-30, -3), tvl_usd=1e-30, lp_supply=1e-30), 6, slice(-3, None), tvl_usd=1e13, lp_supply=1e30)
    built = build_features(tiny, eth, HOURS)
    assert [n for n in FEATURE_NAMES if np.isinf(built[n]).any()] == []


def test_without_outside_prices_what_needs_them_is_unknown(inputs: tuple[Panel, Panel]) -> None:
    panel, eth = inputs
    nothing = np.full(panel.shape, NAN)
    blind = changed(panel, **dict.fromkeys(("reserve0_usd", "reserve1_usd", "price0_usd", "price1_usd"), nothing))
    built = build_features(blind, changed(eth, eth_price_usd=nothing[:, :1]), HOURS)
    assert unknown(built, 0) == {n for n in FEATURE_NAMES if n.startswith(("reserve_imbalance", "eth_", "token_price_"))}


def test_one_known_token_speaks_for_the_pair(inputs: tuple[Panel, Panel]) -> None:
    panel, eth = inputs
    one = build_features(changed(panel, price0_usd=np.full(panel.shape, NAN)), eth, HOURS)
    both = build_features(changed(panel, price0_usd=panel["price1_usd"]), eth, HOURS)
    names = [n for n in FEATURE_NAMES if n.startswith("token_price_")]
    assert len(names) == 3 and unknown(one, 0) == set()
    assert [n for n in names if not np.array_equal(one[n], both[n])] == []


def test_without_the_world_outside_only_its_own_features_are_unknown(inputs: tuple[Panel, Panel]) -> None:
    panel, eth = inputs
    alone = changed(eth, **{name: value * NAN for name, value in eth.values.items() if name != "eth_price_usd"})
    built = build_features(panel, alone, HOURS)
    assert unknown(built, 0) == {n for n in FEATURE_NAMES if n.startswith(OUTSIDE)} and len(unknown(built, 0)) == 11


def test_what_never_happens_has_no_surge(inputs: tuple[Panel, Panel]) -> None:
    panel, eth = inputs
    quiet = changed(eth, aave_liquidations_usd=0 * eth["aave_liquidations_usd"], gas_gwei=0 * eth["gas_gwei"])
    assert unknown(build_features(panel, quiet, HOURS), 0) == {"aave_liquidation_surge_7d", "gas_surge_7d"}


def test_a_source_that_repeats_itself_shows_in_unchanged_hours(inputs: tuple[Panel, Panel]) -> None:
    panel, eth = inputs
    stuck = with_pool(panel, 0, slice(-9, None), tvl_usd=5e5)
    assert build_features(stuck, eth, HOURS)["unchanged_hours"][:, 0].tolist() == [6, 7, 8]


def test_what_changed_behind_a_gap_has_changed(inputs: tuple[Panel, Panel]) -> None:
    panel, eth = inputs
    away = with_pool(with_pool(panel, 0, slice(-9, None), tvl_usd=5e5), 0, slice(-5, -3), tvl_usd=NAN)
    moved = with_pool(away, 0, slice(-3, None), tvl_usd=6e5)
    assert build_features(away, eth, 1)["unchanged_hours"][0, 0] == 8
    assert build_features(moved, eth, 1)["unchanged_hours"][0, 0] == 2


@pytest.mark.parametrize("level", [1e-12, 1.0, 1e18])
def test_calm_inputs_of_any_size_have_small_features_with_their_digits(level: float, inputs: tuple[Panel, Panel]) -> None:
    panel, eth = inputs
    rng = np.random.default_rng(8)
    calm = {name: 1 + 1e-6 * rng.standard_normal(panel.shape) for name in ("tvl_usd", "lp_supply", "price_ratio")}
    calm = {"tvl_usd": 1e10 * calm["tvl_usd"], "lp_supply": level * calm["lp_supply"], "price_ratio": level * calm["price_ratio"]}
    shared = {"stablecoin_supply_usd": 1e11 * (1 + 1e-6 * rng.standard_normal(eth.shape))}
    quiet, world = changed(panel, **calm), changed(eth, **shared)
    built, expected = build_features(quiet, world, HOURS), by_words(quiet, world, 3)
    small = {
        n
        for n in expected
        if n.startswith(("tvl_change_", "tvl_acc", "volatility_", "lp_supply_", "lp_price_", "price_ratio_", "stablecoin_"))
    }
    wrong = {n: (built[n][-1, 3], expected[n]) for n in small if built[n][-1, 3] != pytest.approx(expected[n], rel=1e-3)}
    assert wrong == {} and len(small) == 21 and abs(expected["price_ratio_change_24h"]) < 1e-5


def test_a_price_that_fell_by_nine_digits_fell(inputs: tuple[Panel, Panel]) -> None:
    panel, eth = inputs
    ratio = np.where(np.arange(T) < T - 5, 1e12, 1e3)[:, None] * np.ones(panel.shape)
    assert build_features(changed(panel, price_ratio=ratio), eth, 1)["price_ratio_change_24h"][0, 0] == pytest.approx(np.log(1e9), rel=1e-6)


def test_no_pools_are_no_error(inputs: tuple[Panel, Panel]) -> None:
    panel, eth = inputs
    empty = Panel(panel.window, panel.keys[:0], {n: v[:, :0] for n, v in panel.values.items()})
    assert build_features(empty, eth, HOURS).frame("pool_key").empty
