"""Which endpoints are asked, in their order: what pools are measured by first, evidence of the market around them later."""

from collections.abc import Callable
from dataclasses import dataclass

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.systems import SYSTEMS
from veririsk_assets.contracts.tables import Table
from veririsk_assets.contracts.windows import Window
from veririsk_assets.pipeline.known import followed_pairs, once_a_day
from veririsk_assets.pipeline.known.once_a_day import Ask
from veririsk_assets.pipeline.known.outside import Outside
from veririsk_assets.pipeline.step import House
from veririsk_assets.pipeline.systems import bound
from veririsk_assets.settings import Settings
from veririsk_assets.sources import aave, coingecko, defillama, ethereum, geckoterminal, hyperliquid, stablecoins
from veririsk_assets.sources.pull import Pull
from veririsk_assets.wire.session import Wire


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of one provider and the raw table that its answers go to. `begin` makes what asks about a window's hours.

    Endpoints of one `host` are asked one after the other; its own name where a provider has several.
    """

    table: Table
    begin: Callable[[House, Window], Ask]
    is_on: Callable[[Settings], bool] = lambda _: True
    own_host: str = ""

    @property
    def source(self) -> str:
        return raw.provider_of(self.table)

    @property
    def host(self) -> str:
        return self.own_host or self.source


def hourly(ask: Callable[[Wire, Settings], Pull]) -> Callable[[House, Window], Ask]:
    return lambda *_: lambda wire, settings, _: ask(wire, settings)


def _has(secret: str) -> Callable[[Settings], bool]:
    """Off in live mode while this setting is empty."""
    return lambda settings: settings.source != "live" or bool(getattr(settings, secret).get_secret_value())


def not_recorded(settings: Settings) -> bool:
    """Off where a recording answers: it has none of it."""
    return settings.source != "recorded"


def _holders_on(settings: Settings) -> bool:
    return not_recorded(settings) and _has("thegraph_url")(settings)


def _named_pools(wire: Wire, settings: Settings, outside: Outside) -> Pull:
    return geckoterminal.pools(wire, settings, outside.addresses)


# What several systems read. In this order: holders are asked about the pairs that have just been seen.
SHARED: tuple[Endpoint, ...] = (
    Endpoint(raw.DEFILLAMA_POOLS, hourly(defillama.pools)),
    Endpoint(raw.DEFILLAMA_PROTOCOLS, hourly(defillama.protocols), own_host="defillama api"),
    Endpoint(raw.COINGECKO_MARKETS, hourly(coingecko.markets)),
    Endpoint(raw.GECKOTERMINAL_POOLS, lambda *_: _named_pools),
    Endpoint(raw.THEGRAPH_PAIRS, followed_pairs.pairs, _has("thegraph_url")),
    Endpoint(raw.COINGECKO_COINS, once_a_day.coins),
    Endpoint(raw.THEGRAPH_LP_POSITIONS, once_a_day.holders, _holders_on),
    Endpoint(raw.HYPERLIQUID_MARKETS, hourly(hyperliquid.markets)),
    Endpoint(raw.STABLECOINS, hourly(stablecoins.stablecoins), own_host="defillama stablecoins"),
    Endpoint(raw.FEAR_GREED, once_a_day.index),
    Endpoint(raw.ETH_GAS, hourly(ethereum.gas), _has("ethereum_rpc_url")),
    Endpoint(raw.AAVE_RESERVES, hourly(aave.reserves), _has("aave_subgraph_url")),
)


def every_endpoint() -> tuple[Endpoint, ...]:
    """Those that systems share, then what each brings."""
    return (*SHARED, *(endpoint for system in SYSTEMS if system.raw for endpoint in bound(system).endpoints))
