import numpy as np
import pytest

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.windows import HOUR, Window, utc
from veririsk_assets.labels.pools import build_labels

START = utc("2025-01-01")


def labels(tvl: list[float], hours: int, horizon: int = 6, supply: list[float] | None = None, gone: list[int] = ()) -> Panel:  # type: ignore[assignment]
    """`tvl` covers the hours and the horizon after them; 24 calm hours at its first value come before."""
    full = [tvl[0]] * 24 + tvl
    lp = [1.0] * len(full) if supply is None else [supply[0]] * 24 + supply
    tombstone = np.zeros(len(full))
    tombstone[[24 + hour for hour in gone]] = 1
    columns = {"tvl_usd": full, "lp_supply": lp, "is_tombstone": tombstone}
    panel = Panel(
        Window(START, START + len(full) * HOUR), np.array([1]), {k: np.array(v, dtype=np.float32)[:, None] for k, v in columns.items()}
    )
    return build_labels(panel, horizon, hours)


def test_a_fall_at_any_hour_of_the_horizon_is_a_crash_and_the_endpoint_only_at_its_end() -> None:
    built = labels([100, 100, 79, 100, 100, 100, 100], hours=1)
    assert built["crash"][0, 0] == 1
    assert built["crash_endpoint"][0, 0] == 0
    assert built["min_change_ratio"][0, 0] == pytest.approx(-0.21)
    assert labels([100, 100, 81, 100, 100, 100, 79], hours=1)["crash_endpoint"][0, 0] == 1


def test_the_base_is_the_hour_itself() -> None:
    built = labels([100, 79, 79, 79, 79, 79, 79, 79], hours=2)
    assert built["crash"][:, 0].tolist() == [1, 0]
    assert built["is_at_risk"][:, 0].tolist() == [1, 0]
    assert built.window == Window(START + 24 * HOUR, START + 26 * HOUR)


def test_outflow_is_capital_and_price_fall_is_price() -> None:
    price_only = labels([100] + [70] * 6, hours=1, supply=[10.0] * 7)
    capital_only = labels([100] + [70] * 6, hours=1, supply=[10.0] + [7.0] * 6)
    assert (price_only["outflow"][0, 0], price_only["price_fall"][0, 0]) == (0, 1)
    assert (capital_only["outflow"][0, 0], capital_only["price_fall"][0, 0]) == (1, 0)


def test_without_lp_supply_nobody_knows_why() -> None:
    built = labels([100] + [70] * 6, hours=1, supply=[np.nan] * 7)
    assert built["crash"][0, 0] == 1
    assert np.isnan(built["outflow"][0, 0])
    assert np.isnan(built["price_fall"][0, 0])


def test_a_gap_proves_nothing_but_a_fall_that_was_seen_counts() -> None:
    nan = np.nan
    assert np.isnan(labels([100, nan, nan, nan, nan, 100, 100], hours=1)["crash"][0, 0])
    assert labels([100, nan, nan, nan, 100, 100, 100], hours=1)["crash"][0, 0] == 0
    assert labels([100, nan, nan, nan, nan, nan, 50], hours=1)["crash"][0, 0] == 1
    assert np.isnan(labels([nan, 100, 100, 100, 100, 100, 100], hours=1)["crash"][0, 0])


def test_zero_after_something_is_a_crash_and_zero_is_no_base() -> None:
    assert labels([100, 100, 0, 0, 0, 0, 0], hours=1)["crash"][0, 0] == 1
    assert np.isnan(labels([0, 100, 100, 100, 100, 100, 100], hours=1)["crash"][0, 0])


def test_a_pool_that_vanishes_has_crashed() -> None:
    nan = np.nan
    built = labels([100, 100, nan, nan, nan, nan, nan, nan], hours=2, gone=[5, 6, 7])
    assert built["crash"][:, 0].tolist() == [1, 1]
