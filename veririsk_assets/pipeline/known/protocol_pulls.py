"""What protocols need that an hour does not bring: their past once, and what is told once a day after midnight."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from veririsk_assets.contracts import raw_protocols as raw
from veririsk_assets.contracts.protocols import LEFT_OUT, PARENT
from veririsk_assets.contracts.raw import DEFILLAMA_PROTOCOLS
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import DAY_DECISION_DELAY, HOUR, Window, naive
from veririsk_assets.pipeline.known.once_a_day import Ask
from veririsk_assets.pipeline.known.past import Past, Versions
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets.sources import coin_days, defillama_days
from veririsk_assets.sources.pull import Pull
from veririsk_assets.wire.session import Wire

# A list of protocols older than this says nothing of now.
LISTED_WITHIN = timedelta(hours=6)
# Histories an hour: DeFiLlama takes 60 calls a minute and an answer can be 10 MB; CoinGecko's free plan has 13 calls an hour for everything.
DEFILLAMA_AN_HOUR, COINGECKO_AN_HOUR = 60, 8


class Followed:
    """The largest protocols of the newest list at a moment, by TVL; looked up once a day, where there was no list every six hours."""

    def __init__(self, house: House) -> None:
        self._house, self._of_day = house, dict[datetime, list[tuple[str, str, str | None]]]()
        self._next_look = datetime.min

    def at(self, now: datetime) -> list[tuple[str, str, str | None]]:
        """(id, slug, CoinGecko id) of each. `now` never goes back."""
        day = defillama_days.midnight(now)
        if not self._of_day.get(day) and now >= self._next_look:
            self._of_day[day] = self._look_up(now)
            self._next_look = datetime.min if self._of_day[day] else now + LISTED_WITHIN
        return self._of_day.get(day, [])

    def _look_up(self, now: datetime) -> list[tuple[str, str, str | None]]:
        settings, left_out = self._house.settings, ", ".join(f"'{name}'" for name in LEFT_OUT)
        rows = self._house.lake.sql(
            "SELECT protocol_id, arg_max(slug, pulled_at) AS slug, arg_max(gecko_id, pulled_at) AS gecko_id, arg_max(tvl_usd, pulled_at) AS tvl "
            f"FROM lake.{DEFILLAMA_PROTOCOLS.sql_name} WHERE pulled_at > ? AND pulled_at <= ? AND coalesce(category, '') NOT IN ({left_out}) "
            f"AND protocol_id NOT LIKE '{PARENT}%' GROUP BY protocol_id HAVING tvl >= ? ORDER BY tvl DESC, protocol_id LIMIT ?",
            [now - LISTED_WITHIN, now, settings.min_tvl_usd, settings.max_protocols],
        )
        gecko = rows["gecko_id"].astype(object).where(rows["gecko_id"].notna(), None)
        return list(zip(rows["protocol_id"], rows["slug"], gecko, strict=True))


def tvl_days(house: House, _: Window) -> Ask:
    followed, past = Followed(house), Past(house, raw.DEFILLAMA_TVL_DAYS, "protocol_id")
    versions = Versions(house, raw.DEFILLAMA_TVL_DAYS, ("protocol_id",), "tvl_usd")

    def ask(wire: Wire, settings: Settings, _: Any) -> Pull | None:
        now = naive(wire.clock.now())
        slugs = {protocol_id: slug for protocol_id, slug, _ in followed.at(now)}
        due = past.due(slugs, now, DEFILLAMA_AN_HOUR)
        if not due:
            return None
        answer = defillama_days.tvl_days(wire, settings, [(one, slugs[one]) for one in due], lambda name: past.had_none(name, now))
        return _news(answer, versions, ("protocol_id",), past, now)

    return ask


def volume_days(house: House, window: Window) -> Ask:
    followed, past = Followed(house), Past(house, raw.DEFILLAMA_VOLUME_DAYS, "metric || '/' || protocol_id")
    versions = Versions(house, raw.DEFILLAMA_VOLUME_DAYS, ("metric", "protocol_id"), "value_usd")
    traders = _traders(house, window)

    def ask(wire: Wire, settings: Settings, _: Any) -> Pull | None:
        now = naive(wire.clock.now())
        ids = {protocol_id for protocol_id, _, _ in followed.at(now)}
        slugs = {f"{metric}/{one}": (metric, (one, slug)) for metric, one, slug in traders(now) if one in ids}
        due = past.due(slugs, now, DEFILLAMA_AN_HOUR)
        if not due:
            return None
        answer = defillama_days.volume_days(wire, settings, [slugs[name] for name in due], lambda name: past.had_none(name, now))
        return _news(answer, versions, ("metric", "protocol_id"), past, now)

    return ask


def coin_histories(house: House, _: Window) -> Ask:
    followed, past = Followed(house), Past(house, raw.COINGECKO_COIN_DAYS, "coin_id")
    versions = Versions(house, raw.COINGECKO_COIN_DAYS, ("coin_id",), "price_usd")

    def ask(wire: Wire, settings: Settings, _: Any) -> Pull | None:
        now = naive(wire.clock.now())
        due = past.due(_coins(followed.at(now)), now, coins_an_hour(settings))
        if not due:
            return None
        answer = coin_days.coin_days(wire, settings, due, lambda name: past.had_none(name, now))
        return _news(answer, versions, ("coin_id",), past, now)

    return ask


def volumes(house: House, window: Window) -> Ask:
    followed = Followed(house)

    def ask(wire: Wire, settings: Settings, now: datetime) -> Pull | None:
        return defillama_days.volumes(wire, settings) if followed.at(now) else None

    return _after_midnight(house, window, raw.DEFILLAMA_VOLUMES, ask)


def tokens(house: House, window: Window) -> Ask:
    followed = Followed(house)

    def ask(wire: Wire, settings: Settings, now: datetime) -> Pull | None:
        coins = _coins(followed.at(now))
        return coin_days.tokens(wire, settings, coins) if coins else None

    return _after_midnight(house, window, raw.COINGECKO_TOKENS, ask)


def chain_tvl(house: House, window: Window) -> Ask:
    followed, versions = Followed(house), Versions(house, raw.DEFILLAMA_CHAIN_TVL_DAYS, (), "tvl_usd")

    def ask(wire: Wire, settings: Settings, now: datetime) -> Pull | None:
        return versions.news(defillama_days.chain_tvl_days(wire, settings)) if followed.at(now) else None

    return _after_midnight(house, window, raw.DEFILLAMA_CHAIN_TVL_DAYS, ask)


def _after_midnight(house: House, window: Window, table: Table, ask: Callable[[Wire, Settings, datetime], Pull | None]) -> Ask:
    """Asked in the first hour of a UTC day that has no answer yet."""
    rows = house.lake.sql(
        f"SELECT DISTINCT date_trunc('day', pulled_at) AS day FROM lake.{table.sql_name} WHERE pulled_at > ? AND pulled_at <= ?",
        [naive(window.start - 24 * HOUR), naive(window.end + HOUR)],
    )
    days = {day.to_pydatetime() for day in rows["day"]}

    def asked(wire: Wire, settings: Settings, _: Any) -> Pull | None:
        now = naive(wire.clock.now())
        day = defillama_days.midnight(now)
        if day in days:
            return None
        answer = ask(wire, settings, now)
        if answer is not None and len(answer):
            days.add(day)
        return answer

    return asked


def _coins(followed: Sequence[tuple[str, str, str | None]]) -> list[str]:
    return list(dict.fromkeys(coin for _, _, coin in followed if coin))


def _traders(house: House, window: Window) -> Callable[[datetime], Iterator[tuple[str, str, str]]]:
    """(metric, id, slug) of protocols with volume or fees, of the newest overview by a moment."""
    rows = house.lake.sql(
        f"SELECT metric, protocol_id, slug, min(pulled_at) AS since FROM lake.{raw.DEFILLAMA_VOLUMES.sql_name} WHERE slug IS NOT NULL AND pulled_at <= ? GROUP BY ALL ORDER BY ALL",
        [naive(window.end + HOUR)],
    )
    known = list(rows.itertuples(index=False))
    return lambda now: ((str(metric), str(one), str(slug)) for metric, one, slug, since in known if since <= now)


def _news(answer: Pull, versions: Versions, names: tuple[str, ...], past: Past, now: datetime) -> Pull:
    """Of an answer what is not stored yet. Who has told everything before is remembered: the lake would not know."""
    for part in answer.parts:
        if part["source"]:
            own = tuple(part[column][0] for column in names)
            name = "/".join(map(str, own))
            if name in past.known:
                past.told(name, now)
            else:
                versions.is_first(own)
            past.known[name] = now
    return versions.news(answer)


def outlook(house: House) -> Iterator[str]:
    """In a sentence each, how much of the past is there, and from which day on a model can be trained on it."""
    now = naive(house.now())
    followed = Followed(house).at(now)
    if not followed:
        yield "no list of protocols is younger than 6 hours: nobody's past is asked for"
        return
    kinds = (
        ("histories of TVL", raw.DEFILLAMA_TVL_DAYS, "protocol_id", [one for one, _, _ in followed], DEFILLAMA_AN_HOUR),
        ("histories of tokens", raw.COINGECKO_COIN_DAYS, "coin_id", _coins(followed), coins_an_hour(house.settings)),
    )
    for what, table, name, names, an_hour in kinds:
        past = Past(house, table, name)
        left = sum(not past.rests(one, now) for one in names)
        hours = -(-left // an_hour)
        until = f"{left} are still to come, at {an_hour} an hour: by {now + hours * HOUR:%Y-%m-%d %H}:30" if left else "all that there are"
        yield f"{len(names) - left} of {len(names)} {what} are asked for, {until}"
        if table is raw.DEFILLAMA_TVL_DAYS:
            yield f"a model can be trained from {_scored_after(now + hours * HOUR):%Y-%m-%d %H:%M} on: that day's run takes in what was told by then"


def coins_an_hour(settings: Settings) -> int:
    """The free plans have 13 calls an hour for everything; a replayed world has no budget."""
    return COINGECKO_AN_HOUR if settings.source == "live" and settings.coingecko_plan != "pro" else DEFILLAMA_AN_HOUR


def _scored_after(moment: datetime) -> datetime:
    """The first decision about a day after a moment."""
    decided = defillama_days.midnight(moment) + DAY_DECISION_DELAY
    return decided if moment <= decided else decided + 24 * HOUR
