"""CoinGecko `/coins/markets`: outside prices of tokens, a page of 250 for one credit."""

from collections.abc import Sequence
from typing import Any

from veririsk_assets.contracts import raw
from veririsk_assets.settings import Settings
from veririsk_assets.sources import universe
from veririsk_assets.sources.numbers import instant, lower, number, text
from veririsk_assets.sources.pull import Pull, pulled, rows_of, together
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.redaction import keep_secret
from veririsk_assets.wire.session import Reply, Wire

NAME = "coingecko"
DEMO_ROOT, PRO_ROOT = "https://api.coingecko.com/api/v3", "https://pro-api.coingecko.com/api/v3"
PATH = "/coins/markets"
PER_PAGE = 250
MAX_PAGES = 20
# Per minute: keyless is shared by IP; the demo key's limit is stated as 30 and as 100.
KEYLESS_PER_MINUTE, DEMO_PER_MINUTE, PRO_PER_MINUTE = 10.0, 30.0, 250.0


def markets(wire: Wire, settings: Settings, coin_ids: Sequence[str] | None = None) -> Pull:
    """Prices in USD of `coin_ids`; None: the default coins in live mode, else every coin of the market.

    Coins that CoinGecko does not list are missing from its reply. `observed_at` is each coin's own `last_updated`.
    """
    if coin_ids is None and settings.source == "live":
        coin_ids = universe.COIN_IDS
    provider = provider_of(settings)
    if coin_ids is None:
        return together(raw.COINGECKO_MARKETS, _every_page(wire, provider))
    unique = list(dict.fromkeys(coin_ids))
    batches = [unique[i : i + PER_PAGE] for i in range(0, len(unique), PER_PAGE)]
    return together(raw.COINGECKO_MARKETS, [_rows(_page(wire, provider, 1, ids)) for ids in batches])


def provider_of(settings: Settings) -> Provider:
    """Host, header and limits of the key's plan."""
    key = keep_secret(settings.coingecko_api_key.get_secret_value())
    is_pro = bool(key) and settings.coingecko_plan == "pro"
    rate = PRO_PER_MINUTE if is_pro else DEMO_PER_MINUTE if key else KEYLESS_PER_MINUTE
    headers = ((f"x-cg-{settings.coingecko_plan}-api-key", key),) if key else ()
    root = PRO_ROOT if is_pro else DEMO_ROOT
    return Provider(NAME, root, rate, 5, settings.coingecko_monthly_credits, headers, is_metered=settings.source == "live")


def _every_page(wire: Wire, provider: Provider) -> list[Pull]:
    pages = []
    for page in range(1, MAX_PAGES + 1):
        pages.append(_rows(_page(wire, provider, page, None)))
        if len(pages[-1]) < PER_PAGE:
            break
    return pages


def _page(wire: Wire, provider: Provider, page: int, ids: Sequence[str] | None) -> Reply:
    params = {"vs_currency": "usd", "per_page": str(PER_PAGE), "page": str(page)}
    params |= {"ids": ",".join(ids)} if ids else {}
    return wire.get_json(provider, PATH, params, label=f"{PATH}?vs_currency=usd&page={page}", is_optional=page > 1)


def _rows(reply: Reply) -> Pull:
    rows = rows_of(reply, reply.body)
    columns: dict[str, Sequence[Any]] = {
        "coin_id": [text(row.get("id")) for row in rows],
        "symbol": [lower(row.get("symbol")) for row in rows],
        "price_usd": [number(row.get("current_price")) for row in rows],
        "market_cap_usd": [number(row.get("market_cap")) for row in rows],
        "volume_24h_usd": [number(row.get("total_volume")) for row in rows],
    }
    observed_at = [instant(row.get("last_updated")) for row in rows]
    return pulled(raw.COINGECKO_MARKETS, reply, columns, observed_at, "intraday")
