"""What Hyperliquid, DeFiLlama's stablecoins host, alternative.me, an Ethereum node and Aave's subgraph would answer."""

import json
from collections.abc import Collection
from datetime import timedelta
from typing import Any

import numpy as np

from veririsk_assets.contracts.vocabulary import AAVE_ASSETS
from veririsk_assets.simulation.onchain_replies import graph_error, meta
from veririsk_assets.simulation.replies import Hour
from veririsk_assets.simulation.tokens import SHARED

# Perpetual → open interest in coins and largest leverage.
PERPS = {"BTC": (30_000.0, 40), "ETH": (600_000.0, 25)}
STABLECOINS = {"tether": ("1", "Tether"), "usd-coin": ("2", "USD Coin"), "dai": ("5", "Dai")}
# Supplied to each reserve of AAVE_ASSETS, USD at base prices.
SUPPLIED_USD = (1.2e9, 2.5e9, 2.8e9, 4.5e9)
TOKENS = {token.symbol: (place, token) for place, token in enumerate(SHARED)}
WEI_PER_GWEI = 10**9
CLASSES = ((25, "Extreme Fear"), (46, "Fear"), (55, "Neutral"), (76, "Greed"), (101, "Extreme Greed"))


def hyperliquid_markets(hour: Hour, body: str, missing: Collection[str] = ()) -> list[Any] | None:
    """`POST /info` with `{"type": "metaAndAssetCtxs"}`: names and contexts, joined by place; null for another type."""
    if json.loads(body or "{}").get("type") != "metaAndAssetCtxs":
        return None
    seen = hour.market.climate(hour.row)
    names = [name for name in PERPS if name not in missing]
    contexts = [_context(seen, list(PERPS).index(name), name) for name in names]
    return [{"universe": [{"name": name, "szDecimals": 4, "maxLeverage": PERPS[name][1]} for name in names]}, contexts]


def _context(seen: dict[str, np.ndarray], i: int, name: str) -> dict[str, Any]:
    oracle, coins = float(seen["price_usd"][TOKENS[name][0]]), PERPS[name][0] * float(np.exp(seen["open_interest"]))
    mark = oracle * (1 + float(seen["premium"][i]))
    return {
        "dayNtlVlm": f"{3 * coins * oracle:.2f}",
        "funding": f"{seen['funding'][i]:.10f}",
        "impactPxs": [f"{mark:.2f}", f"{mark:.2f}"],
        "markPx": f"{mark:.2f}",
        "midPx": f"{mark:.2f}",
        "openInterest": f"{coins:.5f}",
        "oraclePx": f"{oracle:.2f}",
        "premium": f"{seen['premium'][i]:.10f}",
        "prevDayPx": f"{oracle:.2f}",
    }


def stablecoins(hour: Hour, missing: Collection[str] = ()) -> dict[str, Any]:
    """`GET https://stablecoins.llama.fi/stablecoins?includePrices=true`: amounts in pegged units."""
    seen = hour.market.climate(hour.row)
    by_id = {token.coin_id: (place, token) for place, token in TOKENS.values()}
    assets = []
    for i, (coin_id, (number, name)) in enumerate(STABLECOINS.items()):
        place, token = by_id[coin_id]
        assets.append(
            {
                "id": number,
                "name": name,
                "symbol": token.symbol,
                "gecko_id": coin_id,
                "pegType": "peggedUSD",
                "pegMechanism": "crypto-backed" if coin_id == "dai" else "fiat-backed",
                "circulating": {"peggedUSD": round(token.supply * float(np.exp(seen["supply"][i])), 2)},
                "chains": ["Ethereum"],
                "price": round(float(seen["price_usd"][place]), 6),
            }
        )
    return {"peggedAssets": [asset for asset in assets if asset["gecko_id"] not in missing]}


def fear_greed(hour: Hour, limit: int = 1) -> dict[str, Any]:
    """`GET /fng/?limit=N`: today's index first; values and times are strings. It keeps two days."""
    midnight = hour.as_of.replace(hour=0)
    index = hour.market.climate(hour.row)["index"]
    days = [
        {
            "value": f"{value:.0f}",
            "value_classification": next(word for below, word in CLASSES if value < below),
            "timestamp": str(int((midnight - timedelta(days=day)).timestamp())),
        }
        for day, value in enumerate(index.tolist())
    ]
    return {"name": "Fear and Greed Index", "data": days[:limit], "metadata": {"error": None}}


def ethereum(hour: Hour, body: str) -> dict[str, Any]:
    """JSON-RPC `eth_gasPrice` and `eth_getBlockByNumber` of the newest block; quantities are hexadecimal."""
    asked = json.loads(body)
    base = float(hour.market.climate(hour.row)["gas_gwei"]) * WEI_PER_GWEI
    block = meta(hour)["block"]
    results: dict[str, Any] = {
        "eth_gasPrice": hex(int(1.05 * base)),
        "eth_getBlockByNumber": {
            "number": hex(block["number"]),
            "timestamp": hex(block["timestamp"]),
            "baseFeePerGas": hex(int(base)),
            "transactions": [],
        },
    }
    said = {"jsonrpc": "2.0", "id": asked.get("id")}
    if asked.get("method") not in results:
        return said | {"error": {"code": -32601, "message": "the method does not exist"}}
    return said | {"result": results[asked["method"]]}


def aave_reserves(hour: Hour, body: str, missing: Collection[str] = ()) -> dict[str, Any]:
    """The markets query of a subgraph of Messari's lending schema, for the tokens asked for."""
    asked = json.loads(body)
    if "markets(" not in asked["query"]:
        return graph_error("Type `Query` has no such field")
    seen = hour.market.climate(hour.row)
    wanted = set(asked["variables"]["assets"]) - set(missing)
    markets = [_reserve(seen, i, address) for i, address in enumerate(AAVE_ASSETS) if address in wanted]
    return {"data": {"markets": markets, "_meta": meta(hour)}}


def _reserve(seen: dict[str, np.ndarray], i: int, address: str) -> dict[str, Any]:
    place, token = next((place, token) for place, token in TOKENS.values() if token.address == address)
    supplied = SUPPLIED_USD[i] * float(seen["price_usd"][place]) / token.base_price_usd
    return {
        "id": f"0xa{address[3:]}",
        "inputToken": {"id": address, "symbol": token.symbol},
        "totalDepositBalanceUSD": f"{supplied:.6f}",
        "totalBorrowBalanceUSD": f"{supplied * float(seen['utilisation'][i]):.6f}",
        "cumulativeLiquidateUSD": f"{float(seen['liquidated'][i]):.6f}",
    }
