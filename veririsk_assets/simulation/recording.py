"""The simulated constant-product pools as a recorded file: what `VERIRISK_SOURCE=recorded` reads, without real data."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from veririsk_assets.contracts.windows import HOUR, naive, utc
from veririsk_assets.simulation.market import Market

FILE_NAME = "pool_reserves_4h.parquet"
STEP_HOURS = 3.72


def recorded_file(market: Market, start: datetime, end: datetime, path: Path, step_hours: float = STEP_HOURS) -> Path:
    """Write one row per pair and `step_hours` from `start` to before `end`, with the columns of the recorded data.

    A row at `ts` says what was true at the last full hour. `path`: the file, or a folder for `pool_reserves_4h.parquet`.
    """
    path = path if path.suffix == ".parquet" else path / FILE_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    recorded_frame(market, utc(start), utc(end), step_hours).to_parquet(path, index=False)
    return path


def recorded_frame(market: Market, start: datetime, end: datetime, step_hours: float = STEP_HOURS) -> pd.DataFrame:
    """The rows of the recorded file, sorted by pool and time."""
    steps = int(np.ceil((end - start) / timedelta(hours=step_hours)))
    seconds = np.floor(np.arange(steps) * step_hours * 3600).astype("int64")
    ts = np.datetime64(naive(start), "us") + seconds * np.timedelta64(10**6, "us")
    first = market.index(start)
    rows = ((start - start.replace(minute=0, second=0, microsecond=0)).total_seconds() + seconds) // 3600
    seen = market.observe(first, market.index(end - HOUR) + 2)
    pairs = [pool for pool in market.pools if pool.onchain == "thegraph"]
    at = np.ix_(rows.astype(int), [pool.index for pool in pairs])
    values = {name: array[at].T for name, array in seen.items() if name != "token_price_usd"}
    return pd.concat([_pair_rows(pool.tokens[0].symbol, pool.tokens[1].symbol, ts, values, i) for i, pool in enumerate(pairs)])


def _pair_rows(symbol0: str, symbol1: str, ts: np.ndarray, values: dict[str, np.ndarray], i: int) -> pd.DataFrame:
    token0, token1 = symbol0.lower(), symbol1.lower()
    reserve0, reserve1, volume = values["reserve0"][i], values["reserve1"][i], values["volume_usd_cum"][i]
    return pd.DataFrame(
        {
            "dex": "uniswapv2",
            "pool": f"{token0}&{token1}",
            "token0": token0,
            "token1": token1,
            "ts": ts,
            "reserve0": reserve0.astype("float32"),
            "reserve1": reserve1.astype("float32"),
            "tvl_usd": values["tvl_usd"][i].astype("float32"),
            "price0": (reserve0 / reserve1).astype("float32"),
            "price1": (reserve1 / reserve0).astype("float32"),
            "volume_usd_cum": volume,
            "volume_usd": np.diff(volume, prepend=np.nan).astype("float32"),
            "tx_count_cum": values["tx_count_cum"][i].astype("int64"),
            "lp_supply": values["lp_supply"][i].astype("float32"),
        }
    )
