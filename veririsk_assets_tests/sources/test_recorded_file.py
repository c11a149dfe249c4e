"""One reader for every writer: the same rows however a file holds them, and in one sentence what is not used of it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veririsk_assets.sources.recorded_file import Recording, recording
from veririsk_assets.sources.recorded_span import far_from_the_rest, fault_of
from veririsk_assets_tests.sources.recordings import FILE, SAME, market, write

WHOLE = market()


def read(rows: pd.DataFrame, folder: Path) -> Recording:
    return recording(write(rows, folder))


def rows_of(seen: Recording) -> list[tuple[object, ...]]:
    return list(
        zip(
            seen.dexs,
            seen.pools,
            *seen.tokens,
            seen.at.tolist(),
            *(seen.values[name].tolist() for name in sorted(seen.values)),
            strict=True,
        )
    )


@pytest.mark.parametrize("writer", SAME)
def test_whoever_wrote_it_the_rows_are_the_same(writer: str, tmp_path: Path) -> None:
    seen, plain = recording(SAME[writer](WHOLE, tmp_path / "odd")), read(WHOLE, tmp_path / "plain")
    assert rows_of(seen) == rows_of(plain) and len(seen.at) == len(WHOLE)
    assert seen.left_out == plain.left_out == ""


@given(st.integers(1_230_768_000 * 10**6, 2_000_000_000 * 10**6 - 1), st.sampled_from(["s", "ms", "us", "ns"]), st.sampled_from([int, str]))
def test_a_count_since_1970_tells_its_unit(micros: int, unit: str, kind: type) -> None:
    import pyarrow as pa

    from veririsk_assets.sources.recorded_stamps import stamps

    moment = np.datetime64(micros, "us")
    said = int(moment.astype(f"datetime64[{unit}]").astype(np.int64))
    assert stamps(pa.chunked_array([[kind(said)]])).values[0] == moment.astype(f"datetime64[{unit}]")


def spoilt(change: Callable[[pd.DataFrame], object]) -> pd.DataFrame:
    rows = WHOLE.copy()
    changed = change(rows)
    return changed if isinstance(changed, pd.DataFrame) else rows


def put(column: str, value: object, count: int = 2) -> Callable[[pd.DataFrame], object]:
    """The value in the first rows of a column; objects where its type cannot hold it."""

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        values = rows[column].astype(object).to_numpy(copy=True)
        values[:count] = value
        return rows.assign(**{column: pd.Series(values).infer_objects()})

    return change


def again(**changed: float) -> Callable[[pd.DataFrame], object]:
    return lambda rows: pd.concat([rows, rows.iloc[:3].assign(**changed)])


LEFT_OUT = {
    "no pool": (put("pool", None), 2, "of 200 rows left out: 2 without pool"),
    "blank pool": (put("pool", "  "), 2, "2 without pool"),
    "no dex": (put("dex", None), 2, "2 without dex"),
    "no time": (put("ts", pd.NaT), 2, "2 without ts"),
    "1970": (put("ts", pd.Timestamp(0), 1), 1, "1 with a time that is none between 2009 and 2033, as 1970-01-01 00:00:00"),
    "2100": (put("ts", pd.Timestamp("2100-01-01"), 1), 1, "1 with a time that is none between 2009 and 2033, as 2100-01-01 00:00:00"),
    "2016": (put("ts", pd.Timestamp("2016-03-01"), 1), 1, "1 far from all others, as of 2016-03-01 00:00:00"),
    "2026": (put("ts", pd.Timestamp("2026-03-01"), 1), 1, "1 far from all others, as of 2026-03-01 00:00:00"),
    "contradiction": (again(tvl_usd=1.0), 3, "of 203 rows left out: 6 that contradict another row of the same time"),
    "repetition": (again(), 0, "of 203 rows left out: 3 said twice"),
    "rounding": (lambda rows: pd.concat([rows, rows.astype({"tvl_usd": "float32"})]), 0, "200 said twice"),
}  # fmt: skip


@pytest.mark.parametrize("fault", LEFT_OUT)
def test_rows_that_cannot_be_believed_are_left_out_and_said(fault: str, tmp_path: Path) -> None:
    change, lost, sentence = LEFT_OUT[fault]
    seen = read(spoilt(change), tmp_path)
    assert len(seen.at) == len(WHOLE) - lost
    assert seen.left_out.startswith(f"{FILE}: ") and seen.left_out.endswith(sentence)
    assert seen.at.min() >= np.datetime64("2021-05-01") and seen.at.max() <= np.datetime64("2021-05-10")


UNKNOWN = {
    "not a number": (lambda rows: put("tvl_usd", "N/A")(rows.astype({"tvl_usd": str})), "2 tvl_usd that is no number, as 'N/A'"),
    "infinite": (put("tvl_usd", np.inf), "2 tvl_usd that is no number, as inf"),
    "beyond float32": (put("tvl_usd", 1e300), "2 tvl_usd that is no number, as 1e+300"),
    "negative": (put("tvl_usd", -5.0), "2 tvl_usd below 0"),
    "implausible": (put("tvl_usd", 1e14), "2 tvl_usd above 1e+13"),
    "unpriced": (put("tvl_usd", 0.0), "2 tvl_usd 0 beside reserves"),
}


@pytest.mark.parametrize("fault", UNKNOWN)
def test_values_that_cannot_be_believed_are_unknown_and_their_rows_kept(fault: str, tmp_path: Path) -> None:
    change, sentence = UNKNOWN[fault]
    seen = read(spoilt(change), tmp_path)
    assert seen.left_out == f"{FILE}: values taken as unknown: {sentence}"
    assert len(seen.at) == len(WHOLE) and np.isnan(seen.values["tvl_usd"]).sum() == 2
    assert np.isfinite(seen.values["reserve0"]).all()


def test_an_empty_pool_is_worth_nothing(tmp_path: Path) -> None:
    rows = WHOLE.copy()
    rows.loc[0, ["reserve0", "reserve1", "tvl_usd"]] = 0.0
    assert (read(rows, tmp_path).values["tvl_usd"] == 0.0).sum() == 1


REFUSED = {
    "days as numbers": (lambda rows: rows.assign(ts=rows["ts"].dt.strftime("%Y%m%d").astype(int)), "ts: 20210501 is no time between"),
    "hours as numbers": (lambda rows: rows.assign(ts=rows["ts"].dt.strftime("%Y%m%d%H").astype(int)), "ts: 2021050100 is no time between"),
    "ms taken for ns": (lambda rows: rows.assign(ts=pd.to_datetime(rows["ts"].astype("int64") // 1000)), "ts: 1970-01-01 00:26:59 is no time"),
    "days or months": (lambda rows: rows.assign(ts=rows["ts"].dt.strftime("%d/%m/%Y %H:%M")), "ts: '01/05/2021 00:03' is no time between"),
    "32 bits": (lambda rows: rows.assign(ts=(rows["ts"].astype("int64") / 1e6).astype("float32")), "ts: a number of 32 bits is minutes off"),
    "truths": (lambda rows: rows.assign(tvl_usd=True), "tvl_usd: bool is no number"),
    "words": (lambda rows: rows.assign(tvl_usd="[red]much"), r"tvl_usd: '\?red\?much' is no number"),
    "true times": (lambda rows: rows.assign(ts=True), "ts: bool is no time"),
    "lists": (lambda rows: rows.assign(pool=[[1]] * len(rows)), "pool: list<.*> is no text"),
    "days of many rows": (lambda rows: rows.assign(ts=rows["ts"].dt.date), "of 200 rows left out: 200 that contradict another row"),
    "no dex at all": (lambda rows: rows.assign(dex=None), "of 200 rows left out: 200 without dex"),
    "torn": (lambda rows: put("ts", pd.Timestamp("2019-05-01"), 60)(rows.assign(pool=np.arange(len(rows)).astype(str))), "nothing was recorded from 2019-05-01 to 2021-05-01"),
    "no rows": (lambda rows: rows.iloc[:0], "has no rows"),
    "no time column": (lambda rows: rows.drop(columns="ts"), "lacks the columns ts"),
    "an index without a name": (lambda rows: rows.set_index(rows["ts"].rename(None)).drop(columns="ts"), "lacks the columns ts"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_a_file_that_says_something_else_is_refused_in_one_sentence(fault: str, tmp_path: Path) -> None:
    change, sentence = REFUSED[fault]
    with pytest.raises(ValueError, match=sentence) as refused:
        read(spoilt(change), tmp_path)
    assert FILE in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is empty"),
        (b"<html>404</html>", "it begins with '.html.404./html.'"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "it is a Git LFS pointer"),
        (b"/annex/objects/SHA256E-s1\n", "it is a git-annex pointer"),
        (b"PAR1 and no more", "magic bytes not found"),
    ],
)
def test_what_is_no_parquet_file_says_what_it_is(content: bytes, sentence: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ValueError, match=f"cannot be read as Parquet: .*{sentence}"):
        recording(tmp_path)


def test_a_folder_of_parts_stands_for_a_file_and_an_empty_one_for_none(tmp_path: Path) -> None:
    folder = SAME["parts"](WHOLE, tmp_path / "parts")
    assert rows_of(recording(folder / FILE)) == rows_of(recording(folder))
    (folder / FILE / "batch" / "part-2.parquet").write_bytes((folder / FILE / "batch" / "part-1.parquet").read_bytes())
    assert recording(folder).left_out.endswith("of 300 rows left out: 100 said twice")
    (tmp_path / "empty" / FILE).mkdir(parents=True)
    with pytest.raises(ValueError, match="folder without parts"):
        recording(tmp_path / "empty")


def test_addresses_in_bytes_stay_apart(tmp_path: Path) -> None:
    names = {pool: bytes([255 - place, 1]) for place, pool in enumerate(WHOLE["pool"].unique())}
    assert set(read(WHOLE.assign(pool=WHOLE["pool"].map(names)), tmp_path).ids) == {"0xff01", "0xfe01", "0xfd01", "0xfc01"}


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    assert len(read(WHOLE, tmp_path).at) == len(WHOLE)
    assert len(read(WHOLE.iloc[:50], tmp_path).at) == 50


DAYS = st.lists(st.integers(0, 40), min_size=30, max_size=60)


@given(DAYS, st.lists(st.sampled_from([-4000, -400, 400, 3000]), max_size=3), st.randoms())
def test_only_the_few_that_are_far_from_all_others_are_taken_out(days: list[int], far: list[int], random: object) -> None:
    all_days = np.array([*days, *far])
    order = np.array(random.sample(range(len(all_days)), len(all_days)))  # type: ignore[attr-defined]
    at = np.datetime64("2021-01-01", "us") + all_days[order] * np.timedelta64(1, "D")
    is_far = far_from_the_rest(at)
    assert (is_far == ((all_days[order] < 0) | (all_days[order] > 40))).all()
    assert fault_of(at[~is_far]) == ""


def test_a_recorder_that_came_back_is_believed_and_decades_are_not() -> None:
    year = np.datetime64("2021-01-01", "us") + np.arange(0, 365, 0.5) * np.timedelta64(86_400, "s")
    after = year[:30] + np.timedelta64(500, "D")
    assert not far_from_the_rest(np.r_[year, after]).any() and fault_of(np.r_[year, after]) == ""
    months = np.arange(np.datetime64("2010-01"), np.datetime64("2031-01")).astype("datetime64[us]")
    assert "more than 20 years" in fault_of(months)
