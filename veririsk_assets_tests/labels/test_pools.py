"""What a label says, hour by hour, in hand-made panels of one pool."""

import numpy as np
import pytest

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.windows import HOUR, Window
from veririsk_assets.labels.pools import DAY, build_labels
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


def test_a_pool_that_vanishes_from_its_source_has_crashed() -> None:
    assert labels([100, 100, NAN], gone=3)["crash"] == 1
    assert labels([NAN], gone=1)["crash"] == 1


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
    panel, _ = market(DAY + 40 + horizon, pools=5)
    rng = np.random.default_rng(3)
    tvl = np.where(rng.random(panel.shape) < 0.1, np.nan, panel["tvl_usd"] * rng.choice([1.0, 0.7], panel.shape, p=[0.97, 0.03]))
    inputs = {"tvl_usd": tvl.astype(np.float32), "lp_supply": panel["lp_supply"], "is_tombstone": rng.random(panel.shape) < 0.01}
    panel = Panel(panel.window, panel.keys, inputs)
    whole = build_labels(panel, horizon, 40)
    assert 0 < np.nanmean(whole["crash"]) < 1
    for hour in range(40):
        rows = slice(hour, hour + DAY + 1 + horizon)
        window = Window(panel.window.start + hour * HOUR, panel.window.start + (hour + DAY + 1 + horizon) * HOUR)
        one = build_labels(Panel(window, panel.keys, {n: v[rows] for n, v in inputs.items()}), horizon, 1)
        assert one.as_ofs[0] == whole.as_ofs[hour]
        assert all(np.array_equal(one[n][0], whole[n][hour], equal_nan=True) for n in whole.values)
