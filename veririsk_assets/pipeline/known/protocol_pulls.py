"""What protocols need that an hour does not bring: their past once, and what is told once a day after midnight.

Whose past is stored is read from the lake: a run that was stopped is gone on with, and nothing that is stored is asked for again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from veririsk_assets.contracts import raw_protocols as raw
from veririsk_assets.contracts.protocols import LEFT_OUT, PARENT
from veririsk_assets.contracts.raw import DEFILLAMA_PROTOCOLS
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import HOUR, Window, naive, utc
from veririsk_assets.pipeline.known.once_a_day import Ask
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets.sources import coin_days, defillama_days
from veririsk_assets.sources.pull import Pull
from veririsk_assets.wire.session import Wire

# A list of protocols older than this says nothing of now.
LISTED_WITHIN = timedelta(hours=6)
# Histories an hour: DeFiLlama takes 60 calls a minute and an answer can be 10 MB; CoinGecko's free plan has 13 calls an hour for everything.
DEFILLAMA_AN_HOUR, COINGECKO_AN_HOUR = 60, 8
# A history is asked for again, for what was rewritten in it; who had none is asked again as late.
AGAIN_AFTER = timedelta(days=30)
SAME_WITHIN = 1e-9


class Followed:
    """The largest protocols of the newest list at a moment, by TVL; looked up once a day."""

    def __init__(self, house: House) -> None:
        self._house, self._of_day = house, dict[datetime, list[tuple[str, str, str | None]]]()

    def at(self, now: datetime) -> list[tuple[str, str, str | None]]:
        """(id, slug, CoinGecko id) of each; what is empty is looked up again."""
        day = defillama_days.midnight(now)
        if not self._of_day.get(day):
            self._of_day[day] = self._look_up(now)
        return self._of_day[day]

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


class Past:
    """Of whose past a table holds something, and who has none."""

    def __init__(self, house: House, table: Table, name: str) -> None:
        self._state, self._mark = house.state, f"past/{table.name}/"
        rows = house.lake.sql(f"SELECT {name} AS name, max(pulled_at) AS told FROM lake.{table.sql_name} GROUP BY ALL")
        self.known = {str(one): told.to_pydatetime() for one, told in rows.itertuples(index=False)}
        for mark, moment in self._state.starting_with(self._mark).items():
            one = mark.removeprefix(self._mark)
            self.known[one] = max(naive(utc(moment)), self.known.get(one, datetime.min))

    def due(self, names: Iterable[str], now: datetime, most: int) -> list[str]:
        """Who has not told anything, then who did so long ago; at most so many."""
        old = [name for name in dict.fromkeys(names) if now - self.known.get(name, datetime.min) >= AGAIN_AFTER]
        return sorted(old, key=lambda name: name in self.known)[:most]

    def told(self, name: str, now: datetime) -> None:
        """It is not asked again for a while, whatever of its answer is stored."""
        self.known[name] = now
        self._state.put(self._mark + name, now.isoformat())


def tvl_days(house: House, _: Window) -> Ask:
    followed, past = Followed(house), Past(house, raw.DEFILLAMA_TVL_DAYS, "protocol_id")

    def ask(wire: Wire, settings: Settings, _: Any) -> Pull | None:
        now = naive(wire.clock.now())
        slugs = {protocol_id: slug for protocol_id, slug, _ in followed.at(now)}
        due = past.due(slugs, now, DEFILLAMA_AN_HOUR)
        if not due:
            return None
        answer = defillama_days.tvl_days(wire, settings, [(one, slugs[one]) for one in due], lambda name: past.told(name, now))
        return _news(house, answer, ("protocol_id",), "tvl_usd", past, now)

    return ask


def volume_days(house: House, window: Window) -> Ask:
    followed, past = Followed(house), Past(house, raw.DEFILLAMA_VOLUME_DAYS, "metric || '/' || protocol_id")
    traders = _traders(house, window)

    def ask(wire: Wire, settings: Settings, _: Any) -> Pull | None:
        now = naive(wire.clock.now())
        ids = {protocol_id for protocol_id, _, _ in followed.at(now)}
        slugs = {f"{metric}/{one}": (metric, (one, slug)) for metric, one, slug in traders(now) if one in ids}
        due = past.due(slugs, now, DEFILLAMA_AN_HOUR)
        if not due:
            return None
        answer = defillama_days.volume_days(wire, settings, [slugs[name] for name in due], lambda name: past.told(name, now))
        return _news(house, answer, ("metric", "protocol_id"), "value_usd", past, now)

    return ask


def coin_histories(house: House, _: Window) -> Ask:
    followed, past = Followed(house), Past(house, raw.COINGECKO_COIN_DAYS, "coin_id")

    def ask(wire: Wire, settings: Settings, _: Any) -> Pull | None:
        now = naive(wire.clock.now())
        is_free = settings.source == "live" and settings.coingecko_plan != "pro"
        due = past.due(_coins(followed.at(now)), now, COINGECKO_AN_HOUR if is_free else DEFILLAMA_AN_HOUR)
        if not due:
            return None
        answer = coin_days.coin_days(wire, settings, due, lambda name: past.told(name, now))
        return _news(house, answer, ("coin_id",), "price_usd", past, now)

    return ask


def volumes(house: House, window: Window) -> Ask:
    return _after_midnight(house, window, raw.DEFILLAMA_VOLUMES, lambda wire, settings, _: defillama_days.volumes(wire, settings))


def tokens(house: House, window: Window) -> Ask:
    followed = Followed(house)

    def ask(wire: Wire, settings: Settings, now: datetime) -> Pull | None:
        coins = _coins(followed.at(now))
        return coin_days.tokens(wire, settings, coins) if coins else None

    return _after_midnight(house, window, raw.COINGECKO_TOKENS, ask)


def chain_tvl(house: House, window: Window) -> Ask:
    def ask(wire: Wire, settings: Settings, _: datetime) -> Pull:
        return _new_or_different(house, defillama_days.chain_tvl_days(wire, settings), (), "tvl_usd")

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


def _news(house: House, answer: Pull, names: tuple[str, ...], value: str, past: Past, now: datetime) -> Pull:
    """Of an answer what is not stored yet. Who answered with nothing new, or with nothing, is remembered: the lake would not know."""
    for part in answer.parts:
        if not part["source"]:
            continue
        name = "/".join(str(part[column][0]) for column in names)
        if name in past.known:
            past.told(name, now)
        past.known[name] = now
    return _new_or_different(house, answer, names, value)


def _new_or_different(house: House, answer: Pull, names: tuple[str, ...], value: str) -> Pull:
    """Days that are not stored, or whose newest version differs."""
    table = answer.table
    parts = []
    for part in answer.parts:
        if not part["source"]:
            continue
        where = " AND ".join(("true", *(f"{name} = ?" for name in names)))
        stored = house.lake.sql(
            f"SELECT observed_at, arg_max({value}, pulled_at) AS value FROM lake.{table.sql_name} WHERE {where} AND NOT is_provisional GROUP BY observed_at",
            [part[name][0] for name in names],
        )
        known = dict(zip(stored["observed_at"].dt.to_pydatetime(), stored["value"], strict=True))
        kept = [not _is_same(known.get(at), said) for at, said in zip(part["observed_at"], part[value], strict=True)]
        if any(kept):
            parts.append({name: [one for one, keep in zip(column, kept, strict=True) if keep] for name, column in part.items()})
    return Pull(table, tuple(parts), answer.shortfall, answer.note)


def _is_same(known: float | None, said: float) -> bool:
    return known is not None and (known == said or abs(known - said) <= SAME_WITHIN * abs(known) or (known != known and said != said))


def waiting(house: House, now: datetime) -> Mapping[str, tuple[int, int]]:
    """By kind of history: of how many followed protocols it is stored or known to be none, and of how many there are."""
    followed = Followed(house).at(now)
    of = {raw.DEFILLAMA_TVL_DAYS: ("protocol_id", [one for one, _, _ in followed]), raw.COINGECKO_COIN_DAYS: ("coin_id", _coins(followed))}
    return {table.name: (sum(one in Past(house, table, name).known for one in names), len(names)) for table, (name, names) in of.items()}
