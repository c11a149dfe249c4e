"""What has begun, from stored TVL to the published file: with the rule, with a head, and nothing of it for a pool that fell silent."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from veririsk_assets.cli.render import has_begun
from veririsk_assets.contracts import pools
from veririsk_assets.contracts.detections import POOL_DETECTIONS
from veririsk_assets.contracts.models import CHAMPIONS
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.publishing import publish
from veririsk_assets.pipeline.saying.detections import equipped, store_detections, training_rows
from veririsk_assets.pipeline.step import House
from veririsk_assets.serving.queries import PublishedFile
from veririsk_assets_tests.pipeline.small_house import KEYS, MARKET, fill, open_house, served

HORIZON = 6
LAST = Window.ending(MARKET.end)
PAST = Window(MARKET.start, MARKET.end - 12 * HOUR)


@pytest.fixture(scope="module")
def falling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which every pool falls again and again; what falls fast goes on, what falls slowly comes back. At the end: 0 falls, 1 fell, 2 is silent."""
    opened = open_house(tmp_path_factory.mktemp("home"))
    fill(opened)
    rng, shape = np.random.default_rng(1), (MARKET.hours, len(KEYS))
    tvl, fast = np.full(shape, 1e6), np.zeros(shape)
    for pool in range(shape[1]):
        for start in range(30 + pool, MARKET.hours - 40, 36):
            fast[start : start + 4, pool] = rng.random() < 0.5
            tvl[start : start + 4, pool] *= 0.88
            tvl[start + 4 : start + 14, pool] *= 0.7 if fast[start, pool] else 1.0
    tvl[-3:, 0] *= 0.88
    tvl[-2:, 1] *= 0.6
    tvl[-1:, 2] = np.nan
    stored = opened.lake.read(pools.POOL_SNAPSHOTS)
    snapshots = stored.sort_values(["as_of", "pool_key"]).assign(tvl_usd=tvl.ravel())
    opened.lake.replace(pools.POOL_SNAPSHOTS, snapshots, MARKET)
    features = opened.lake.read(pools.POOL_FEATURES)
    high = pd.DataFrame(tvl).rolling(25, min_periods=1).max().to_numpy()
    told = {"drawdown_24h": (tvl / high - 1).ravel(), "tvl_change_6h": (-0.3 * fast).ravel() + rng.normal(0, 0.01, tvl.size)}
    opened.lake.replace(pools.POOL_FEATURES, features.assign(**told)[pools.POOL_FEATURES.names], MARKET)
    names = {"pool_key": KEYS, "pool_id": [f"test:{i}" for i in range(12)], "name": [f"p{i}" for i in range(12)]}
    about = {"protocol": "x", "chain": "x", "source": "x", "first_seen_at": pd.Timestamp(naive(MARKET.start))}
    opened.lake.append(pools.POOLS, pd.DataFrame(names).assign(**about))
    opened.close()
    return opened.settings.home


@pytest.fixture
def house(falling: Path, tmp_path: Path) -> Iterator[House]:
    opened = open_house(shutil.copytree(falling, tmp_path / "home"))
    yield opened
    opened.close()


def say(house: House, window: Window = LAST) -> pd.DataFrame:
    store_detections(house, window)
    return house.lake.read(POOL_DETECTIONS, window).set_index("pool_key")


def crown(house: House, version: str, artefact) -> None:  # type: ignore[no-untyped-def]
    artefact.save(champions.folder(house.settings, POOLS, HORIZON, version))
    at = pd.Timestamp(naive(MARKET.start)) + pd.Timedelta(hours=int(version))
    row = {"system": POOLS.name, "horizon_hours": HORIZON, "version": version, "valid_from": at, "decided_at": at}
    house.lake.append(CHAMPIONS, pd.DataFrame([{**row, "action": "promote", "reason": "test"}]))


def test_every_pool_of_the_grid_has_a_state_and_silence_is_never_calm(house: House) -> None:
    rows = say(house)
    assert rows.loc[KEYS[:4], "state"].tolist() == ["falling", "fallen", "unknown", "none"]
    assert rows.loc[KEYS[:4], "note"].fillna("").tolist() == ["rule only", "rule only", "TVL is not known", ""]
    assert rows["probability"].isna().all()
    assert rows.loc[KEYS[0], "begun_at"] == naive(LAST.as_of) - 2 * HOUR
    assert rows.loc[KEYS[1], "drop_ratio"] == pytest.approx(-0.4)
    assert rows.loc[KEYS[1], "high_tvl_usd"] == pytest.approx(1e6)
    assert rows.loc[KEYS[2:4], "begun_at"].isna().all()


def test_training_rows_are_drops_under_way_with_what_became_of_them_by_then(house: House) -> None:
    rows = training_rows(house, PAST)
    assert (rows["drop_ratio"] <= -0.1).all()
    assert set(rows["fall"]) == {0.0, 1.0}
    assert rows["as_of"].max() <= naive(PAST.end) - HORIZON * HOUR
    earlier = training_rows(house, Window(PAST.start, PAST.end - 200 * HOUR))
    same = rows.merge(earlier, on=["as_of", "pool_key"], suffixes=("", "_then"))
    assert len(same) == len(earlier)
    assert (same["fall"] == same["fall_then"]).all()


def test_a_head_learns_which_drops_go_on_and_rides_with_the_6_hour_version(house: House) -> None:
    six = replace(served(house, "1"), horizon_hours=HORIZON)
    assert equipped(house, served(house, "1"), PAST).detection is None
    none = equipped(house, six, Window(PAST.start, PAST.start + 48 * HOUR))
    assert none.detection is None
    assert none.metadata["detection"].startswith("no detection head:")
    crown(house, "1", none)
    assert set(say(house).loc[KEYS[:2], "note"]) == {"no detection head in version 1"}

    taught = equipped(house, six, PAST)
    assert taught.detection is not None, taught.metadata["detection"]
    crown(house, "2", taught)
    rows = say(house)
    assert rows.loc[KEYS[:2], "probability"].between(0, 1).all()
    assert rows.loc[KEYS[0], "probability"] < 0.5 < rows.loc[KEYS[1], "probability"]
    assert rows.loc[KEYS[2:4], "probability"].isna().all()
    assert set(rows["model_version"]) == {"2"}
    window = Window(MARKET.end - 100 * HOUR, MARKET.end - 40 * HOUR)
    at_once = say(house, window).reset_index()
    by_hour = pd.concat([say(house, hour) for hour in window.each()]).reset_index()
    pd.testing.assert_frame_equal(at_once.sort_values(["as_of", "pool_key"]), by_hour.sort_values(["as_of", "pool_key"]), check_like=True)


def test_the_published_file_holds_the_newest_hour_and_the_drops_of_the_others(house: House) -> None:
    crown(house, "2", equipped(house, replace(served(house, "1"), horizon_hours=HORIZON), PAST))
    store_detections(house, Window(MARKET.end - 100 * HOUR, MARKET.end))
    publish(house)
    published = PublishedFile(house.settings.published_file)
    latest = published.sql("SELECT * FROM pool_detections_latest ORDER BY pool_id")
    assert len(latest) == 12
    assert set(published.sql("SELECT DISTINCT state FROM pool_detections_history")["state"]) == {"falling", "fallen"}
    lines = [has_begun(published.detection(f"test:{i}", MARKET.end)) for i in range(4)]  # type: ignore[arg-type]
    assert lines[0].startswith("TVL is 12 % below its 24-hour high since ") and lines[0].endswith(" % that it is or becomes a 20 % fall")
    assert lines[2] == "not known, TVL is not known"
    assert lines[3] == "nothing, TVL is at its 24-hour high"
    assert published.detection("test:3", MARKET.end - HOUR) is None
