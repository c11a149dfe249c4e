"""What DeFiLlama and CoinGecko would answer about the simulated market at one hour: their JSON, field by field.

Shapes: recorded and official examples. Nothing of the ground truth is in a reply; DeFiLlama's `poolMeta` carries the
pool's name. Unknown ids are silently missing, as at the sources.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

from veririsk_assets.simulation.catalogue import Pool
from veririsk_assets.simulation.market import Market, as_of_at
from veririsk_assets.simulation.tokens import Token

PRICED_AFTER = timedelta(minutes=20)
PER_PAGE = 250
# The fields of DeFiLlama's rows that it computes itself and that we do not imitate.
UNSAID = {
    "apyReward": None,
    "rewardTokens": None,
    "apyPct1D": None,
    "apyPct7D": None,
    "apyPct30D": None,
    "predictions": {"predictedClass": None, "predictedProbability": None, "binnedConfidence": None},
    "outlier": False,
    "il7d": None,
    "apyBase7d": None,
    "apyMean30d": None,
    "apyBaseInception": None,
}


class Hour:
    """The market as it is seen at one hour: plain numbers, ready to be written into replies."""

    def __init__(self, market: Market, as_of: datetime) -> None:
        self.market, self.row = market, market.index(as_of)
        self.as_of = as_of_at(self.row)

    @cached_property
    def values(self) -> dict[str, list[float]]:
        seen = self.market.observe(self.row, self.row + 1)
        return {name: array[0].tolist() for name, array in seen.items()}


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def defillama_pools(hour: Hour, missing: Collection[str] = ()) -> dict[str, Any]:
    """`GET https://yields.llama.fi/pools`: every pool, no timestamp; USD whole, percents."""
    values = hour.values
    rows = []
    for pool, fixed in _defillama_rows(hour.market.pools):
        i = pool.index
        apy = round(values["apy"][i], 5)
        is_trading = pool.kind != "lending"
        rows.append(
            fixed
            | {
                "tvlUsd": round(values["tvl_usd"][i]),
                "apy": apy,
                "apyBase": apy,
                "count": hour.row // 24 + 1,
                "volumeUsd1d": round(values["volume_24h_usd"][i], 2) if is_trading else None,
            }
        )
    return {"status": "success", "data": [row for row in rows if row["pool"] not in missing]}


@lru_cache(maxsize=8)
def _defillama_rows(pools: tuple[Pool, ...]) -> list[tuple[Pool, dict[str, Any]]]:
    return [
        (
            pool,
            {
                "chain": "Ethereum",
                "project": pool.project,
                "symbol": pool.symbol,
                "pool": pool.uuid,
                "stablecoin": all(token.is_stable for token in pool.tokens),
                "ilRisk": "yes" if pool.kind == "volatile" else "no",
                "exposure": "single" if len(pool.tokens) == 1 else "multi",
                "poolMeta": pool.name,
                "underlyingTokens": [token.address for token in pool.tokens],
                "volumeUsd7d": None,
                "mu": None,
                "sigma": None,
            }
            | UNSAID,
        )
        for pool in pools
    ]


def coingecko_markets(
    hour: Hour, ids: Collection[str] | None = None, page: int = 1, per_page: int = PER_PAGE, missing: Collection[str] = ()
) -> list[dict[str, Any]]:
    """`GET /coins/markets?vs_currency=usd`: prices of the tokens outside the pools; all of them without `ids`."""
    prices = hour.values["token_price_usd"]
    day_ago = hour.market.observe(max(hour.row - 24, 0), max(hour.row - 24, 0) + 1)["token_price_usd"][0].tolist()
    updated = iso(hour.as_of + PRICED_AFTER)
    rows = [
        _coin(token, prices[i], day_ago[i], updated)
        for i, token in enumerate(hour.market.tokens)
        if (ids is None or token.coin_id in ids) and token.coin_id not in missing
    ]
    rows.sort(key=lambda row: -row["market_cap"])
    return rows[(page - 1) * per_page : page * per_page]


def _coin(token: Token, price: float, day_ago: float, updated: str) -> dict[str, Any]:
    return {
        "id": token.coin_id,
        "symbol": token.symbol.lower(),
        "name": token.symbol,
        "current_price": float(f"{price:.8g}"),
        "market_cap": round(price * token.supply),
        "market_cap_rank": None,
        "fully_diluted_valuation": None,
        "total_volume": round(0.05 * price * token.supply),
        "high_24h": None,
        "low_24h": None,
        "price_change_24h": price - day_ago,
        "price_change_percentage_24h": round(100 * (price / day_ago - 1), 5),
        "circulating_supply": token.supply,
        "total_supply": token.supply,
        "max_supply": None,
        "roi": None,
        "last_updated": updated,
    }


def coingecko_coins(hour: Hour, missing: Collection[str] = ()) -> list[dict[str, Any]]:
    """`GET /coins/list?include_platform=true`: which address is which coin."""
    return [
        {"id": t.coin_id, "symbol": t.symbol.lower(), "name": t.symbol, "platforms": {"ethereum": t.address} if int(t.address, 16) else {}}
        for t in hour.market.tokens
        if t.coin_id not in missing
    ]
