"""The drift of the base rate, from matured labels to the score: decided once a day, by nothing that came later."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from veririsk_assets.contracts import pools
from veririsk_assets.contracts.models import CALIBRATION_SHIFTS
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.models.logistic_line import logit
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.learning.recalibration import daily_shifts, day_at, known_days
from veririsk_assets.pipeline.saying.scores import store_scores
from veririsk_assets.pipeline.step import House
from veririsk_assets_tests.pipeline.small_house import FIRST, HORIZON, MARKET, SECOND, two_versions

TURN = SECOND + 48 * HOUR
DAY = 24 * HOUR
TWO_WEEKS = Window(SECOND - HOUR, TURN + 14 * DAY)


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A market in which, from `TURN` on, three times as many pools fall as before."""
    opened = two_versions(tmp_path_factory.mktemp("home"))
    labels = opened.lake.read(pools.POOL_LABELS, MARKET)
    late = labels["as_of"] > naive(TURN)
    more = late & (np.random.default_rng(3).random(len(labels)) < 2 * labels.loc[~late, "crash"].mean())
    opened.lake.replace(pools.POOL_LABELS, labels.assign(crash=np.where(more, 1.0, labels["crash"])), MARKET)
    yield opened
    opened.close()


@pytest.fixture
def house(turned: House) -> Iterator[House]:
    """The market without a shift, its labels and its artefacts as they were."""
    labels, home = turned.lake.read(pools.POOL_LABELS, MARKET), champions.folder(turned.settings, POOLS, HORIZON, "1")
    yield turned
    turned.lake.commit(lambda cursor: cursor.execute(f"DELETE FROM lake.{CALIBRATION_SHIFTS.sql_name}"))
    turned.lake.replace(pools.POOL_LABELS, labels, MARKET)
    if not home.exists():
        home.with_name("gone").rename(home)


def stored(house: House, version: str = "1") -> pd.Series:
    rows = house.lake.read(CALIBRATION_SHIFTS, where="version = ?", parameters=[version])
    return rows.set_index("valid_from")["shift"]


def test_every_day_of_every_version_that_serves_or_waits_has_a_shift_that_follows_the_market(house: House) -> None:
    result = daily_shifts(house, POOLS, TWO_WEEKS)
    assert result.rows == len(stored(house, "1")) + len(stored(house, "2"))
    days = (TWO_WEEKS.hours - 1) // 24 + 1
    for version in ("1", "2"):
        shift = stored(house, version)
        assert len(shift) == days
        assert abs(shift.loc[: naive(TURN)]).max() < 0.4 and shift.iloc[-1] > 0.5
    assert (house.lake.read(CALIBRATION_SHIFTS)["valid_from"].dt.hour == 0).all()


def test_a_day_knows_only_labels_that_had_matured_when_it_began(house: House) -> None:
    until = Window(TWO_WEEKS.start, TURN + 4 * DAY)
    daily_shifts(house, POOLS, until)
    known = stored(house)
    house.lake.commit(lambda cursor: cursor.execute(f"DELETE FROM lake.{CALIBRATION_SHIFTS.sql_name}"))
    labels = house.lake.read(pools.POOL_LABELS, MARKET)
    after = labels["matured_at"] > naive(until.as_of)
    house.lake.replace(pools.POOL_LABELS, labels.assign(crash=np.where(after, 1.0 - labels["crash"], labels["crash"])), MARKET)
    daily_shifts(house, POOLS, TWO_WEEKS)
    pd.testing.assert_series_equal(stored(house).loc[known.index], known)


def test_a_day_that_has_its_shift_keeps_it(house: House) -> None:
    first = daily_shifts(house, POOLS, TWO_WEEKS)
    before = stored(house)
    labels = house.lake.read(pools.POOL_LABELS, MARKET)
    house.lake.replace(pools.POOL_LABELS, labels.assign(crash=0.0), MARKET)
    again = daily_shifts(house, POOLS, Window(TWO_WEEKS.start, TWO_WEEKS.end + DAY))
    assert first.changed and again.rows == 2
    assert stored(house).loc[before.index].equals(before)


def test_scores_carry_the_shift_of_their_hour(house: House) -> None:
    hour = Window.ending(TURN + 10 * DAY + 5 * HOUR)
    store_scores(house, POOLS, hour)
    plain = house.lake.read(pools.POOL_SCORES, hour, where=f"horizon_hours = {HORIZON}")
    daily_shifts(house, POOLS, TWO_WEEKS)
    store_scores(house, POOLS, hour)
    moved = house.lake.read(pools.POOL_SCORES, hour, where=f"horizon_hours = {HORIZON}")
    expected = stored(house).loc[naive(TURN + 10 * DAY)]
    assert (plain["calibration_shift"] == 0.0).all() and set(moved["calibration_shift"]) == {expected}
    np.testing.assert_allclose(logit(moved["probability"]) - logit(plain["probability"]), expected)
    assert moved["margin"].equals(plain["margin"])
    # The day's thresholds move the scores, never their order.
    assert moved["risk_score"].rank().equals(plain["risk_score"].rank())


def test_an_old_shift_an_unknown_version_and_one_decided_later_move_nothing(house: House) -> None:
    daily_shifts(house, POOLS, Window(TWO_WEEKS.start, TURN + 4 * DAY))
    newest = naive(TURN + 4 * DAY)
    hours = pd.Series(pd.to_datetime([naive(FIRST), newest, newest + 7 * DAY - HOUR, newest + 7 * DAY]))
    known = known_days(house, POOLS, TWO_WEEKS)
    found = day_at(known, HORIZON, "1", hours).shift
    assert found[0] == 0.0 and found[1] == found[2] != 0.0 and found[3] == 0.0
    assert (day_at(known, HORIZON, "9", hours).shift == 0.0).all()
    assert known_days(house, POOLS, TWO_WEEKS, house.now() - HOUR).empty and not known_days(house, POOLS, TWO_WEEKS, house.now()).empty


def test_before_the_first_version_there_is_nothing_to_shift(house: House) -> None:
    assert not daily_shifts(house, POOLS, Window(FIRST - 3 * DAY, FIRST - HOUR)).changed
    champions.folder(house.settings, POOLS, HORIZON, "1").rename(champions.folder(house.settings, POOLS, HORIZON, "gone"))
    assert set(house.lake.read(CALIBRATION_SHIFTS)["version"]) == set()
    daily_shifts(house, POOLS, TWO_WEEKS)
    assert set(house.lake.read(CALIBRATION_SHIFTS)["version"]) == {"2"}
