"""Which pools the simulated market has, under which id each source knows them. Nothing here depends on a seed.

Pool i is the same pool in a market of any size: profile i mod 4, then kind, tokens and sources by i.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from uuid import UUID, uuid5

from veririsk_assets.simulation.scenarios import PROFILE_NAMES
from veririsk_assets.simulation.tokens import LENT, SHARED, STABLES, Token, address_of, own_token

NAMESPACE = UUID("6f0c1d5e-52a1-5c9e-9a0b-7d1a54f3e001")
SMALLEST_MARKET = 8

Kind = Literal["lending", "stable", "volatile"]
Onchain = Literal["", "geckoterminal", "thegraph"]

# critical_risk_pool and high_risk_pool are crash prone (3 and 7 mod 4 = 3).
NAMED = {0: "aave_v3_eth", 1: "curve_3pool", 3: "critical_risk_pool", 4: "uniswap_v2_usdc_eth", 7: "high_risk_pool"}
FORCED = (3, 7)
THREE_POOL = ("DAI", "USDC", "USDT")
ELSEWHERE = ("uniswap-v3", "sushiswap", "balancer-v2")


@dataclass(frozen=True)
class Pool:
    """`token0`, `token1` in the order of their addresses, as pairs hold them; a lending pool has one token."""

    index: int
    name: str
    profile: str
    kind: Kind
    project: str
    tokens: tuple[Token, ...]
    onchain: Onchain
    is_linked: bool

    @property
    def uuid(self) -> str:
        return str(uuid5(NAMESPACE, self.name))

    @property
    def address(self) -> str:
        """Its on-chain address: pair of The Graph, pool of GeckoTerminal."""
        return address_of(f"pool:{self.name}")

    @property
    def pool_id(self) -> str:
        return f"defillama:{self.uuid}"

    @property
    def onchain_id(self) -> str:
        """The id that the on-chain source gives it; empty for a lending pool."""
        return {"": "", "geckoterminal": f"eth:{self.address}", "thegraph": f"univ2:{self.address}"}[self.onchain]

    @property
    def symbol(self) -> str:
        return "-".join(token.symbol for token in self.tokens).upper()


def pool(index: int) -> Pool:
    """The pool number `index`; its name carries the number unless it is one of the named ones."""
    profile = PROFILE_NAMES[index % len(PROFILE_NAMES)]
    kind, onchain = _kind(index), _onchain(index)
    project = _project(index, kind, onchain)
    tokens = _tokens(index, kind)
    words = "_".join("eth" if t.symbol == "WETH" else t.symbol.lower() for t in sorted(tokens, key=lambda t: t.own_pool < 0))
    name = NAMED.get(index, f"{project.replace('-', '_')}_{words}_{index:03d}")
    # Every other row of four: half of each source's pools, whatever their profile. The named ones are all linked.
    is_linked = onchain != "" and (index in NAMED or (index // 4) % 2 == 0)
    return Pool(index, name, profile, kind, project, tokens, onchain, is_linked)


@lru_cache(maxsize=8)
def catalogue(pools: int) -> tuple[Pool, ...]:
    """The pools of a market; raises ValueError when it is too small to hold the named ones."""
    if pools < SMALLEST_MARKET:
        raise ValueError(f"a market has at least {SMALLEST_MARKET} pools, got {pools}")
    return tuple(pool(i) for i in range(pools))


@lru_cache(maxsize=8)
def tokens(pools: int) -> tuple[Token, ...]:
    """Every token of the market: the shared ones, then the pools' own."""
    own = [t for p in catalogue(pools) for t in p.tokens if t.own_pool >= 0]
    return SHARED + tuple(own)


def _kind(index: int) -> Kind:
    if index % 11 == 0:
        return "lending"
    return "stable" if index % 9 == 1 else "volatile"


def _onchain(index: int) -> Onchain:
    if _kind(index) == "lending":
        return ""
    return "thegraph" if _kind(index) == "volatile" and (index in NAMED or index % 7 < 4) else "geckoterminal"


def _project(index: int, kind: Kind, onchain: Onchain) -> str:
    if kind == "lending":
        return "aave-v3" if index % 2 == 0 else "compound-v2"
    if kind == "stable":
        return "curve-dex"
    return "uniswap-v2" if onchain == "thegraph" else ELSEWHERE[index % len(ELSEWHERE)]


def _tokens(index: int, kind: Kind) -> tuple[Token, ...]:
    shared = {token.symbol: token for token in SHARED}
    if kind == "lending":
        return (shared[LENT[(index // 11) % len(LENT)]],)
    if NAMED.get(index) == "curve_3pool":
        chosen = [shared[s] for s in THREE_POOL]
    elif kind == "stable":
        first = index // 9
        chosen = [shared[STABLES[first % 3]], shared[STABLES[3 + first % (len(STABLES) - 3)]]]
    elif NAMED.get(index) == "uniswap_v2_usdc_eth":
        chosen = [shared["USDC"], shared["WETH"]]
    else:
        chosen = [own_token(index), shared["USDC" if index % 5 == 0 else "WETH"]]
    return tuple(sorted(chosen, key=lambda token: token.address))
