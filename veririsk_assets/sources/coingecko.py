"""CoinGecko: outside prices of coins, in pages of 250. A free month has 10,000 credits, so every call counts."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from veririsk_assets.contracts.raw import COINGECKO_MARKETS
from veririsk_assets.settings import Settings
from veririsk_assets.sources.frame import Pull, iso_instant, number, rows, text
from veririsk_assets.wire.errors import TransientSourceError
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.session import Wire

HOSTS = {"demo": "https://api.coingecko.com/api/v3", "pro": "https://pro-api.coingecko.com/api/v3"}
PER_PAGE = 250
# The largest coins by market capitalisation: what pools of the live universe hold. 4 pages an hour fit a free month.
PAGES = 4

COIN = {
    "coin_id": lambda item: text(item.get("id")),
    "symbol": lambda item: text(item.get("symbol")),
    "price_usd": lambda item: number(item.get("current_price")),
    "market_cap_usd": lambda item: number(item.get("market_cap")),
    "volume_24h_usd": lambda item: number(item.get("total_volume")),
}


def provider(settings: Settings) -> Provider:
    """CoinGecko with the month's credits of the settings, and the key's header where there is a key."""
    key = settings.coingecko_api_key.get_secret_value()
    header = {f"x-cg-{settings.coingecko_plan}-api-key": key} if key else {}
    rate = 25 if key else 10
    return Provider("coingecko", requests_per_minute=rate, burst=PAGES, monthly_credits=settings.coingecko_monthly_credits, headers=header)


def markets(wire: Wire, settings: Settings, coin_ids: Sequence[str] | None = None) -> Pull:
    """Rows of raw/coingecko_markets: the coins asked for, or the largest ones. A coin without a price is left out.

    The first page is needed; later ones are optional calls, which a thin budget refuses first.
    """
    frames = []
    for page in range(1, PAGES + 1):
        frame, count = _page(wire, settings, page, coin_ids)
        frames.append(frame)
        if count < PER_PAGE:
            break
    return Pull(pd.concat(frames, ignore_index=True).drop_duplicates("coin_id"))


def _page(wire: Wire, settings: Settings, page: int, coin_ids: Sequence[str] | None) -> tuple[pd.DataFrame, int]:
    url = f"{HOSTS[settings.coingecko_plan]}/coins/markets"
    params = {"vs_currency": "usd", "per_page": PER_PAGE, "page": page} | ({"ids": ",".join(coin_ids)} if coin_ids else {})
    reply = wire.get_json(provider(settings), url, params, is_optional=page > 1)
    if not isinstance(reply.body, list):
        raise TransientSourceError(f"{reply.endpoint}: no list of coins in the answer")
    items = [item for item in reply.body if not isinstance(item, dict) or item.get("current_price") is not None]
    seen = np.array([iso_instant(item.get("last_updated")) for item in items if isinstance(item, dict)], dtype="datetime64[us]")
    return rows(COINGECKO_MARKETS, "coingecko", reply, items, COIN, seen), len(reply.body)
