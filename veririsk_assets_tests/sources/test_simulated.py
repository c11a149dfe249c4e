"""The clients on the simulated market: the same path as every demo, faults included."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.windows import PULL_DELAY
from veririsk_assets.settings import Settings
from veririsk_assets.simulation.faults import Fault
from veririsk_assets.simulation.market import Market
from veririsk_assets.simulation.recording import recorded_file
from veririsk_assets.simulation.transport import SimulatedTransport
from veririsk_assets.sources import (
    aave,
    coingecko,
    defillama,
    ethereum,
    fear_greed,
    geckoterminal,
    hyperliquid,
    lp_positions,
    stablecoins,
    thegraph,
)
from veririsk_assets.sources.recorded import RecordedMarket
from veririsk_assets.wire.errors import PermanentSourceError, PlanOnlyError, TransientSourceError
from veririsk_assets_tests.sources.answers import wire

AS_OF = datetime(2025, 1, 9, 5, tzinfo=UTC)
SETTINGS = Settings(source="simulated")


@pytest.fixture(scope="module")
def market() -> Market:
    return Market(7, "harder", 40, None)


def transport(market: Market, **faults: Fault) -> SimulatedTransport:
    return SimulatedTransport(market, AS_OF, faults)


def test_every_endpoint_gives_rows_that_their_contract_accepts(market: Market) -> None:
    addresses = [("eth", pool.address) for pool in market.pools if pool.onchain == "geckoterminal"]
    asks = {
        raw.DEFILLAMA_POOLS: defillama.pools,
        raw.DEFILLAMA_PROTOCOLS: defillama.protocols,
        raw.COINGECKO_MARKETS: coingecko.markets,
        raw.COINGECKO_COINS: coingecko.coins,
        raw.GECKOTERMINAL_POOLS: lambda line, settings: geckoterminal.pools(line, settings, addresses),
        raw.THEGRAPH_PAIRS: thegraph.pairs,
        raw.THEGRAPH_LP_POSITIONS: lambda line, settings: lp_positions.lp_positions(line, settings, pairs),
        raw.HYPERLIQUID_MARKETS: hyperliquid.markets,
        raw.STABLECOINS: stablecoins.stablecoins,
        raw.FEAR_GREED: fear_greed.fear_greed,
        raw.ETH_GAS: ethereum.gas,
        raw.AAVE_RESERVES: aave.reserves,
    }
    assert set(asks) == set(raw.PULLS)
    pairs = [pool.address for pool in market.pools if pool.onchain == "thegraph"]
    counts = {raw.DEFILLAMA_POOLS: 40, raw.GECKOTERMINAL_POOLS: len(addresses), raw.THEGRAPH_PAIRS: len(pairs)}
    counts |= {raw.THEGRAPH_LP_POSITIONS: 10 * len(pairs), raw.FEAR_GREED: 2, raw.ETH_GAS: 1, raw.AAVE_RESERVES: 4}
    for table, ask in asks.items():
        frame = ask(wire(transport(market), AS_OF + PULL_DELAY), SETTINGS).frame
        table.schema.validate(frame, lazy=True)
        assert not frame.duplicated(list(table.key)).any()
        assert len(frame) == counts.get(table, len(frame)) > 0


def test_an_id_missing_from_a_reply_is_missing(market: Market) -> None:
    gone = market.pools[5].uuid
    frame = defillama.pools(wire(transport(market, defillama_pools=Fault("missing", ids=frozenset({gone})))), SETTINGS).frame
    assert len(frame) == 39
    assert gone not in set(frame["pool"])


@pytest.mark.parametrize("kind", ["rate_limited", "server_error", "timeout", "truncated", "graph_error"])
def test_a_fault_that_heals_is_survived(market: Market, kind: str) -> None:
    faulty = transport(market, thegraph_pairs=Fault(kind, times=2))  # type: ignore[arg-type]
    assert len(thegraph.pairs(wire(faulty, AS_OF + PULL_DELAY), SETTINGS).frame) > 0
    assert faulty.requests_seen == ["thegraph_pairs"] * 3


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("server_error", TransientSourceError),
        ("truncated", TransientSourceError),
        ("plan_only", PlanOnlyError),
        ("unauthorized", PermanentSourceError),
    ],
)
def test_a_fault_that_lasts_is_one_clear_error(market: Market, kind: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="defillama"):
        defillama.pools(wire(transport(market, defillama_pools=Fault(kind))), SETTINGS)  # type: ignore[arg-type]


def test_a_huge_reply_is_refused(market: Market) -> None:
    with pytest.raises(PermanentSourceError, match="longer than"):
        defillama.pools(wire(transport(market, defillama_pools=Fault("huge"))), SETTINGS)


def test_a_recording_of_the_market_says_what_the_market_said(market: Market, tmp_path: Path) -> None:
    file = recorded_file(market, datetime(2025, 1, 5, tzinfo=UTC), datetime(2025, 1, 10, tzinfo=UTC), tmp_path)
    recorded = Settings(source="recorded")
    frame = thegraph.pairs(wire(RecordedMarket(file).transport(AS_OF), AS_OF + PULL_DELAY), recorded).frame
    assert len(frame) == sum(pool.onchain == "thegraph" for pool in market.pools)
    raw.THEGRAPH_PAIRS.schema.validate(frame, lazy=True)
