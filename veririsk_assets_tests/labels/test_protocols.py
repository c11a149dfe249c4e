import numpy as np

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.windows import DAY_HOURS, Window, utc
from veririsk_assets.labels.protocols import build_labels

DAYS, HORIZON = 6, 3


def labels(tvl: np.ndarray) -> Panel:
    panel = Panel(Window.ending(utc("2025-01-01"), len(tvl), DAY_HOURS), np.arange(tvl.shape[1]), {"tvl_usd": tvl})
    return build_labels(panel, HORIZON, DAYS)


def calm(keys: int = 5) -> np.ndarray:
    return np.full((DAYS + HORIZON, keys), 100.0)


def test_any_day_of_the_horizon_counts_and_neither_the_day_itself_nor_a_later_one() -> None:
    tvl = calm()
    tvl[4, 0] = 80.0
    tvl[4, 1] = 50.0
    tvl[4, 2] = 80.1
    found = labels(tvl)
    assert found["crash"][:, 0].tolist() == [0, 1, 1, 1, 0, 0]
    assert found["halving"][:, 1].tolist() == [0, 1, 1, 1, 0, 0]
    assert found["crash"][:, 2].sum() == 0 and found["halving"][:, 0].sum() == 0
    assert found["min_change_ratio"][1, 0] == np.float32(-0.2)


def test_a_market_that_falls_together_is_no_fall_against_it() -> None:
    tvl = calm()
    tvl[4:] *= 0.6
    tvl[4:, 0] *= 0.7
    tvl[4:, 1] /= 0.6
    found = labels(tvl)
    assert found["crash"][3].tolist() == [1, 0, 1, 1, 1]
    assert found["crash_against_market"][3].tolist() == [1, 0, 0, 0, 0]


def test_what_is_not_known_is_no_calm_and_a_fall_that_is_seen_is_one() -> None:
    tvl = calm()
    tvl[1:4, 0] = np.nan
    tvl[1:3, 1], tvl[3, 1] = np.nan, 10.0
    tvl[2, 2] = 0.0
    found = labels(tvl)
    assert np.isnan(found["crash"][0, 0]) and np.isnan(found["crash"][1, 0])
    assert found["crash"][0, 1] == 1
    assert found["halving"][1, 2] == 1 and np.isnan(found["crash"][2, 2])
