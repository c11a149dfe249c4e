"""The stretch of time that a recording is of: a few rows far from all others are none of it, and what is torn apart by years is refused."""

import numpy as np

FAR = np.timedelta64(90, "D")
# So many rows are a slip of whoever wrote them; more may be a recorder that came back.
FEW_SHARE, FEW_ROWS = 0.01, 3
TORN = np.timedelta64(365, "D")
LONGEST = np.timedelta64(20 * 365, "D")


def far_from_the_rest(at: np.ndarray) -> np.ndarray:
    """Which of these times lie apart from most of them, where those are few."""
    order = np.argsort(at, kind="stable")
    stretch = np.empty(len(at), dtype=np.int64)
    stretch[order] = np.cumsum(np.r_[False, np.diff(at[order]) > FAR])
    sizes = np.bincount(stretch)
    apart = stretch != np.argmax(sizes)
    few = max(FEW_ROWS, int(FEW_SHARE * len(at)))
    is_few = apart.sum() <= few and FEW_ROWS * apart.sum() <= sizes.max()
    return apart if is_few else np.zeros(len(at), dtype=bool)


def fault_of(at: np.ndarray) -> str:
    """Why these times are of no one recording; empty where they can be."""
    known = np.unique(at)
    gaps = np.diff(known)
    if len(gaps) and gaps.max() > TORN:
        longest = int(np.argmax(gaps))
        return f"nothing was recorded from {_day(known[longest])} to {_day(known[longest + 1])}: leave out what is on one side"
    if known[-1] - known[0] > LONGEST:
        return f"it runs from {_day(known[0])} to {_day(known[-1])}: more than {LONGEST // TORN} years are no one recording"
    return ""


def _day(moment: np.datetime64) -> str:
    return str(moment.astype("datetime64[D]"))
