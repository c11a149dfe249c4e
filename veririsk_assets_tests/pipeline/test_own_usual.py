"""What was usual for an entity itself: its own 30 days before the day, and nothing of the day."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from veririsk_assets.contracts import pools
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.pipeline.saying.explanations import store_explanations
from veririsk_assets.pipeline.saying.own_usual import own_usual
from veririsk_assets.pipeline.saying.scores import store_scores
from veririsk_assets.pipeline.step import House
from veririsk_assets_tests.pipeline.small_house import KEYS, MARKET, SECOND, START, two_versions

DAY = 24 * HOUR
NAME = "volatility_24h"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    opened = two_versions(tmp_path_factory.mktemp("home"))
    yield opened
    opened.close()


def asked(*days: int) -> pd.DataFrame:
    return pd.DataFrame([(naive(START + day * DAY + 5 * HOUR), key) for day in days for key in KEYS[::-1]], columns=["as_of", "pool_key"])


def test_it_is_of_the_entity_and_of_one_hour_of_each_of_the_30_days_before(house: House) -> None:
    rows = asked(35, 33)
    low, high = own_usual(house, POOLS, rows)[NAME]
    known = house.lake.read(pools.POOL_FEATURES, MARKET, ["as_of", "pool_key", NAME])
    for i in (0, 5, 17):
        day, key = rows["as_of"][i].floor("D"), rows["pool_key"][i]
        hour = known["as_of"].to_numpy(dtype="datetime64[h]").astype(np.int64)
        own = (
            (known["pool_key"] == key) & ((hour + key) % 24 == 0) & (known["as_of"] < day) & (known["as_of"] >= day - pd.Timedelta(days=30))
        )
        values = np.sort(known.loc[own, NAME].to_numpy(np.float32))
        assert len(values) == 30
        assert (low[i], high[i]) == (values[1], values[28])


def test_few_days_say_nothing_and_a_null_is_no_value(house: House) -> None:
    ranges = own_usual(house, POOLS, asked(8, 11))
    low = ranges[NAME][0]
    assert np.isnan(low[: len(KEYS)]).all() and np.isfinite(low[len(KEYS) :]).all()
    assert np.isnan(ranges["apy"][0]).all()
    assert own_usual(house, POOLS, asked()) == {}


def test_stored_reasons_carry_it(house: House) -> None:
    hour = Window(SECOND + 5 * DAY, SECOND + 5 * DAY + HOUR)
    store_scores(house, POOLS, hour)
    store_explanations(house, POOLS, hour)
    said = house.lake.read(pools.POOL_EXPLANATIONS, hour)
    expected = own_usual(house, POOLS, said[["as_of", "pool_key"]])
    for i, row in enumerate(said.itertuples()):
        assert (row.own_low, row.own_high) == (expected[row.feature][0][i], expected[row.feature][1][i])
    assert said["sentence"].str.contains("usual here: ").any()
