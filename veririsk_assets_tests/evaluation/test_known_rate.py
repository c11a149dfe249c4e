"""The base rate known then: of matured rows only, of the last 30 days, and never of the future."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from veririsk_assets.evaluation.known_rate import DAY, TRAILING_HOURS, known_rate


def plainly(hour, label, horizon):
    found = []
    for day in hour // DAY * DAY:
        known = hour + horizon <= day
        late = known & (hour + horizon > day - TRAILING_HOURS)
        found.append(label[late].mean() if late.any() else label[known].mean() if known.any() else np.nan)
    return np.array(found)


@given(st.lists(st.tuples(st.integers(0, 3000), st.booleans()), min_size=1, max_size=60), st.sampled_from([6, 24]))
@settings(max_examples=80, deadline=None)
def test_it_is_what_a_plain_loop_counts(rows, horizon):
    hour, label = (np.array(column) for column in zip(*rows, strict=True))
    np.testing.assert_allclose(known_rate(hour, label, horizon), plainly(hour, label, horizon))


def test_labels_that_mature_later_change_nothing_before():
    rng = np.random.default_rng(0)
    hour, label = np.arange(2000), rng.random(2000) < 0.1
    other = np.where(hour >= 1200, ~label, label)
    upto = hour < 1200 + 24
    np.testing.assert_array_equal(known_rate(hour, label, 24)[upto], known_rate(hour, other, 24)[upto])
    assert (known_rate(hour, label, 24)[1300:] != known_rate(hour, other, 24)[1300:]).any()
