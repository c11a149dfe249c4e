"""No pool holds more than its protocol."""

from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts.windows import Window
from veririsk_assets.snapshots.claims import claims_too_much, held_by_protocol
from veririsk_assets_tests.snapshots.test_surroundings import said

DAYS = Window.ending("2025-03-10", 30)


def protocols(*rows: tuple[str, float, float | None, float | None]) -> pd.DataFrame:
    return pd.DataFrame([said(hours, slug=slug, tvl_usd=tvl, held_usd=held) for slug, hours, tvl, held in rows])


def held(rows: pd.DataFrame | None, *slugs: str) -> Any:
    return held_by_protocol(rows, pd.Series(slugs), DAYS)


def test_a_protocol_is_what_it_holds_and_the_most_of_a_day() -> None:
    now, most = held(
        protocols(("curve-dex", 29, 50.0, 80.0), ("curve-dex", 10, 100.0, None), ("curve-dex", 0, 1.0, 2.0)), "curve-dex", "other"
    )
    assert (now[0, 0], now[-1, 0], most[-1, 0]) == (80.0, 2.0, 100.0)
    assert np.isnan(now[7, 0]) and most[7, 0] == 80.0  # six hours on the first is too old to be now, not to have been
    assert np.isnan(now[:, 1]).all() and np.isnan(most[:, 1]).all()


def test_a_protocol_that_holds_nothing_or_is_not_known_says_nothing() -> None:
    assert np.isnan(held(protocols(("x", 0, 0.0, 0.0)), "x")[1]).all()
    assert np.isnan(held(None, "x")[1]).all()


def test_names_of_other_sources_are_read_as_slugs() -> None:
    assert held(protocols(("uniswap-v3", 0, 5.0, 5.0)), "uniswap_v3")[0][-1, 0] == 5.0


def test_a_claim_is_too_much_where_the_whole_protocol_has_less() -> None:
    assert claims_too_much(np.array([31.4e9, 1.2, 1.3, np.nan, 5.0]), np.array([1.3e8, 1.0, 1.0, 1.0, np.nan])).tolist() == [
        True,
        False,
        True,
        False,
        False,
    ]
