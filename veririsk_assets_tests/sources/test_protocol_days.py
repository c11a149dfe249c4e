"""What sources tell of protocols' past: dated by the day it is about, known when it could be, and odd points are none."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from veririsk_assets.contracts import raw_protocols as raw
from veririsk_assets.contracts.windows import naive, utc
from veririsk_assets.lake.quality import check
from veririsk_assets.settings import Settings
from veririsk_assets.sources import coin_days, defillama_days
from veririsk_assets.wire.errors import NotFoundError, SourceError
from veririsk_assets_tests.sources.answers import NOW, Answers, wire

TODAY = naive(NOW).replace(hour=0, minute=0)
DAY = timedelta(days=1)


def second(moment: datetime) -> int:
    return int(utc(moment).timestamp())


def history(*points: tuple[datetime, Any]) -> dict[str, Any]:
    return {"id": "7", "name": "One", "tvl": [{"date": second(at), "totalLiquidityUSD": value} for at, value in points]}


def tvl(settings: Settings, *bodies: Any, forgotten: list[str] | None = None) -> Any:
    told = list(bodies)
    asked = [(str(i), f"slug {i}/x") for i in range(len(told))]
    answers = Answers(lambda _: told.pop(0))
    found = defillama_days.tvl_days(wire(answers), settings, asked, (forgotten if forgotten is not None else []).append)
    return found, answers


def test_a_day_of_tvl_is_known_an_hour_after_it_began(settings: Settings) -> None:
    found, answers = tvl(settings, history((TODAY - DAY, 5.0), (TODAY, 6.0), (naive(NOW) - timedelta(minutes=7), 9.0)))
    frame = found.frame
    assert answers.urls == ["https://api.llama.fi/protocol/slug%200%2Fx"]
    assert frame["observed_at"].tolist() == [TODAY - DAY, TODAY]  # of today its beginning counts, not the point of now
    assert frame["tvl_usd"].tolist() == [5.0, 6.0]
    assert frame["available_at"].tolist() == [TODAY - DAY + timedelta(hours=1), TODAY + timedelta(hours=1)]
    assert set(frame["observed_kind"]) == {"start_of_day"}
    assert not frame["is_provisional"].any()
    assert set(frame["endpoint"]) == {"https://api.llama.fi/protocol/{slug}"}
    assert not check(raw.DEFILLAMA_TVL_DAYS, frame).faults.size


def test_a_history_that_ends_within_today_is_provisional_there(settings: Settings) -> None:
    frame = tvl(settings, history((TODAY - DAY, 5.0), (TODAY + timedelta(hours=3), 6.0)))[0].frame
    assert frame["is_provisional"].tolist() == [False, True]
    assert frame["available_at"].tolist()[1] == naive(NOW)


def test_odd_points_are_none_and_a_broken_value_is_a_fault(settings: Settings) -> None:
    body = {
        "tvl": [
            {"date": second(TODAY - 3 * DAY), "totalLiquidityUSD": 1.0},
            {"date": second(TODAY - 3 * DAY), "totalLiquidityUSD": 2.0},  # the same day again
            {"date": 1000 * second(TODAY - 2 * DAY), "totalLiquidityUSD": 3.0},  # milliseconds
            {"date": second(TODAY + 5 * DAY), "totalLiquidityUSD": 4.0},  # to come
            {"date": str(second(TODAY - DAY)), "totalLiquidityUSD": "5.5"},
            {"date": None, "totalLiquidityUSD": 6.0},
            {"totalLiquidityUSD": 7.0},
            "nonsense",
            {"date": second(TODAY - 4 * DAY), "totalLiquidityUSD": None},
            {"date": second(TODAY - 5 * DAY), "totalLiquidityUSD": -8.0},
        ]
    }
    frame = tvl(settings, body)[0].frame.set_index("observed_at")["tvl_usd"]
    known = {TODAY - 3 * DAY: 1.0, TODAY - DAY: 5.5, TODAY - 4 * DAY: np.nan, TODAY - 5 * DAY: -8.0}
    assert frame.to_dict() == pytest.approx(known, nan_ok=True)
    checked = check(raw.DEFILLAMA_TVL_DAYS, tvl(settings, body)[0].frame)
    assert len(checked.rows) == 4
    assert len(checked.faults) == 2  # a missing TVL and one below 0: the rows stay, without a value


def test_who_has_nothing_is_forgotten_for_a_while_and_the_others_come(settings: Settings) -> None:
    forgotten: list[str] = []
    found, _ = tvl(settings, history((TODAY, 5.0)), {"tvl": []}, history((TODAY, 6.0)), forgotten=forgotten)
    assert found.frame["protocol_id"].tolist() == ["0", "2"]
    assert forgotten == ["1"]


def test_an_unknown_slug_ends_nothing_and_is_forgotten(settings: Settings) -> None:
    forgotten: list[str] = []
    line = wire(Answers(lambda _: history((TODAY, 5.0))))
    get = line.get_json

    def first_gone(*given: Any, **named: Any) -> Any:
        line.get_json = get  # type: ignore[method-assign]
        raise NotFoundError("HTTP 404")

    line.get_json = first_gone  # type: ignore[method-assign]
    found = defillama_days.tvl_days(line, settings, [("0", "a"), ("1", "b")], forgotten.append)
    assert found.frame["protocol_id"].tolist() == ["1"]
    assert forgotten == ["0"]
    assert "404" in found.shortfall


@pytest.mark.parametrize("body", [{"message": "down", "error": "down"}, [], {"tvl": None}, "not json", None])
def test_what_is_no_history_is_an_error(settings: Settings, body: Any) -> None:
    with pytest.raises(SourceError):
        defillama_days.tvl_days(wire(Answers(lambda _: body)), settings, [("0", "a")], lambda _: None)


def test_a_days_volume_is_known_with_the_next_one_and_todays_is_provisional(settings: Settings) -> None:
    chart = [[second(TODAY - 2 * DAY), 10.0], [second(TODAY - DAY), 11], [second(TODAY), 3.0], ["x"], None, [second(TODAY - 3 * DAY), None]]
    answers = Answers(lambda _: {"name": "One", "totalDataChart": chart})
    frame = defillama_days.volume_days(wire(answers), settings, [("dexs", ("7", "one"))], lambda _: None).frame.sort_values("observed_at")
    assert answers.urls == ["https://api.llama.fi/summary/dexs/one"]
    assert frame["is_provisional"].tolist() == [False, False, False, True]
    assert frame["available_at"].tolist()[1:3] == [TODAY - DAY + timedelta(hours=1), TODAY + timedelta(hours=1)]
    assert set(frame["observed_kind"]) == {"end_of_day"}
    assert frame["value_usd"].tolist()[1:] == [10.0, 11.0, 3.0]


def test_an_overview_says_who_trades_and_who_earns(settings: Settings) -> None:
    rows = [{"defillamaId": "7", "slug": "one", "total24h": 5.5}, {"defillamaId": 8, "slug": "two", "total24h": None}, {}]
    answers = Answers(lambda _: {"protocols": rows, "total24h": 5.5})
    frame = defillama_days.volumes(wire(answers), settings).frame
    assert [url.partition("?")[0] for url in answers.urls] == [f"https://api.llama.fi/overview/{metric}" for metric in ("dexs", "fees")]
    assert answers.query(0) == {"excludeTotalDataChart": "true", "excludeTotalDataChartBreakdown": "true"}
    assert frame["value_24h_usd"].tolist()[0] == 5.5
    assert check(raw.DEFILLAMA_VOLUMES, frame).rows["protocol_id"].tolist().count("7") == 2


def test_a_coins_day_is_known_at_half_past_midnight(settings: Settings) -> None:
    def milliseconds(at: datetime) -> int:
        return 1000 * second(at)

    stamps = [TODAY - DAY, TODAY, naive(NOW)]
    series = {name: [[milliseconds(at), 2.0 + i] for i, at in enumerate(stamps)] for name in ("prices", "market_caps", "total_volumes")}
    series["market_caps"] = series["market_caps"][1:]
    series["prices"] += [[None, 1.0], ["x"], [milliseconds(TODAY - 9 * DAY), 0.0]]
    answers = Answers(lambda _: series)
    frame = coin_days.coin_days(wire(answers), settings, ["a/coin"], lambda _: None).frame.sort_values("observed_at")
    assert answers.urls[0].startswith("https://api.coingecko.com/api/v3/coins/a%2Fcoin/market_chart?")
    assert answers.query(0) == {"vs_currency": "usd", "days": "365"}
    assert frame["observed_at"].tolist() == [TODAY - 9 * DAY, TODAY - DAY, TODAY]
    assert frame["price_usd"].tolist() == [0.0, 2.0, 3.0]
    assert frame["market_cap_usd"].tolist()[1:] == pytest.approx([np.nan, 3.0], nan_ok=True)
    assert frame["available_at"].tolist()[1:] == [TODAY - DAY + timedelta(minutes=35), TODAY + timedelta(minutes=35)]
    checked = check(raw.COINGECKO_COIN_DAYS, frame)
    assert checked.rows["price_usd"].isna().tolist() == [True, False, False]  # a price of 0 is none


def test_with_a_key_the_pro_host_answers_and_is_not_told(settings: Settings) -> None:
    paid = settings.model_copy(update={"defillama_api_key": type(settings.defillama_api_key)("secret-key-0123456789")})
    answers = Answers(lambda _: [{"date": second(TODAY), "tvl": 5.0}])
    frame = defillama_days.chain_tvl_days(wire(answers), paid).frame
    assert answers.urls == ["https://pro-api.llama.fi/secret-key-0123456789/api/v2/historicalChainTvl"]
    assert not frame["endpoint"].str.contains("secret").any()
