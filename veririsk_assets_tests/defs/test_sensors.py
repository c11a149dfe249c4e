"""The threshold sensor on real scores and a real webhook receiver."""

import json
from datetime import datetime

import dagster as dg
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veririsk_assets.contracts.pools import POOL_SCORES, POOLS
from veririsk_assets.contracts.windows import HOUR, Window, floor_hour, naive
from veririsk_assets.defs.resources import HouseResource, now
from veririsk_assets.defs.sensors import high_risk
from veririsk_assets.pipeline.learning.onsets import Told
from veririsk_assets.pipeline.step import House
from veririsk_assets_tests.defs.home import FIRST
from veririsk_assets_tests.wire.server import Answer, api

HIGH, LOW, UNKNOWN = "HIGH", "LOW", "UNKNOWN"


def keys(house: House) -> list[int]:
    return [int(key) for key in house.lake.read(POOLS, columns=["pool_key"])["pool_key"][:3]]


def store(house: House, as_of: datetime, levels: list[str]) -> None:
    """Scores of one hour: the first pools of the home at these levels."""
    rows = [
        dict.fromkeys(POOL_SCORES.names) | {
            "as_of": pd.Timestamp(naive(as_of)), "pool_key": key, "horizon_hours": 24, "risk_score": 80.0 if level == HIGH else 10.0,
            "risk_level": level, "model_name": "m", "model_version": "1", "status": "ok", "scored_at": pd.Timestamp(naive(as_of)),
            "lake_snapshot_id": 1,
        }
        for key, level in zip(keys(house), levels, strict=True)
    ]  # fmt: skip
    house.lake.replace(POOL_SCORES, pd.DataFrame(rows), Window.ending(as_of))


class Watch:
    """The sensor, evaluated as the daemon does: each time with the cursor that it left."""

    def __init__(self) -> None:
        self.cursor: str | None = None

    def look(self, capsys: pytest.CaptureFixture[str]) -> list[str]:
        """The warnings of one evaluation."""
        capsys.readouterr()
        with dg.build_sensor_context(cursor=self.cursor, resources={"house": HouseResource()}) as context:
            assert isinstance(high_risk(context), dg.SkipReason)
            self.cursor = context.cursor
        return [line for line in capsys.readouterr().err.splitlines() if "WARNING" in line]


def test_an_onset_is_told_in_one_line_once(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    watch = Watch()
    store(house, FIRST + HOUR, [LOW, LOW, LOW])
    assert watch.look(capsys) == []
    store(house, FIRST + 2 * HOUR, [HIGH, LOW, HIGH])
    told = watch.look(capsys)
    assert len(told) == 2
    assert all("turned HIGH at 2025-03-03 02:00 UTC: risk score 80" in line for line in told)
    assert watch.cursor == (FIRST + 2 * HOUR).isoformat()
    assert watch.look(capsys) == []
    store(house, FIRST + 3 * HOUR, [HIGH, HIGH, LOW])
    assert len(watch.look(capsys)) == 1


def test_rescoring_an_hour_tells_nothing_again(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    watch = Watch()
    store(house, FIRST + HOUR, [HIGH, LOW, LOW])
    assert len(watch.look(capsys)) == 1
    store(house, FIRST + HOUR, [HIGH, HIGH, LOW])
    assert watch.look(capsys) == []


def test_a_webhook_gets_one_post_per_pool_and_onset(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with api() as receiver:
        configure(house, monkeypatch, f"{receiver.url}/hook?token=secret", allow_private=True)
        watch = Watch()
        for hour, levels in enumerate([[HIGH, LOW, HIGH], [HIGH, LOW, HIGH], [LOW, HIGH, HIGH]], start=1):
            store(house, FIRST + hour * HOUR, levels)
            watch.look(capsys)
            watch.look(capsys)
        bodies = [json.loads(body) for body in receiver.bodies]
    assert len(bodies) == 3
    assert len({(body["pool_id"], body["as_of"]) for body in bodies}) == 3
    assert len({body["id"] for body in bodies}) == 3
    assert set(bodies[0]) == {"id", "text", "pool_id", "risk_score", "as_of"}


def test_hours_between_two_looks_are_each_told_in_order(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    watch = Watch()
    store(house, FIRST + HOUR, [LOW, LOW, LOW])
    watch.look(capsys)
    store(house, FIRST + 2 * HOUR, [HIGH, LOW, LOW])
    store(house, FIRST + 3 * HOUR, [HIGH, HIGH, LOW])
    store(house, FIRST + 4 * HOUR, [LOW, LOW, LOW])
    told = watch.look(capsys)
    assert [line.partition(" at ")[2][:16] for line in told] == ["2025-03-03 02:00", "2025-03-03 03:00"]
    assert watch.look(capsys) == []


def test_a_lost_hour_tells_nothing_again_and_is_no_calm(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    watch = Watch()
    store(house, FIRST + HOUR, [HIGH, HIGH, LOW])
    assert len(watch.look(capsys)) == 2
    store(house, FIRST + 3 * HOUR, [HIGH, UNKNOWN, HIGH])
    assert len(watch.look(capsys)) == 1
    store(house, FIRST + 4 * HOUR, [HIGH, HIGH, HIGH])
    assert watch.look(capsys) == []


def test_an_hour_that_is_scored_late_is_said_as_late_once(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    watch = Watch()
    store(house, FIRST + HOUR, [LOW, LOW, HIGH])
    watch.look(capsys)
    store(house, FIRST + 3 * HOUR, [LOW, HIGH, HIGH])
    assert len(watch.look(capsys)) == 1
    # The first was HIGH in the lost hour alone, the second has been told, the third was calm in it: HIGH since is an onset.
    store(house, FIRST + 2 * HOUR, [HIGH, HIGH, LOW])
    late = watch.look(capsys)
    assert [line.partition(" at ")[2][:16] for line in late] == ["2025-03-03 02:00", "2025-03-03 03:00"]
    assert all(line.endswith("; its hour was scored late") for line in late)
    assert watch.look(capsys) == []


def test_the_first_look_at_an_old_home_tells_its_newest_hour_alone(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    for hour, levels in enumerate([[HIGH, LOW, LOW], [LOW, HIGH, LOW], [LOW, HIGH, HIGH]], start=1):
        store(house, FIRST + hour * HOUR, levels)
    assert len(Watch().look(capsys)) == 1


def test_a_cursor_from_the_future_silences_nobody(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    hour = floor_hour(now()) - HOUR
    store(house, hour, [LOW, LOW, LOW])
    store(house, hour + HOUR, [HIGH, LOW, LOW])
    watch = Watch()
    watch.cursor = (hour + 4_000 * HOUR).isoformat()
    assert len(watch.look(capsys)) == 1
    assert watch.cursor is not None and watch.cursor.startswith((hour + HOUR).isoformat())
    assert watch.look(capsys) == []


def test_an_hour_to_come_is_told_when_it_has_come(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    watch, hour = Watch(), floor_hour(now())
    store(house, hour, [LOW, LOW, LOW])
    watch.look(capsys)
    store(house, hour + 2 * HOUR, [HIGH, LOW, LOW])
    assert watch.look(capsys) == []
    assert watch.cursor == hour.isoformat()


def test_a_webhook_that_fails_midway_gets_the_rest_later_and_nothing_twice(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with api(Answer(), Answer(status=503), Answer(status=503), Answer()) as receiver:
        configure(house, monkeypatch, f"{receiver.url}/hook", allow_private=True)
        watch = Watch()
        store(house, FIRST + HOUR, [LOW, LOW, LOW])
        watch.look(capsys)
        store(house, FIRST + 2 * HOUR, [HIGH, HIGH, HIGH])
        assert sum("turned HIGH" in line for line in watch.look(capsys)) == 3
        store(house, FIRST + 3 * HOUR, [HIGH, HIGH, LOW])
        assert [line.rpartition("WARNING")[2].partition("webhook")[1] for line in watch.look(capsys)] == ["webhook"]
        assert watch.look(capsys) == watch.look(capsys) == []
        ids = [json.loads(body)["id"] for body in receiver.bodies]
    # The first was taken, the second refused twice; then the second and the third were taken.
    assert [ids.index(one) for one in ids] == [0, 1, 1, 1, 4]


def test_what_no_webhook_takes_for_a_day_is_given_up_and_said(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with api(Answer(status=500)) as receiver:
        configure(house, monkeypatch, f"{receiver.url}/hook", allow_private=True)
        watch = Watch()
        store(house, FIRST + HOUR, [HIGH, LOW, LOW])
        watch.look(capsys)
        store(house, FIRST + 25 * HOUR, [LOW, LOW, LOW])
        assert any("given up after a day" in line for line in watch.look(capsys))
        asked = len(receiver.bodies)
        assert watch.look(capsys) == [] and len(receiver.bodies) == asked


@given(st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)), st.lists(st.integers(1, 24), unique=True), st.lists(st.integers(0, 2**48)))
def test_a_cursor_says_what_was_told(until: datetime, missing: list[int], keys: list[int]) -> None:
    hour = floor_hour(until)
    owed = tuple(f"{hour:%Y-%m-%dT%H:%MZ}/24h/HIGH/{key}" for key in keys)
    told = Told(hour, tuple(hour - i * HOUR for i in missing), owed)
    assert Told.parse(str(told)) == told


@pytest.mark.parametrize(("status", "allow_private"), [(500, True), (200, False)])
def test_a_webhook_that_fails_is_said_without_its_secret(
    status: int, allow_private: bool, house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with api(Answer(status=status)) as receiver:
        configure(house, monkeypatch, f"{receiver.url}/hook?token=secret", allow_private)
        store(house, FIRST + HOUR, [HIGH, LOW, LOW])
        told = Watch().look(capsys)
    assert len(told) == 2
    assert "webhook failed" in told[1]
    assert not any("secret" in line for line in told)
    assert len(receiver.bodies) == int(allow_private)


def configure(house: House, monkeypatch: pytest.MonkeyPatch, url: str, allow_private: bool) -> None:
    from pydantic import SecretStr

    monkeypatch.setattr(house.settings, "alert_webhook_url", SecretStr(url))
    monkeypatch.setattr(house.settings, "webhook_allow_private", allow_private)
