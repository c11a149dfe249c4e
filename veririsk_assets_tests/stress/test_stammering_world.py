"""A month of the live mode through a world that stammers: crashes are labelled, nothing else is, and no followed pool is missing."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import SecretStr

from veririsk_assets.contracts import pools, raw
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.vocabulary import entity_key
from veririsk_assets.contracts.windows import HOUR, PULL_DELAY, Window, naive
from veririsk_assets.lake import upkeep
from veririsk_assets.pipeline import replay
from veririsk_assets.pipeline.known.endpoints import every_endpoint
from veririsk_assets.pipeline.known.features import store_features
from veririsk_assets.pipeline.known.outside import Replayed
from veririsk_assets.pipeline.known.pulls import pull
from veririsk_assets.pipeline.known.snapshots import store_snapshots
from veririsk_assets.pipeline.saying.scores import store_scores
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets_tests.stress.stammering import COUNT, START, Transport, World

ASKED = (raw.DEFILLAMA_POOLS, raw.DEFILLAMA_PROTOCOLS, raw.THEGRAPH_PAIRS)
# The base of a label may be an observation of up to six hours before.
AGED_HOURS = 6
SEED = 1


class Living:
    """A live house whose clock is moved by hand."""

    def __init__(self, home: Path, world: World) -> None:
        self.world, self.clock = world, START
        settings = Settings(home=home, source="live", thegraph_url=SecretStr("https://graph.test/subgraph"))
        self.house = House.open(settings, lambda: self.clock, run_id="month")

    def live(self, hours: int) -> None:
        for hour in range(1, hours):
            as_of = START + hour * HOUR
            self.clock = as_of + PULL_DELAY
            outside = Replayed(self.house, lambda at: Transport(self.world, at))
            for endpoint in every_endpoint():
                if endpoint.table in ASKED:
                    pull(self.house, endpoint, Window.ending(as_of), outside)
            store_snapshots(self.house, POOLS, Window.ending(as_of))
            if hour % 24 == 0 or hour == hours - 1:
                day = Window.ending(as_of, (hour - 1) % 24 + 1)
                store_features(self.house, POOLS, day)
                store_scores(self.house, POOLS, day)
                upkeep.run(self.house.lake, set())

    def key(self, pool: int) -> int:
        return entity_key(f"defillama:p{pool:02}" if pool < COUNT else f"univ2:0x{pool - COUNT + 1:040x}")


def month(home: Path, seed: int, hours: int) -> Living:
    living = Living(home, World(seed, hours))
    living.live(hours)
    replay.label_until(living.house, POOLS, START + (hours - 1) * HOUR)
    return living


def stamp(hour: int) -> datetime:
    return naive(START + hour * HOUR)


def labels_of(living: Living) -> pd.DataFrame:
    rows = living.house.lake.read(pools.POOL_LABELS)
    known = {living.key(pool): pool for pool in range(living.world.truth.shape[1])}
    return rows.assign(pool=rows["pool_key"].map(known), hour=((rows["as_of"] - stamp(0)) / pd.Timedelta(hours=1)).astype(int))


def false_crashes(living: Living) -> list[tuple[int, int, int]]:
    """(pool, hour, horizon) of labels that say crash where nothing fell."""
    truth, found = np.nan_to_num(living.world.truth, nan=0.0), []
    for row in labels_of(living).query("crash == 1").itertuples():
        base = truth[max(row.hour - AGED_HOURS, 0) : row.hour + 1, row.pool].max()
        if truth[row.hour + 1 : row.hour + row.horizon_hours + 1, row.pool].min() > 0.82 * base or row.pool in living.world.taken_out:
            found.append((row.pool, row.hour, row.horizon_hours))
    return found


def missed_crashes(living: Living) -> list[int]:
    """Pools whose crash no 24-hour label of the hours before it tells."""
    rows = labels_of(living).query("horizon_hours == 24")
    missed = []
    for crash in living.world.crashes:
        before = rows[(rows["pool"] == crash.pool) & (rows["hour"] < crash.hour) & (rows["hour"] >= crash.hour - AGED_HOURS)]
        if not before["crash"].eq(1).any():
            missed.append(crash.pool)
    return missed


def missing_rows(living: Living) -> list[tuple[int, int]]:
    """(pool, hour) of followed pools without a score and without a reason for having none; a pool that is gone is on the grid for two days."""
    scores = living.house.lake.read(pools.POOL_SCORES, where="horizon_hours = 24")
    said = {
        (key, as_of): reason
        for key, as_of, score, reason in zip(
            scores["pool_key"], scores["as_of"], scores["risk_score"], scores["status_reason"], strict=True
        )
        if score == score or isinstance(reason, str)
    }
    truth, found = living.world.truth, []
    for pool in range(truth.shape[1]):
        there = np.flatnonzero(np.isfinite(truth[:, pool]))
        found += [(pool, hour) for hour in range(2, int(there[-1]) + 1) if (living.key(pool), pd.Timestamp(stamp(hour))) not in said]
    return found


@pytest.fixture(scope="module")
def living(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    done = month(tmp_path_factory.mktemp("month"), SEED, 30 * 24)
    yield done
    done.house.close()


@pytest.mark.stress
def test_there_is_no_crash_label_without_a_crash(living: Living) -> None:
    assert false_crashes(living) == []


@pytest.mark.stress
def test_there_is_no_crash_without_its_label(living: Living) -> None:
    assert missed_crashes(living) == []


@pytest.mark.stress
def test_every_followed_pool_is_in_every_hour_s_ranking_or_unknown_with_a_reason(living: Living) -> None:
    assert missing_rows(living) == []


@pytest.mark.stress
def test_the_world_did_stammer(living: Living) -> None:
    """The month would prove nothing if its faults had not arrived."""
    outcomes = living.house.lake.read(raw.SOURCE_STATUS)["outcome"].value_counts()
    rows = living.house.lake.read(pools.POOL_SNAPSHOTS)
    assert outcomes["failed"] > 10 and outcomes["pulled"] > 300
    assert rows["is_suspect"].sum() > 5 and rows["taken_back_hours"].gt(0).sum() > 2 and rows["is_tombstone"].sum() > 40
    for words in ("of its usual", "gave no usable value", "its whole protocol holds", "nothing else supports it"):
        assert rows["doubt"].str.contains(words, na=False).any(), words
