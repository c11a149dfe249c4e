"""Whether a source said as much as it usually does. Half of a list is no news about the other half."""

import numpy as np
import pandas as pd

from veririsk_assets.contracts.windows import Window

# What a source named in a few of so many hours is usual: one that stays short for nearly all of them has a new list.
USUAL_HOURS = 72
# Not the largest: an hour in which it named everything twice must not make a fault of the others.
USUAL_RANK = 3
# Below this share of what is usual the source is at fault, not the pools. Real lists lose a few per cent in a week.
PARTIAL_SHARE = 0.7
# Of fewer pools a single one is a large share.
FEWEST_POOLS = 5


def shortfalls(counts: pd.DataFrame, window: Window) -> dict[str, np.ndarray]:
    """Per source and hour of the window what is short of usual, in words; "" where nothing is.

    `counts`: rows `source, as_of, named_count, valued_count`, the pools that a source named and gave a TVL above 0 for
    between two cut-offs, from USUAL_HOURS before the window. Hours in which a source said nothing have no row and no words.
    """
    grid = window.lookback(USUAL_HOURS)
    index = pd.DatetimeIndex(grid.as_ofs)
    found = {}
    for source, rows in counts.groupby("source"):
        by_hour = rows.set_index("as_of").reindex(index)
        named, valued = (by_hour[name].to_numpy(dtype=np.float64) for name in ("named_count", "valued_count"))
        found[str(source)] = np.array(
            [_words(str(source), named[: row + 1], valued[: row + 1]) for row in range(USUAL_HOURS, grid.hours)], dtype=object
        )
    return found


def _words(source: str, named: np.ndarray, valued: np.ndarray) -> str:
    for counts, verb in ((named, "names"), (valued, "gives a TVL for")):
        known = counts[-USUAL_HOURS - 1 : -1]
        known = np.sort(known[np.isfinite(known)])
        usual = known[max(-USUAL_RANK, -len(known))] if len(known) else 0.0
        if usual >= FEWEST_POOLS and counts[-1] < PARTIAL_SHARE * usual:
            return f"{source} {verb} {counts[-1]:.0f} of its usual {usual:.0f} pools"
    return ""
