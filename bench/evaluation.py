"""Bootstrap of AP and AUC: 220,000 rows, 8 models, 500 draws by week, against scikit-learn's two metrics computed draw by draw.

`python -m bench.evaluation [ROWS]`. The peer runs a few draws and is scaled up; both numbers come from this one run.
"""

import sys
import time
from collections.abc import Callable

import numpy as np

from veririsk_assets.evaluation.intervals import bootstrap

ROWS, MODELS, DRAWS, PEER_DRAWS = 220_000, 8, 500, 3
WEEK_ROWS = 2_500


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def peer(label: np.ndarray, score: np.ndarray, block: np.ndarray) -> None:
    """Rows drawn by week and both metrics computed anew, as a loop would."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    rng = np.random.default_rng(0)
    rows = [np.flatnonzero(block == week) for week in np.unique(block)]
    for _ in range(PEER_DRAWS):
        drawn = np.concatenate([rows[week] for week in rng.integers(0, len(rows), len(rows))])
        average_precision_score(label[drawn], score[drawn])
        roc_auc_score(label[drawn], score[drawn])


def main(count: int = ROWS) -> None:
    rng = np.random.default_rng(0)
    label, block = rng.random(count) < 0.017, np.arange(count) // WEEK_ROWS
    scores = [rng.random(count) + 0.3 * label for _ in range(MODELS)]
    ours = seconds(lambda: [bootstrap(label, score, block, draws=DRAWS) for score in scores])
    loop = seconds(lambda: peer(label, scores[0], block)) / PEER_DRAWS * DRAWS * MODELS
    print(
        f"bootstrap of {MODELS} models, {count:,} rows, {DRAWS} draws: {ours:.2f} s; scikit-learn draw by draw {loop:.0f} s (scaled up): {loop / ours:.0f} ×"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
