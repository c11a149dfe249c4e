"""What a source took back: counted until then, by nobody from then on."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.windows import Window
from veririsk_assets.panels.retractions import as_known, without_retracted

NAN = np.nan


def column(*values: float) -> np.ndarray:
    return np.float32(values)[:, None]


def test_the_hours_before_are_taken_back_and_no_more() -> None:
    x, back = column(1, 2, 3, 4, 5), column(0, 0, 0, 2, 0)
    np.testing.assert_array_equal(without_retracted(x, back), column(1, NAN, NAN, 4, 5))
    np.testing.assert_array_equal(without_retracted(x, back, until=3), x)
    np.testing.assert_array_equal(without_retracted(x, column(0, 9, 0, 0, 0)), column(NAN, 2, 3, 4, 5))


def test_without_anything_taken_back_nothing_is_copied() -> None:
    x = column(1, 2)
    assert without_retracted(x, None) is x
    assert without_retracted(x, column(0, NAN)) is x


def mean_of_three(panel: Panel, hours: int) -> Panel:
    x = panel["tvl_usd"]
    padded = np.vstack([np.full((2, x.shape[1]), NAN, dtype=x.dtype), x])
    mean = np.stack([np.nan_to_num(padded[i : i + len(x)], nan=-1.0) for i in range(3)]).mean(axis=0)
    return Panel(Window.ending(panel.window.end, hours), panel.keys, {"mean": mean[-hours:]})


@given(st.integers(1, 8), st.lists(st.tuples(st.integers(0, 11), st.integers(0, 1), st.integers(1, 5)), max_size=5))
@settings(max_examples=60, deadline=None)
def test_hour_by_hour_equals_one_backfill(hours: int, events: list[tuple[int, int, int]]) -> None:
    rng = np.random.default_rng(hours)
    back = np.zeros((12, 2), dtype=np.float32)
    for row, pool, count in events:
        back[row, pool] = count
    panel = Panel(
        Window.ending("2026-01-01", 12), np.array([1, 2]), {"tvl_usd": rng.random((12, 2), dtype=np.float32), "taken_back_hours": back}
    )
    whole = as_known(panel, hours, 2, ("tvl_usd",), mean_of_three)
    assert whole.window == Window.ending("2026-01-01", hours)
    for later in range(hours):
        stop = 12 - later
        window = Window.ending(panel.as_ofs[stop - 1].item(), stop)
        then = Panel(window, panel.keys, {name: values[:stop] for name, values in panel.values.items()})
        np.testing.assert_array_equal(as_known(then, 1, 2, ("tvl_usd",), mean_of_three)["mean"][0], whole["mean"][hours - 1 - later])
