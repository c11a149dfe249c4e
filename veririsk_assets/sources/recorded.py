"""A recorded market as a transport: The Graph is answered from a file of pool reserves, everybody else with "not recorded"."""

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from veririsk_assets.contracts.windows import PULL_DELAY, floor_hour, naive
from veririsk_assets.wire.replies import NOT_RECORDED_HEADER

FILE = "pool_reserves_4h.parquet"
COLUMNS = ("dex", "pool", "token0", "token1", "ts", "reserve0", "reserve1", "tvl_usd", "volume_usd_cum", "tx_count_cum", "lp_supply")
SERVED_FOR = timedelta(hours=6)


class RecordedMarket:
    """The rows of one file, in time order. Raises FileNotFoundError or ValueError when it cannot be used."""

    def __init__(self, place: Path) -> None:
        file = place if Path(place).is_file() else Path(place) / FILE
        if not file.exists():
            raise FileNotFoundError(f"no {FILE} in {place}")
        self._rows = _read(file)
        self._ts = self._rows["ts"].to_numpy(dtype="datetime64[us]")
        self._items = _items(self._rows)
        self._pool = self._rows["pool"].to_numpy(dtype=object)

    @property
    def first_hour(self) -> datetime:
        """The first full hour at or after the first row."""
        return floor_hour(pd.Timestamp(self._ts[0]).to_pydatetime().replace(tzinfo=UTC))

    @property
    def last_hour(self) -> datetime:
        """The last full hour at or before the last row."""
        return floor_hour(pd.Timestamp(self._ts[-1]).to_pydatetime().replace(tzinfo=UTC))

    def transport(self, as_of: datetime) -> "RecordedTransport":
        """Answers what was known when the hour was pulled."""
        return RecordedTransport(self, as_of + PULL_DELAY)

    def at(self, moment: datetime) -> list[dict[str, Any]]:
        """The last row of each pool that is at most six hours old, by pool."""
        now = np.datetime64(naive(moment), "us")
        first = int(np.searchsorted(self._ts, now - np.timedelta64(SERVED_FOR), side="left"))
        last = int(np.searchsorted(self._ts, now, side="right"))
        newest = {self._pool[i]: i for i in range(first, last)}
        return [self._items[newest[pool]] for pool in sorted(newest)]


def _read(file: Path) -> pd.DataFrame:
    import pyarrow.lib
    import pyarrow.parquet as pq

    try:
        names = set(pq.read_schema(file).names)
    except pyarrow.lib.ArrowException as error:
        raise ValueError(f"{file} is no Parquet file: {error}") from None
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise ValueError(f"{file} lacks the columns {', '.join(missing)}")
    rows = pd.read_parquet(file, columns=list(COLUMNS))
    stamps = pd.to_datetime(rows["ts"], utc=True).dt.tz_localize(None).astype("datetime64[us]")
    rows = rows.assign(ts=stamps).sort_values(["ts", "pool"], kind="stable").reset_index(drop=True)
    if rows.empty:
        raise ValueError(f"{file} has no rows")
    return rows


def _items(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Each row as a subgraph's pair. `observedAt` is ours: rows of a recorded market have a time each, a block has one."""
    names = {"reserve0": "reserve0", "reserve1": "reserve1", "tvl_usd": "reserveUSD", "volume_usd_cum": "volumeUSD"}
    names |= {"tx_count_cum": "txCount", "lp_supply": "totalSupply"}
    columns = {graph: [None if v != v else repr(v) for v in rows[own].astype(float).tolist()] for own, graph in names.items()}
    seconds = (rows["ts"].astype("int64") // 1_000_000).tolist()
    tokens = {f"token{i}": [{"symbol": symbol} for symbol in rows[f"token{i}"]] for i in (0, 1)}
    everything = {"id": rows["pool"].tolist(), "dex": rows["dex"].tolist(), "observedAt": seconds} | tokens | columns
    return [dict(zip(everything, values, strict=True)) for values in zip(*everything.values(), strict=True)]


class RecordedTransport(BaseAdapter):
    """Mount it on `https://` of a session; `moment` is what the world knows."""

    def __init__(self, market: RecordedMarket, moment: datetime) -> None:
        super().__init__()
        self._market, self._moment = market, moment

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        if "thegraph.com" not in (request.url or ""):
            return _response(request, 404, {"error": "not recorded"}, {NOT_RECORDED_HEADER: "1"})
        after = json.loads(request.body or "{}").get("variables", {}).get("after", "")
        pairs = [item for item in self._market.at(self._moment) if item["id"] > after]
        block = {"number": 0, "timestamp": int(self._moment.timestamp())}
        return _response(request, 200, {"data": {"pairs": pairs[:1000], "_meta": {"block": block}}}, {})

    def close(self) -> None:
        """Nothing is held open."""


def _response(request: PreparedRequest, status: int, body: dict[str, Any], headers: dict[str, str]) -> Response:
    response = Response()
    response.status_code, response.request, response.url = status, request, request.url or ""
    response.headers.update({"Content-Type": "application/json"} | headers)
    response.raw = BytesIO(json.dumps(body).encode())
    return response
