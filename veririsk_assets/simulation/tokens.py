"""The tokens of the simulated market: a shared set that everyone knows, and one own token for most volatile pools."""

from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True)
class Token:
    """`beta`: how much of Ether's log return it makes; `own_pool`: the pool whose state moves its price, or -1."""

    symbol: str
    coin_id: str
    address: str
    decimals: int
    base_price_usd: float
    beta: float
    supply: float
    own_pool: int = -1

    @property
    def is_stable(self) -> bool:
        return self.beta == 0.0


def address_of(text: str) -> str:
    """A valid, made-up Ethereum address."""
    return "0x" + blake2b(text.encode(), digest_size=20).hexdigest()


def _known(symbol: str, coin_id: str, decimals: int, price: float, beta: float, supply: float, address: str = "") -> Token:
    return Token(symbol, coin_id, address or address_of(f"token:{symbol}"), decimals, price, beta, supply)


SHARED = (
    _known("WETH", "weth", 18, 3000.0, 1.0, 2.7e6, "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"),
    _known("ETH", "ethereum", 18, 3000.0, 1.0, 1.2e8, "0x0000000000000000000000000000000000000000"),
    _known("BTC", "bitcoin", 8, 90000.0, 0.7, 1.98e7),
    _known("WBTC", "wrapped-bitcoin", 8, 90000.0, 0.7, 1.3e5, "0x2260fac5e5542a773aa44fbcfedf7c193bc2c599"),
    _known("USDC", "usd-coin", 6, 1.0, 0.0, 4e10, "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"),
    _known("DAI", "dai", 18, 1.0, 0.0, 5e9, "0x6b175474e89094c44da98b954eedeac495271d0f"),
    _known("USDT", "tether", 6, 1.0, 0.0, 1.4e11, "0xdac17f958d2ee523a2206206994597c13d831ec7"),
    _known("FRAX", "frax", 18, 1.0, 0.0, 6e8, "0x853d955acef822db058eb8505911ed77f175b99e"),
    _known("LUSD", "liquity-usd", 18, 1.0, 0.0, 1e8),
    _known("GUSD", "gemini-dollar", 2, 1.0, 0.0, 8e7),
    _known("TUSD", "true-usd", 18, 1.0, 0.0, 5e8),
    _known("USDP", "paxos-standard", 18, 1.0, 0.0, 1e8),
    _known("crvUSD", "crvusd", 18, 1.0, 0.0, 9e7),
    _known("sUSD", "nusd", 18, 1.0, 0.0, 4e7),
    _known("PYUSD", "paypal-usd", 6, 1.0, 0.0, 6e8),
    _known("USDe", "ethena-usde", 18, 1.0, 0.0, 5e9),
    _known("stETH", "staked-ether", 18, 3000.0, 1.0, 9e6, "0xae7ab96520de3a18e5e111b5eaab095312d7fe84"),
    _known("rETH", "rocket-pool-eth", 18, 3300.0, 1.0, 4e5),
    _known("cbETH", "coinbase-wrapped-staked-eth", 18, 3250.0, 1.0, 1e5),
)
STABLES = ("USDC", "USDT", "DAI", "FRAX", "LUSD", "GUSD", "TUSD", "USDP", "crvUSD", "sUSD", "PYUSD", "USDe")
LENT = ("WETH", "USDC", "DAI", "WBTC", "USDT")

_LONG_TAIL = (
    "LINK UNI AAVE CRV MKR SNX YFI COMP SUSHI BAL LDO RPL ENS GRT BAT ZRX KNC REN LRC OCEAN MANA SAND AXS CHZ ENJ GALA IMX APE BLUR DYDX "
    "GMX PERP RBN LQTY FXS CVX SPELL ALCX TOKE BADGER PICKLE CREAM HEGIC NXM COVER ARMOR RUNE ANKR CELR CTSI FET AGIX RNDR NMR OXT POLY "
    "REQ RLC STORJ UMA WOO XYO ZEN ACH AUDIO BAND BICO BOND CLV DODO DPI FARM FORTH GHST GNO GTC HFT HIGH IDEX ILV JASMY KEEP LIT LPT MASK "
    "MLN NU OGN ORCA PLA POND POWR PRO QNT QUICK RAD RARI RLY SUPER SYN TRB TRU"
)
OWN_SYMBOLS = tuple(_LONG_TAIL.split())


def own_token(pool: int) -> Token:
    """The long-tail token of a pool: a name, a size and a price of its own, the same in every market."""
    lap, place = divmod(pool, len(OWN_SYMBOLS))
    symbol = OWN_SYMBOLS[place] + (str(lap + 1) if lap else "")
    dice = int.from_bytes(blake2b(f"own:{symbol}".encode(), digest_size=4).digest(), "big") / 2**32
    price = round(0.05 * 10 ** (3 * dice), 4)
    return Token(symbol, f"{symbol.lower()}-{pool:03d}", address_of(f"token:{symbol}"), 18, price, 0.9, round(5e7 / price), pool)
