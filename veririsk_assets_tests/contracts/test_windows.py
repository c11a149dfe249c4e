from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veririsk_assets.contracts.panel import to_panel
from veririsk_assets.contracts.vocabulary import entity_key, level
from veririsk_assets.contracts.windows import HOUR, Window, floor_hour, floor_step, naive, utc

HOURS = st.integers(0, 200_000).map(lambda hour: datetime(2015, 1, 1, tzinfo=UTC) + hour * HOUR)
STEPS = st.sampled_from((1, 24))


def window_of(start: datetime, steps: int, step_hours: int) -> Window:
    begin = floor_step(start, step_hours)
    return Window(begin, begin + steps * step_hours * HOUR, step_hours)


WINDOWS = st.builds(window_of, HOURS, st.integers(1, 400), STEPS)


@given(WINDOWS, st.integers(1, 50))
def test_chunks_cover_the_window_once_and_in_order(window: Window, size: int) -> None:
    chunks = list(window.chunks(size))
    assert (chunks[0].start, chunks[-1].end) == (window.start, window.end)
    assert all(a.end == b.start for a, b in pairwise(chunks))
    assert all(1 <= chunk.steps <= size and chunk.step_hours == window.step_hours for chunk in chunks)


@given(WINDOWS)
def test_as_ofs_are_the_ends_of_its_steps(window: Window) -> None:
    assert [naive(one.as_of) for one in window.each()] == window.as_ofs.astype(object).tolist()
    assert len(window.as_ofs) == window.steps == window.hours // window.step_hours
    assert window.cutoff - window.as_of == window.delay == timedelta(minutes=30 if window.step_hours == 1 else 65)


@given(WINDOWS, st.integers(0, 1000))
def test_a_look_back_keeps_the_end(window: Window, steps: int) -> None:
    back = window.lookback(steps)
    assert (back.end, back.steps, back.step_hours) == (window.end, window.steps + steps, window.step_hours)
    assert Window.ending(window.end, window.steps, window.step_hours) == window


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (datetime(2025, 1, 1), datetime(2025, 1, 2), "aware UTC"),
        (datetime(2025, 1, 1, tzinfo=timezone(timedelta(hours=2))), datetime(2025, 1, 2, tzinfo=UTC), "aware UTC"),
        (datetime(2025, 1, 1, 0, 30, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC), "whole hours"),
        (datetime(2025, 1, 2, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC), "empty window"),
    ],
)
def test_what_is_no_window_is_refused(start: datetime, end: datetime, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Window(start, end)


def test_a_day_begins_at_midnight() -> None:
    with pytest.raises(ValueError, match="whole days"):
        Window.of("2025-01-01T05:00", "2025-01-02T05:00", 24)
    assert floor_step(utc("2025-01-01T23:59"), 24) == utc("2025-01-01")


def test_instants_are_read_as_utc() -> None:
    assert utc("2025-01-01") == utc("2025-01-01T00:00Z") == utc("2025-01-01T02:00+02:00")
    assert floor_hour(utc("2025-01-01T05:59:59")) == utc("2025-01-01T05:00")


def test_levels_meet_at_their_thresholds() -> None:
    assert [level(score) for score in (0, 29.99, 30, 64.99, 65, 100, None, float("nan"))] == [
        "LOW", "LOW", "MEDIUM", "MEDIUM", "HIGH", "HIGH", "UNKNOWN", "UNKNOWN",
    ]  # fmt: skip


@given(st.text(max_size=60))
def test_pool_keys_are_stable_and_fit_an_integer_column(pool_id: str) -> None:
    assert entity_key(pool_id) == entity_key(pool_id)
    assert 0 <= entity_key(pool_id) < 2**48


def test_keys_do_not_depend_on_the_machine() -> None:
    assert entity_key("defillama:747c1d2a-c668-4682-b9f9-296708a3dd90") == 175465511994638


@given(WINDOWS, st.integers(1, 5), st.randoms(use_true_random=False))
def test_a_panel_and_its_long_rows_say_the_same(window: Window, pools: int, random) -> None:  # type: ignore[no-untyped-def]
    import pandas as pd

    cells = [(hour, pool) for hour in range(min(window.steps, 30)) for pool in range(pools) if random.random() < 0.5]
    frame = pd.DataFrame({"as_of": [window.as_ofs[h] for h, _ in cells], "pool_key": [10 * p for _, p in cells], "x": range(len(cells))})
    frame = frame.astype({"as_of": "datetime64[us]", "pool_key": "int64"})
    panel = to_panel(frame, "pool_key", ["x"], window)
    assert np.isfinite(panel["x"]).sum() == len(cells)
    back = panel.frame("pool_key", np.isfinite(panel["x"]))
    assert back["x"].tolist() == list(range(len(cells)))
    assert back["pool_key"].tolist() == frame["pool_key"].tolist()
