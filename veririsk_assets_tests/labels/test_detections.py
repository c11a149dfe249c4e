"""What became of a drop that had begun."""

import numpy as np
import pytest

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.windows import Window
from veririsk_assets.labels.detections import fall_labels

NAN = float("nan")


def label(now: float, *later: float, gone_from: int | None = None) -> float:
    """Of one pool whose high was 100, with six hours after it."""
    tvl = np.array([now, *later, *[later[-1]] * (6 - len(later))], dtype=np.float32)[:, None]
    gone = np.zeros_like(tvl)
    if gone_from is not None:
        tvl[gone_from:], gone[gone_from:] = np.nan, 1.0
    panel = Panel(Window.ending("2025-06-01", 7), np.array([1]), {"tvl_usd": tvl, "is_tombstone": gone})
    return float(fall_labels(panel, np.array([[100.0]], dtype=np.float32))[0, 0])


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ((88.0, 85.0), 0.0),  # stops short
        ((88.0, 85.0, 79.0), 1.0),  # goes on
        ((88.0, 79.0, 85.0), 1.0),  # reached 20 % and is still 10 % down
        ((88.0, 79.0, 99.0), 0.0),  # reached it and is undone
        ((75.0, 75.0), 1.0),  # is one already
        ((75.0, 85.0), 1.0),  # recovers in part
        ((20.0, 20.0, 100.0), 0.0),  # a wrong number that is taken back
        ((20.0, 20.0, 20.0, 20.0, 20.0, 20.0, 20.0), 1.0),
        ((88.0, 0.0), 1.0),  # everything is gone
        ((75.0, NAN), NAN),  # nothing is known of what came after
        ((75.0, 75.0, 75.0, 75.0, NAN), 1.0),  # half of it is
        ((NAN, 75.0), NAN),
    ],
)
def test_a_drop_is_a_fall_if_it_reaches_20_percent_and_is_not_taken_back(hours: tuple[float, ...], expected: float) -> None:
    assert label(*hours) == pytest.approx(expected, nan_ok=True)


def test_a_pool_that_vanishes_while_it_falls_has_fallen() -> None:
    assert label(88.0, 88.0, gone_from=2) == 1.0


def test_only_six_hours_count() -> None:
    tvl = np.array([88.0, *[88.0] * 6, 10.0], dtype=np.float32)[:, None]
    panel = Panel(Window.ending("2025-06-01", 8), np.array([1]), {"tvl_usd": tvl, "is_tombstone": np.zeros_like(tvl)})
    np.testing.assert_array_equal(fall_labels(panel, np.full((2, 1), 100.0, dtype=np.float32))[:, 0], [0.0, 1.0])
