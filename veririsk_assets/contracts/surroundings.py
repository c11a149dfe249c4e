"""What all entities share in an hour: the market around them."""

from veririsk_assets.contracts.columns import AS_OF, USD
from veririsk_assets.contracts.tables import Table, number

SURROUNDINGS = Table(
    "snapshots",
    "hourly_surroundings",
    "one hour",
    ("as_of",),
    "as_of",
    "What surrounds every pool, market and vault in an hour: the last values available at the cut-off; null where no source knows one that is young enough.",
    (
        AS_OF,
        number("eth_price_usd", "Outside price of ETH", **USD),
        number("market_cap_usd", "Market capitalisation of the coins followed", **USD),
        number("funding_rate", "Mean of BTC's and ETH's perpetual funding per hour", "ratio"),
        number("perp_premium", "Mean of BTC's and ETH's premium of the perpetual over the oracle price", "ratio"),
        number("open_interest_usd", "Open interest of the BTC and ETH perpetuals at mark prices", **USD),
        number("aave_utilisation", "Borrowed over supplied of Aave's DAI, USDC, USDT and WETH reserves", "ratio", ge=0.0),
        number("aave_liquidations_usd", "Liquidated on those reserves in the last 24 hours", **USD),
        number(
            "stablecoin_supply_usd",
            "Circulating USDT, USDC and DAI, in pegged units: not valued at their prices",
            "pegged USD",
            ge=0.0,
            le=1e13,
        ),
        number("gas_gwei", "Gas price of Ethereum", "gwei", ge=0.0, le=1e6),
        number("fear_greed", "Fear & Greed index", "0-100", ge=0.0, le=100.0),
    ),
)
