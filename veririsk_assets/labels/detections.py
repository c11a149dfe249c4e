"""Was it a fall? What became, within six hours, of a drop that had begun. For rows with a drop of 10 % or more under way.

With H the 24-hour high known at as_of, the drop **is or becomes a fall** where TVL stands at or below 0.8 H at as_of or at any of the
six hours after it, *and* the last known TVL of those six hours is at or below 0.9 H. The second half throws out what is
taken back at once: a source that says a wrong number for an hour, or a dip that was none. So a row that is 20 % down already is no
fall if it is undone within six hours, and one at 10 to 20 % is none if it stops short, or reaches 20 % and is undone. Two things
follow: a true crash that is wholly made good within six hours counts as none, and a wrong number that stays for more than six
hours as a fall. Half of the six hours must be known, unless the pool vanishes from its source: then it is a fall.
"""

import numpy as np

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.vocabulary import AT_RISK_DROP_RATIO, CRASH_DROP_RATIO, DETECTION_HORIZON_HOURS

KNOWN_RATIO = 0.5
INPUTS = ("tvl_usd", "is_tombstone")


def fall_labels(panel: Panel, high_tvl_usd: np.ndarray) -> np.ndarray:
    """1 where the drop is or becomes a fall, 0 where not, NaN where it cannot be said; float32, hours × pools.

    `panel`: INPUTS of the hours themselves and the six after them; `high_tvl_usd`: of the hours, as known then.
    """
    hours, horizon = len(high_tvl_usd), DETECTION_HORIZON_HOURS
    tvl = np.where(panel["tvl_usd"] >= 0, panel["tvl_usd"], np.nan).astype(np.float32)
    gone = panel["is_tombstone"] > 0
    lowest, last, known = tvl[:hours].copy(), np.full(high_tvl_usd.shape, np.nan, dtype=np.float32), np.zeros(high_tvl_usd.shape)
    vanished = np.zeros(high_tvl_usd.shape, dtype=bool)
    for ahead in range(1, horizon + 1):
        later = tvl[ahead : hours + ahead]
        np.fmin(lowest, later, out=lowest)
        last = np.where(np.isnan(later), last, later)
        known += ~np.isnan(later)
        vanished |= gone[ahead : hours + ahead] & ~gone[:hours]
    with np.errstate(invalid="ignore"):
        fell = (lowest <= (1.0 - CRASH_DROP_RATIO) * high_tvl_usd) & (last <= (1.0 - AT_RISK_DROP_RATIO) * high_tvl_usd)
    sure = vanished | ((known >= KNOWN_RATIO * horizon) & (high_tvl_usd > 0))
    return np.where(sure & ~np.isnan(tvl[:hours]), fell | vanished, np.nan).astype(np.float32)
