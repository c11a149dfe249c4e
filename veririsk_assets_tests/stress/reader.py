"""A reader of the published file that never stops looking, as a BI tool would, and notes every hour that is not whole."""

import threading
import time
from pathlib import Path

import duckdb

# Every hour of the history table must have each pool at both horizons, and whole reasons and features for all that is scored: they
# are ranked without a gap, and those of the rule add up to its score. A score of 0 has none.
_HOURS = """
WITH explained AS (
    SELECT as_of, pool_id, horizon_hours, count(*) = max(rank) AS is_ranked, any_value(method) AS method,
        any_value(base_value) + sum(contribution) + any_value(other_contribution) AS points
    FROM pool_risk_reasons WHERE head = 'crash' GROUP BY ALL
)
SELECT as_of, count(*) AS scores, count(DISTINCT pool_id) AS pools,
    (SELECT count(*) FROM pool_snapshots s WHERE s.as_of = h.as_of) AS snapshots,
    count(*) FILTER (h.risk_score > 0 AND e.is_ranked AND (e.method <> 'rule' OR abs(e.points - h.risk_score) < 1e-6)) AS explained,
    count(*) FILTER (h.risk_score > 0) AS scored
FROM pool_risk_history h LEFT JOIN explained e USING (as_of, pool_id, horizon_hours) GROUP BY as_of
"""
_LATEST = "SELECT count(*), count(DISTINCT as_of), max(as_of), (SELECT latest_as_of FROM _about) FROM pool_risk_latest"
HORIZONS = 2


class Reader(threading.Thread):
    """`faults`: what was seen and may not be. `reads`: how often it looked. `hours`: which hours it ever saw."""

    def __init__(self, file: Path, pools: int) -> None:
        super().__init__(daemon=True)
        self.file, self.pools = file, pools
        self.faults: list[str] = []
        self.reads = 0
        self.hours: set[object] = set()
        self._stop_asked = threading.Event()

    def run(self) -> None:
        while not self._stop_asked.is_set():
            if self.file.exists():
                try:
                    self._look()
                except duckdb.Error as error:
                    self.faults.append(f"cannot be read: {error}")
            time.sleep(0.02)

    def stop(self) -> None:
        self._stop_asked.set()
        self.join()

    def _look(self) -> None:
        with duckdb.connect(str(self.file), read_only=True) as connection:
            hours = connection.execute(_HOURS).fetchall()
            latest = connection.execute(_LATEST).fetchall()[0]
        self.reads += 1
        for as_of, scores, pools, snapshots, explained, scored in hours:
            self.hours.add(as_of)
            if (scores, pools, snapshots, explained) != (HORIZONS * self.pools, self.pools, self.pools, scored):
                self.faults.append(f"{as_of}: {scores} scores of {pools} pools, {snapshots} snapshots, {explained} explained of {scored}")
        if hours and (latest[0] != HORIZONS * self.pools or latest[1] != 1 or latest[2] != latest[3]):
            self.faults.append(f"latest: {latest}")
