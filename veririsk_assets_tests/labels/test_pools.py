"""What a label says, hour by hour, in hand-made panels of one pool."""

import numpy as np
import pytest

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.windows import HOUR, Window
from veririsk_assets.labels.pools import BEYOND_HOURS, DAY, build_labels
from veririsk_assets_tests.features.walks import END, market

H = 6
NAN = float("nan")


def labels(after: list[float], before: list[float] | None = None, lp: list[float] | None = None, gone: int = -1) -> dict[str, float]:
    """Labels of one hour: TVL 100 for a day (or `before`, that ends with the base), then `after`, padded with its last value."""
    past = before or [100.0]
    past = past[:1] * (DAY + 1 - len(past)) + past
    future = after + after[-1:] * (H - len(after))
    tvl = np.float32([past + future]).T
    supply = np.float32([[lp[0]] * (DAY + 1) + lp[1:] + lp[-1:] * (H + 1 - len(lp))]).T if lp else np.full_like(tvl, NAN)
    tombstone = np.zeros_like(tvl)
    if gone >= 0:
        tombstone[DAY + gone :] = 1
    panel = Panel(Window.ending(END, len(tvl)), np.array([1]), {"tvl_usd": tvl, "lp_supply": supply, "is_tombstone": tombstone})
    built = build_labels(panel, H, 1)
    assert built.window == Window.ending(panel.window.end - H * HOUR, 1)
    return {name: float(value[0, 0]) for name, value in built.values.items()}


def test_a_fall_that_recovers_is_a_crash_but_not_at_the_end_point() -> None:
    found = labels([100, 79, 100])
    assert (found["crash"], found["crash_endpoint"]) == (1, 0)
    assert found["min_change_ratio"] == pytest.approx(-0.21, abs=1e-6)


@pytest.mark.parametrize(("lowest", "crash"), [(80.5, 0), (80.0, 1), (0.0, 1)])
def test_20_percent_below_the_base_is_a_crash(lowest: float, crash: int) -> None:
    assert labels([100, 100, lowest])["crash"] == crash


def test_a_fall_at_the_last_hour_is_one_at_the_end_point() -> None:
    assert labels([100, 81, 100, 100, 100, 79])["crash_endpoint"] == 1


def test_a_fall_in_the_hour_itself_or_after_the_horizon_is_not_its_label() -> None:
    assert labels([50], before=[100, 100, 50])["crash"] == 0
    tvl = np.float32([[100.0] * (DAY + 1 + H) + [50.0]]).T
    blank = np.zeros_like(tvl)
    panel = Panel(Window.ending(END, len(tvl)), np.array([1]), {"tvl_usd": tvl, "lp_supply": blank + NAN, "is_tombstone": blank})
    assert build_labels(panel, H, 2)["crash"][:, 0].tolist() == [0, 1]


@pytest.mark.parametrize("base", [NAN, 0.0, -5.0])
def test_without_a_base_there_is_no_label(base: float) -> None:
    found = labels([50], before=[100, base])
    assert all(np.isnan(found[name]) for name in ("crash", "crash_endpoint", "min_change_ratio"))
    assert found["is_at_risk"] == 0


def test_a_fall_that_is_seen_counts_whatever_is_missing() -> None:
    assert labels([NAN, NAN, NAN, NAN, 70, NAN])["crash"] == 1


def test_calm_needs_half_of_the_horizon() -> None:
    assert labels([100, NAN, 100, NAN, 100, NAN])["crash"] == 0
    assert np.isnan(labels([100, NAN, 100, NAN, NAN, NAN])["crash"])
    assert np.isnan(labels([100, NAN, 100, 100, 100, NAN])["crash_endpoint"])


def test_a_pool_that_falls_and_vanishes_from_its_source_has_crashed() -> None:
    assert labels([100, 89, NAN], gone=3)["crash"] == 1
    assert labels([NAN], before=[100, 89], gone=1)["crash"] == 1


def test_a_pool_that_is_taken_out_without_a_fall_before_it_is_gone_and_has_not_crashed() -> None:
    assert labels([100, 100, 99, 100, NAN], gone=5)["crash"] == 0
    assert np.isnan(labels([100, NAN], gone=2)["crash"])
    assert np.isnan(labels([NAN], gone=1)["crash"])


@pytest.mark.parametrize(("held", "crash"), [(1000.0, NAN), (951.0, NAN), (949.0, 1), (0.0, 1)])
def test_a_pool_that_vanishes_with_its_protocol_s_money_has_crashed(held: float, crash: float) -> None:
    rows = DAY + 1 + H
    tvl = np.float32([[100.0] * (DAY + 1) + [NAN] * H]).T
    gone = np.float32([[0.0] * (DAY + 2) + [1.0] * (H - 1)]).T
    protocol = np.float32([[1000.0] * (DAY + 1) + [held] * H]).T
    inputs = {"tvl_usd": tvl, "lp_supply": np.full_like(tvl, NAN), "is_tombstone": gone, "protocol_held_usd": protocol}
    found = build_labels(Panel(Window.ending(END, rows), np.array([1]), inputs), H, 1)["crash"][0, 0]
    assert found == crash or (np.isnan(found) and np.isnan(crash))


def doubted(after: list[float], suspect: list[int], taken_back: dict[int, int] | None = None, horizon: int = H) -> Panel:
    """Labels of every hour for which `after` (hours after the base) is long enough: 100 before; which hours are suspect, and which take back how many."""
    tvl = np.float32([[100.0] * (DAY + 1) + after]).T
    flags, back = np.zeros_like(tvl), np.zeros_like(tvl)
    flags[[DAY + hour for hour in suspect]] = 1
    for hour, count in (taken_back or {}).items():
        back[DAY + hour] = count
    inputs = {
        "tvl_usd": tvl,
        "lp_supply": np.full_like(tvl, NAN),
        "is_tombstone": np.zeros_like(tvl),
        "is_suspect": flags,
        "taken_back_hours": back,
    }
    beyond = min(len(after) - horizon, BEYOND_HOURS)
    return build_labels(Panel(Window.ending(END, len(tvl)), np.array([1]), inputs), horizon, len(after) - horizon - beyond + 1, beyond)


def test_a_jump_that_is_taken_back_did_not_happen() -> None:
    found = doubted([100.0, 10.0, 10.0, *[100.0] * 9], suspect=[2, 3], taken_back={4: 2})
    assert found["crash"][:, 0].tolist() == [0]
    assert found["min_change_ratio"][0, 0] == 0 and found["waited_hours"][0, 0] == 0


def test_while_a_jump_may_be_taken_back_there_is_no_label_and_then_there_is_one() -> None:
    waiting = doubted([100.0, 100.0, 100.0, 10.0, 10.0, 10.0], suspect=[4, 5, 6])
    assert np.isnan(waiting["crash"][0, 0]) and np.isnan(waiting["crash_endpoint"][0, 0])
    settled = doubted([100.0] * 3 + [10.0] * 9, suspect=list(range(4, 10)))
    assert settled["crash"][0, 0] == 1
    assert settled["waited_hours"][0, 0] == 4  # the tenth hour settled it; the horizon was six


def test_a_fall_that_others_support_is_a_label_at_once_whatever_else_is_suspect() -> None:
    found = doubted([100.0, 70.0, 70.0, 300.0, 300.0, 300.0], suspect=[4, 5, 6])
    assert found["crash"][0, 0] == 1


def test_a_base_that_was_taken_back_has_no_label_and_a_high_that_was_is_none() -> None:
    found = doubted([900.0, 900.0, *[100.0] * (H + BEYOND_HOURS + 1)], suspect=[1, 2], taken_back={3: 2})
    assert found["crash"][:, 0].tolist()[0] == 0 and np.isnan(found["crash"][1:3, 0]).all() and found["crash"][3, 0] == 0
    assert found["is_at_risk"][:, 0].tolist() == [1, 1, 1, 1]


def test_a_pool_that_was_gone_before_does_not_crash_again() -> None:
    assert labels([100], gone=0)["crash"] == 0
    assert np.isnan(labels([NAN], before=[100, NAN], gone=2)["crash"])


def test_liquidity_that_leaves_is_an_outflow_and_no_price_fall() -> None:
    found = labels([70], lp=[10, 7])
    assert (found["crash"], found["outflow"], found["price_fall"]) == (1, 1, 0)


def test_a_price_that_falls_is_no_outflow() -> None:
    found = labels([70], lp=[10, 10])
    assert (found["crash"], found["outflow"], found["price_fall"]) == (1, 0, 1)


def test_burning_every_lp_token_is_an_outflow() -> None:
    assert labels([0], lp=[10, 0])["outflow"] == 1


def test_without_lp_supply_its_labels_are_unknown() -> None:
    found = labels([70])
    assert np.isnan(found["outflow"]) and np.isnan(found["price_fall"])


@pytest.mark.parametrize(("base", "at_risk"), [(91.0, 1), (89.0, 0), (110.0, 1)])
def test_a_pool_already_10_percent_below_its_24_hour_high_is_not_at_risk(base: float, at_risk: int) -> None:
    assert labels([100], before=[100, base])["is_at_risk"] == at_risk


def test_a_high_older_than_24_hours_is_forgotten() -> None:
    tvl = np.float32([[200.0, *[100.0] * (DAY + 1 + H)]]).T
    blank = np.zeros_like(tvl)
    panel = Panel(Window.ending(END, len(tvl)), np.array([1]), {"tvl_usd": tvl, "lp_supply": blank, "is_tombstone": blank})
    assert build_labels(panel, H, 2)["is_at_risk"][:, 0].tolist() == [0, 1]


@pytest.mark.parametrize("horizon", [6, 24])
def test_hour_by_hour_equals_one_backfill(horizon: int) -> None:
    panel, _ = market(DAY + 40 + horizon + BEYOND_HOURS, pools=5)
    rng = np.random.default_rng(3)
    tvl = np.where(rng.random(panel.shape) < 0.1, np.nan, panel["tvl_usd"] * rng.choice([1.0, 0.7], panel.shape, p=[0.97, 0.03]))
    suspect = (rng.random(panel.shape) < 0.05) & ~np.isnan(tvl)
    taken_back = np.where(rng.random(panel.shape) < 0.03, rng.integers(1, 7, panel.shape), 0)
    inputs = {"tvl_usd": tvl.astype(np.float32), "lp_supply": panel["lp_supply"], "is_tombstone": rng.random(panel.shape) < 0.01}
    panel = Panel(panel.window, panel.keys, inputs | {"is_suspect": suspect, "taken_back_hours": taken_back})
    inputs = panel.values
    whole = build_labels(panel, horizon, 40, BEYOND_HOURS)
    assert 0 < np.nanmean(whole["crash"]) < 1
    for hour in range(40):
        stop = hour + DAY + 1 + horizon + BEYOND_HOURS
        window = Window(panel.window.start + hour * HOUR, panel.window.start + stop * HOUR)
        one = build_labels(Panel(window, panel.keys, {n: v[hour:stop] for n, v in inputs.items()}), horizon, 1, BEYOND_HOURS)
        assert one.as_ofs[0] == whole.as_ofs[hour]
        assert all(np.array_equal(one[n][0], whole[n][hour], equal_nan=True) for n in whole.values)
