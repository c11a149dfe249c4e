"""`run` and `backtest` of one recording: the same rows, the same sentences, and no hour that it does not have."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from veririsk_assets.cli.backtest import app
from veririsk_assets.contracts.windows import HOUR, PULL_DELAY, naive, utc
from veririsk_assets.pipeline import backtest_recorded
from veririsk_assets.pipeline.backtest_recorded import read_recorded
from veririsk_assets.pipeline.recorded_hours import within_recording
from veririsk_assets.settings import Settings
from veririsk_assets.sources import thegraph
from veririsk_assets.sources.recorded import RecordedMarket
from veririsk_assets.sources.recorded_evidence import FILES
from veririsk_assets_tests.sources.answers import wire
from veririsk_assets_tests.sources.recordings import FILE, FIRST, POOLS, SAME, market, write
from veririsk_assets_tests.sources.test_recorded_file import LEFT_OUT, REFUSED, UNKNOWN, spoilt

WHOLE = market()
FAULTS = {name: change for cases in (LEFT_OUT, UNKNOWN, REFUSED) for name, (change, *_) in cases.items()}


def said_by(read: type | object, path: Path) -> tuple[object, ...]:
    """What is left out, or the refusal."""
    try:
        return tuple(read(path).left_out)  # type: ignore[operator]
    except (ValueError, FileNotFoundError) as error:
        return type(error), str(error)


@pytest.mark.parametrize("fault", FAULTS)
def test_both_commands_say_the_same_of_a_file(fault: str, tmp_path: Path) -> None:
    folder = write(spoilt(FAULTS[fault]), tmp_path)
    said = said_by(read_recorded, folder)
    assert said and said == said_by(RecordedMarket, folder)


@pytest.mark.parametrize("name", FILES)
def test_both_commands_refuse_evidence_that_cannot_be_read(name: str, tmp_path: Path) -> None:
    folder = write(WHOLE, tmp_path)
    (folder / f"{name}.parquet").write_text("<html>")
    said = said_by(read_recorded, folder)
    assert f"{name}.parquet cannot be read as Parquet" in str(said[1]) and said == said_by(RecordedMarket, folder)


@pytest.mark.parametrize("path", [Path("nowhere"), Path("nowhere.parquet"), Path()])
def test_both_commands_miss_a_recording_in_the_same_words(path: Path, tmp_path: Path) -> None:
    said = said_by(read_recorded, tmp_path / path)
    assert said[0] is FileNotFoundError and f"has no {FILE}" in str(said[1])
    assert said == said_by(RecordedMarket, tmp_path / path)


@pytest.mark.parametrize("writer", ["counts_ms", "parts", "categories", "index"])
def test_both_commands_hear_the_same_of_an_hour(writer: str, tmp_path: Path) -> None:
    folder = SAME[writer](WHOLE, tmp_path / "odd")
    panel, told = read_recorded(folder), RecordedMarket(folder)
    as_of = datetime(2021, 5, 4, 5, tzinfo=UTC)
    frame = thegraph.pairs(wire(told.transport(as_of), as_of + PULL_DELAY), Settings(source="recorded")).frame
    hour = int(np.flatnonzero(panel.pools.as_ofs == np.datetime64(naive(as_of)))[0])
    known = dict(zip(panel.names, panel.pools["tvl_usd"][hour], strict=True))
    assert known == {f"uni:{pair}": np.float32(tvl) for pair, tvl in zip(frame["pair"], frame["reserve_usd"], strict=True)}
    assert set(frame["pair"]) == set(POOLS)


def test_one_row_of_1970_makes_no_years_of_hours(tmp_path: Path) -> None:
    seen = read_recorded(write(spoilt(LEFT_OUT["1970"][0]), tmp_path))
    assert seen.pools.window.hours <= 200
    told = RecordedMarket(tmp_path)
    assert (told.first_hour, told.last_hour) == (utc("2021-05-01T01:00"), utc("2021-05-09T04:00"))


def asked(folder: Path, start: str, end: str) -> tuple[datetime, datetime, tuple[str, ...]]:
    hours = within_recording(Settings(source="recorded", recorded_dir=folder), utc(start), utc(end))
    return hours.start, hours.end, hours.said


def test_a_run_stays_within_the_recording_and_says_so(tmp_path: Path) -> None:
    folder = write(WHOLE, tmp_path)
    assert asked(folder, "2021-05-02", "2021-05-09T04:00") == (utc("2021-05-02"), utc("2021-05-09T04:00"), ())
    start, end, said = asked(folder, "2021-04-02", "2021-06-01")
    assert (start, end) == (utc("2021-05-01T01:00"), utc("2021-05-09T04:00"))
    assert said == (
        "the recording begins at 2021-05-01 01:00 UTC: --from 2021-04-02 00:00 is before it, the run begins there",
        "the recording ends at 2021-05-09 04:00 UTC: --to 2021-06-01 00:00 is after it, the run ends there",
    )
    for days in (("2021-03-01", "2021-04-01"), ("2021-05-09T04:00", "2021-07-01")):
        with pytest.raises(ValueError, match="the recording runs from 2021-05-01 01:00 to 2021-05-09 04:00 UTC"):
            asked(folder, *days)
    assert within_recording(Settings(source="simulated"), utc("1999-01-01"), utc("2099-01-01")).end == utc("2099-01-01")


def test_a_run_says_first_what_was_left_out(tmp_path: Path) -> None:
    folder = write(spoilt(LEFT_OUT["no pool"][0]), tmp_path)
    pd.DataFrame({"date": ["2021-05-01", "never"], "value": [50, 50]}).to_parquet(folder / "fear_greed_daily.parquet")
    said = asked(folder, "2021-05-02", "2021-05-03")[2]
    assert said[0].startswith(FILE) and said[1].startswith("fear_greed_daily.parquet: of 2 rows left out: 1 with a time that is none")
    assert said == RecordedMarket(folder).left_out == read_recorded(folder).left_out


@pytest.mark.parametrize("minute", [0, 27, 28, 59])
def test_the_last_hour_is_the_first_that_saw_the_last_row(minute: int, tmp_path: Path) -> None:
    last = datetime(2021, 5, 20, 7, minute)
    rows = pd.concat([WHOLE, WHOLE.iloc[:1].assign(ts=last)])
    told = RecordedMarket(write(rows, tmp_path))
    end = naive(told.last_hour)
    assert end + PULL_DELAY >= last > end - HOUR + PULL_DELAY


def test_half_of_the_pools_ending_at_once_is_no_exit(tmp_path: Path) -> None:
    end = FIRST + timedelta(hours=80)
    for gone, is_exit in ((POOLS[:1], True), (POOLS[:2], False), (POOLS[:3], False)):
        rows = WHOLE[~(WHOLE["pool"].isin(gone) & (WHOLE["ts"] > end))]
        seen = read_recorded(write(rows, tmp_path))
        exits = {name for name, one in zip(seen.names, seen.pools["is_tombstone"].T, strict=True) if (one > 0).any()}
        assert exits == ({f"uni:{pool}" for pool in gone} if is_exit else set())


def test_a_pair_whose_name_can_be_none_is_left_out_of_the_backtest_as_the_lake_refuses_it(tmp_path: Path) -> None:
    odd = WHOLE.assign(pool=WHOLE["pool"].where(WHOLE["pool"] != POOLS[0], "a\x07b&weth"))
    seen = read_recorded(write(odd, tmp_path))
    assert seen.names == tuple(name for name in read_recorded(write(WHOLE, tmp_path / "plain")).names if name != f"uni:{POOLS[0]}")


def test_more_pool_hours_than_fit_are_refused_before_they_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(WHOLE, tmp_path)
    monkeypatch.setattr(backtest_recorded, "MOST_POOL_HOURS", 197 * len(POOLS) - 1)
    with pytest.raises(ValueError, match="197 h of 4 pools do not fit into memory"):
        read_recorded(folder)
    assert read_recorded(folder, utc("2021-05-02")).pools.window.hours < 197


def test_hours_without_a_row_are_refused_with_those_that_have_some(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no rows for the hours asked about: it runs from 2021-05-01 00:03 to 2021-05-09 04:03"):
        read_recorded(write(WHOLE, tmp_path), utc("2021-06-01"))


def test_the_backtest_says_first_what_was_left_out(tmp_path: Path) -> None:
    folder = write(spoilt(UNKNOWN["negative"][0]), tmp_path)
    done = CliRunner().invoke(app, ["pools", "--recorded-dir", str(folder), "--out", str(tmp_path / "out")])
    assert done.stderr == f"{FILE}: values taken as unknown: 2 tvl_usd below 0\n"
    assert isinstance(done.exception, ValueError)
