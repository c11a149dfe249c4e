"""The threshold sensor on real scores and a real webhook receiver."""

import json
from datetime import datetime

import dagster as dg
import pandas as pd
import pytest

from veririsk_assets.contracts.pools import POOL_SCORES, POOLS
from veririsk_assets.contracts.windows import HOUR, Window, naive
from veririsk_assets.defs.resources import HouseResource
from veririsk_assets.defs.sensors import high_risk
from veririsk_assets.pipeline.step import House
from veririsk_assets_tests.defs.home import FIRST
from veririsk_assets_tests.wire.server import Answer, api

HIGH, LOW = "HIGH", "LOW"


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
    assert set(bodies[0]) == {"text", "pool_id", "risk_score", "as_of"}


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
