"""Half of a list is a fault of its source, and says so."""

import numpy as np
import pandas as pd
import pytest

from veririsk_assets.contracts.windows import Window
from veririsk_assets.snapshots.completeness import FEWEST_POOLS, USUAL_HOURS, shortfalls

HOURS = Window.ending("2026-03-10", 3)


def said(named: list[int | None], valued: list[int | None] | None = None) -> list[str]:
    """What is short in the last three hours: counts end with the window, None is an hour without an answer."""
    valued = named if valued is None else valued
    stamps = Window.ending(HOURS.end, len(named)).as_ofs
    rows = [("defillama", at, n, v) for at, n, v in zip(stamps, named, valued, strict=True) if n is not None]
    return shortfalls(pd.DataFrame(rows, columns=["source", "as_of", "named_count", "valued_count"]), HOURS)["defillama"].tolist()


def test_a_source_that_names_half_of_its_pools_is_at_fault() -> None:
    assert said([30] * 24 + [29, 15, 30]) == ["", "defillama names 15 of its usual 30 pools", ""]


def test_a_source_that_gives_no_values_for_half_of_them_is_at_fault() -> None:
    assert said([30] * 27, [30] * 24 + [30, 14, 30]) == ["", "defillama gives a TVL for 14 of its usual 30 pools", ""]


@pytest.mark.parametrize("named", [22, 25, 30, 60])
def test_a_few_less_or_more_are_none(named: int) -> None:
    assert said([30] * 24 + [30, named, named]) == ["", "", ""]


def test_an_hour_in_which_it_named_twice_as_many_makes_no_fault_of_the_others() -> None:
    assert said([30] * 24 + [60, 30, 30]) == ["", "", ""]


def test_silence_is_no_shortfall_and_a_first_answer_is_usual() -> None:
    assert said([30] * 5 + [None, None, 30]) == ["", "", ""]
    assert said([15]) == ["", "", ""]


def test_a_list_that_stays_short_is_the_new_list() -> None:
    assert said([30] * 10 + [15] * 60)[2] != ""
    assert said([30] * 10 + [15] * USUAL_HOURS)[2] == ""


def test_of_a_handful_of_pools_one_is_no_share() -> None:
    assert said([FEWEST_POOLS - 1] * 10 + [1, 1, 1]) == ["", "", ""]


def test_hour_by_hour_equals_at_once() -> None:
    rng = np.random.default_rng(0)
    stamps = Window.ending(HOURS.end, 120).as_ofs
    counts = pd.DataFrame(
        {"source": "x", "as_of": stamps, "named_count": rng.integers(5, 40, 120), "valued_count": rng.integers(5, 40, 120)}
    )
    counts = counts[rng.random(120) < 0.8]
    whole = shortfalls(counts, Window.ending(HOURS.end, 40))["x"].tolist()
    singly = [shortfalls(counts[counts["as_of"] <= hour.as_ofs[-1]], hour)["x"][0] for hour in Window.ending(HOURS.end, 40).each()]
    assert whole == singly and len(set(whole)) > 5
