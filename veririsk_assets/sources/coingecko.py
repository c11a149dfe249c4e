"""CoinGecko: outside prices of tokens, a page of 250 for one credit, and by which addresses they are known."""

from collections.abc import Iterator, Sequence
from typing import Any

from veririsk_assets.contracts import raw
from veririsk_assets.settings import Settings
from veririsk_assets.sources import universe
from veririsk_assets.sources.numbers import address, instant, lower, mapping, number, observed, text
from veririsk_assets.sources.pull import Pull, as_far_as_it_goes, list_expected, pulled, rows_expected, rows_of
from veririsk_assets.wire.errors import PermanentSourceError
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.redaction import keep_secret
from veririsk_assets.wire.session import Reply, Wire

NAME = "coingecko"
DEMO_ROOT, PRO_ROOT = "https://api.coingecko.com/api/v3", "https://pro-api.coingecko.com/api/v3"
PATH, LIST_PATH = "/coins/markets", "/coins/list"
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
        return as_far_as_it_goes(raw.COINGECKO_MARKETS, _every_page(wire, provider))
    unique = list(dict.fromkeys(coin_ids))
    batches = [unique[i : i + PER_PAGE] for i in range(0, len(unique), PER_PAGE)]
    return as_far_as_it_goes(raw.COINGECKO_MARKETS, (_rows(_page(wire, provider, 1, ids)) for ids in batches))


def coins(wire: Wire, settings: Settings) -> Pull:
    """`/coins/list`: the addresses of the default coins in live mode, else of every coin of the market; a row per chain. It gives no time."""
    params = {"include_platform": "true"}
    reply = wire.get_json(provider_of(settings), LIST_PATH, params, is_optional=True, check=rows_expected("id"))
    followed = frozenset(universe.COIN_IDS) if settings.source == "live" else None
    found = [
        (row, platform, told)
        for row in rows_of(reply)
        if followed is None or text(row.get("id")) in followed
        for platform, at in mapping(row.get("platforms")).items()
        # A coin of its own chain has that chain's name and no address.
        if platform and (told := address(at)) is not None
    ]
    columns: dict[str, Sequence[Any]] = {
        "coin_id": [text(row.get("id")) for row, _, _ in found],
        "symbol": [lower(row.get("symbol")) for row, _, _ in found],
        "platform": [platform for _, platform, _ in found],
        "address": [told for _, _, told in found],
    }
    return pulled(raw.COINGECKO_COINS, reply, columns)


def provider_of(settings: Settings) -> Provider:
    """Host, header and limits of the key's plan."""
    key = keep_secret(settings.coingecko_api_key.get_secret_value())
    is_pro = bool(key) and settings.coingecko_plan == "pro"
    rate = PRO_PER_MINUTE if is_pro else DEMO_PER_MINUTE if key else KEYLESS_PER_MINUTE
    headers = ((f"x-cg-{settings.coingecko_plan}-api-key", key),) if key else ()
    root = PRO_ROOT if is_pro else DEMO_ROOT
    return Provider(NAME, root, rate, 5, settings.coingecko_monthly_credits, headers, is_metered=settings.source == "live")


def _every_page(wire: Wire, provider: Provider) -> Iterator[Pull]:
    for page in range(1, MAX_PAGES + 1):
        found = _rows(_page(wire, provider, page, None))
        yield found
        if len(found) < PER_PAGE:
            return
    raise PermanentSourceError(f"there are more than {MAX_PAGES} pages")


def _page(wire: Wire, provider: Provider, page: int, ids: Sequence[str] | None) -> Reply:
    params = {"vs_currency": "usd", "per_page": str(PER_PAGE), "page": str(page)}
    params |= {"ids": ",".join(ids)} if ids else {}
    # The page after a full last one is empty; the first one never is.
    check = rows_expected("id") if page == 1 else list_expected()
    return wire.get_json(provider, PATH, params, label=f"{PATH}?vs_currency=usd&page={page}", is_optional=page > 1, check=check)


def _rows(reply: Reply) -> Pull:
    rows = rows_of(reply)
    stamps = [observed(instant(row.get("last_updated")), reply.pulled_at) for row in rows]
    # A price of no time that can be believed is no price of now.
    dated = [row if stamp is not None else {} for row, stamp in zip(rows, stamps, strict=True)]
    columns: dict[str, Sequence[Any]] = {
        "coin_id": [text(row.get("id")) for row in rows],
        "symbol": [lower(row.get("symbol")) for row in rows],
        "price_usd": [number(row.get("current_price")) for row in dated],
        "market_cap_usd": [number(row.get("market_cap")) for row in dated],
        "volume_24h_usd": [number(row.get("total_volume")) for row in dated],
    }
    return pulled(raw.COINGECKO_MARKETS, reply, columns, stamps, "intraday")
