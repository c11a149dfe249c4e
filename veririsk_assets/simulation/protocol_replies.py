"""What DeFiLlama and CoinGecko would answer about the simulated protocols: now, and of every day that is over."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from veririsk_assets.contracts.windows import PULL_DELAY
from veririsk_assets.simulation.protocols import FIRST_DAY, TRADING, Protocol, Protocols
from veririsk_assets.simulation.replies import PRICED_AFTER, Hour, iso

DAY = timedelta(days=1)
METRICS = ("dexs", "fees")
UNPRICED = ("market_cap_rank", "fully_diluted_valuation", "high_24h", "low_24h", "price_change_24h", "price_change_percentage_24h", "roi")


class UnknownName(LookupError):
    """Nobody here has that slug or id."""


def defillama_protocols(hour: Hour, missing: Collection[str] = ()) -> list[dict[str, Any]]:
    """`GET https://api.llama.fi/protocols`: TVL and market capitalisation of every protocol, USD; changes in percent."""
    protocols = hour.market.protocols
    tvl, price = protocols.at_hour(hour.row)
    before = {name: protocols.at_hour(max(hour.row - h, 0))[0] for name, h in (("change_1h", 1), ("change_1d", 24), ("change_7d", 168))}
    rows = []
    for one in protocols.all:
        i = one.index
        total = float(tvl[i])
        rows.append(
            {
                "id": one.id,
                "name": one.name,
                "slug": one.slug,
                "symbol": "-" if one.pools else one.slug.upper()[:5],
                "category": one.category,
                "chain": one.chains[0] if len(one.chains) == 1 else "Multi-Chain",
                "chains": list(one.chains),
                "tvl": total,
                "chainTvls": {chain: total / len(one.chains) for chain in one.chains},
                "mcap": round(float(price[i]) * protocols.supply(one)) if one.coin_id else None,
                "gecko_id": one.coin_id or None,
                "cmcId": None,
            }
            | {name: round(float(100 * (tvl[i] / past[i] - 1)), 6) for name, past in before.items()}
        )
    return [row for row in rows if row["slug"] not in missing]


def protocol(hour: Hour, slug: str) -> dict[str, Any]:
    """`GET /protocol/{slug}`: TVL at the start of every day, and a last point of now. Raises UnknownName."""
    protocols = hour.market.protocols
    one = _found(protocols.by_slug(slug), slug)
    stop = protocols.day_of(hour.as_of) + 1
    tvl = protocols.tvl_days(stop)[:, one.index].tolist()
    points = [{"date": _second(FIRST_DAY + day * DAY), "totalLiquidityUSD": value} for day, value in enumerate(tvl)]
    points.append({"date": _second(hour.as_of + PULL_DELAY), "totalLiquidityUSD": float(protocols.at_hour(hour.row)[0][one.index])})
    return {"id": one.id, "name": one.name, "currentChainTvls": dict.fromkeys(one.chains), "tvl": points, "hallmarks": []}


def summary(hour: Hour, metric: str, slug: str) -> dict[str, Any]:
    """`GET /summary/{metric}/{slug}`: the sum of every day, today's as far as it has come. Raises UnknownName."""
    protocols = hour.market.protocols
    one = _found(protocols.by_slug(slug), slug)
    if not _has(one, metric):
        raise UnknownName(f"{slug} has no {metric}")
    today = protocols.day_of(hour.as_of)
    values = _sums(protocols, metric, today + 1)[:, one.index].tolist()
    values[-1] *= (hour.as_of.hour + 0.45) / 24
    chart = [[_second(FIRST_DAY + day * DAY), value] for day, value in enumerate(values)]
    return {"name": one.name, "total24h": values[-2], "totalDataChart": chart, "chains": list(one.chains)}


def overview(hour: Hour, metric: str) -> dict[str, Any]:
    """`GET /overview/{metric}`: what every protocol that has any took in the last 24 hours."""
    protocols = hour.market.protocols
    today, share = protocols.day_of(hour.as_of), hour.as_of.hour / 24
    sums = _sums(protocols, metric, today + 1)
    last = (1 - share) * sums[today - 1] + share * sums[today]
    rows = [
        {"defillamaId": one.id, "name": one.name, "displayName": one.name, "slug": one.slug, "total24h": round(float(last[one.index]), 2)}
        for one in protocols.all
        if _has(one, metric)
    ]
    return {"protocols": rows, "total24h": sum(row["total24h"] for row in rows)}


def chain_tvl(hour: Hour) -> list[dict[str, Any]]:
    """`GET /v2/historicalChainTvl`: all protocols together at the start of every day."""
    protocols = hour.market.protocols
    total = protocols.tvl_days(protocols.day_of(hour.as_of) + 1).sum(axis=1).tolist()
    return [{"date": _second(FIRST_DAY + day * DAY), "tvl": value} for day, value in enumerate(total)]


def market_chart(hour: Hour, coin_id: str, days: str) -> dict[str, Any]:
    """`GET /coins/{id}/market_chart`: a point a day at 00:00, and a last one of now. Raises UnknownName."""
    protocols = hour.market.protocols
    one = _found(next((one for one in protocols.all if one.coin_id and one.coin_id == coin_id), None), coin_id)
    stop = protocols.day_of(hour.as_of) + 1
    first = 0 if days == "max" else max(stop - int(days), 0)
    said = protocols.days(stop)
    stamps = [1000 * _second(FIRST_DAY + day * DAY) for day in range(first, stop)] + [1000 * _second(hour.as_of + PULL_DELAY)]
    price = [*said.price_usd[first:, one.index].tolist(), float(protocols.at_hour(hour.row)[1][one.index])]
    volume = said.volume_usd[first:, one.index]
    series = {
        "prices": price,
        "market_caps": [value * protocols.supply(one) for value in price],
        "total_volumes": [*volume.tolist(), float(volume[-1])],
    }
    return {name: [[at, value] for at, value in zip(stamps, values, strict=True)] for name, values in series.items()}


def tokens(hour: Hour, ids: Collection[str]) -> list[dict[str, Any]]:
    """Rows of `GET /coins/markets` about the tokens of protocols."""
    protocols = hour.market.protocols
    price = protocols.at_hour(hour.row)[1]
    return [
        dict.fromkeys(UNPRICED)
        | {
            "id": one.coin_id,
            "symbol": one.slug,
            "name": one.name,
            "current_price": float(price[one.index]),
            "market_cap": round(float(price[one.index]) * protocols.supply(one)),
            "total_volume": round(0.05 * float(price[one.index]) * protocols.supply(one)),
            "circulating_supply": protocols.supply(one),
            "last_updated": iso(hour.as_of + PRICED_AFTER),
        }
        for one in protocols.all
        if one.coin_id and one.coin_id in ids
    ]


def _found(one: Protocol | None, name: str) -> Protocol:
    if one is None:
        raise UnknownName(f"{name} is not known")
    return one


def _sums(protocols: Protocols, metric: str, stop: int) -> np.ndarray:
    days = protocols.days(stop)
    return (days.volume_usd if metric == "dexs" else days.fees_usd).copy()


def _has(one: Protocol, metric: str) -> bool:
    return metric == "fees" or one.category in TRADING


def _second(moment: datetime) -> int:
    return int(moment.timestamp())
