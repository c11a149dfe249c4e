"""A recorded market as a `requests` adapter: The Graph is answered from a file, the sources of evidence and of protocols from the
files beside it that are there, everything else is "not recorded". The same as raw rows, for all hours of a window.

The file is any `pool_reserves_4h.parquet` with the columns in `recorded_file`. It is answered as of an hour: nothing that
was not yet true 27 minutes after it is in a reply, and no evidence that was not yet known.
"""

import json
from datetime import UTC, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pandas as pd
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

from veririsk_assets.contracts.windows import HOUR, PULL_DELAY, Window, floor_hour, utc
from veririsk_assets.sources import recorded_evidence as files
from veririsk_assets.sources.recorded_answers import HOSTS, Evidence, answer
from veririsk_assets.sources.recorded_file import located, recording
from veririsk_assets.sources.recorded_pairs import NOT_LISTED, SILENT, RecordedPairs
from veririsk_assets.sources.recorded_protocol_answers import ProtocolAnswers
from veririsk_assets.sources.recorded_told import Told, coins, joined
from veririsk_assets.wire.responses import RECORDED_HEADER

HOST = "gateway.thegraph.com"
# Of CoinGecko prices are recorded, not its list of addresses.
NOT_RECORDED_PATH = "/coins/list"
ETHER = "eth"
_BUILDER = HTTPAdapter()


class RecordedMarket:
    """A recorded file, or a folder with `pool_reserves_4h.parquet`. Raises FileNotFoundError, or ValueError when it cannot be used."""

    def __init__(self, path: Path | str) -> None:
        self._recording = recording(Path(path))
        self._pairs = RecordedPairs(self._recording)
        folder = located(Path(path))[1]
        self._evidence, self._protocols = Evidence(folder), ProtocolAnswers(folder)
        self._written = lru_cache(maxsize=4096)(self._recording.pair_json)

    @property
    def first_hour(self) -> datetime:
        """The first full hour at or after the first row."""
        first = datetime.fromtimestamp(self._recording.first_second, UTC)
        return floor_hour(first) if first == floor_hour(first) else floor_hour(first) + HOUR

    @property
    def last_hour(self) -> datetime:
        """The first hour whose pull saw the last row: later ones hear nothing new."""
        return max(self.first_hour, floor_hour(datetime.fromtimestamp(self._recording.last_second - 1, UTC) - PULL_DELAY + HOUR))

    @property
    def evidence(self) -> tuple[str, ...]:
        """Names of the files beside the pools that are there."""
        return self._evidence.names

    @property
    def left_out(self) -> tuple[str, ...]:
        """In a sentence for each file what of it is never told."""
        return tuple(filter(None, (self._recording.left_out, *self._evidence.left_out)))

    def transport(self, as_of: datetime) -> "RecordedTransport":
        return RecordedTransport(self, utc(as_of))

    def raw_rows(self, window: Window) -> dict[str, pd.DataFrame]:
        """Raw table's name → the rows that the pulls of the window's hours store of this recording."""
        instants = (window.as_ofs + np.timedelta64(PULL_DELAY)).astype("datetime64[us]")
        told = [self._told(name, instants) for name in files.FILES]
        pairs = self._pairs.told(_seconds(instants))
        return {one.table.name: one.raw(instants) for one in (pairs, *told) if one is not None and len(one)}

    def pairs_json(self, as_of: datetime, after: str, first: int, ids: list[str] | None) -> str | None:
        """GraphQL reply at `as_of` + 27 min with each pair's last row, in the order of their ids; None outside the recording."""
        pulled, file = int((as_of + PULL_DELAY).timestamp()), self._recording
        listed = self._pairs.listed(np.array([pulled]))[0]
        there = [(start, row) for (start, _), row in zip(file.spans, listed.tolist(), strict=True) if row != NOT_LISTED]
        if not there:
            return None
        wanted = [(start, row) for start, row in there if file.ids[start] > after and (ids is None or file.ids[start] in ids)]
        pairs = ",".join(file.silent_json(start) if row == SILENT else self._written(row) for start, row in wanted[:first])
        return f'{{"data":{{"pairs":[{pairs}],"_meta":{{"block":{{"number":0,"timestamp":{pulled}}}}}}}}}'

    def protocols_json(self, as_of: datetime, host: str, path: str, query: dict[str, str]) -> str | None:
        """What was told of protocols at `as_of` + 27 min; None where that is not recorded."""
        said = self._protocols.answer(host, path, query, int((as_of + PULL_DELAY).timestamp()))
        return None if said is None else json.dumps(said, separators=(",", ":"))

    def is_of_protocols(self, host: str, path: str, query: dict[str, str]) -> bool:
        return self._protocols.is_about(host, path, query)

    def evidence_json(self, as_of: datetime, host: str, asked: str) -> str | None:
        """What a source of evidence had said at `as_of` + 27 min; None where that is not recorded."""
        if host not in HOSTS:
            return None
        second = int((as_of + PULL_DELAY).timestamp())
        said = answer(host, self._told(HOSTS[host][0], np.array([second]).astype("datetime64[s]").astype("datetime64[us]")), asked, second)
        return None if said is None else json.dumps(said, separators=(",", ":"))

    def _told(self, name: str, instants: np.ndarray) -> Told | None:
        """What a file's source said; where no file has the price of ETH, it is the pairs' own."""
        told = self._evidence.told(name, instants)
        if name != files.PRICES:
            return told
        price, at = self._pairs.ether(_seconds(instants))
        if told is not None:
            price[told.instant[told.columns["coin_id"] == ETHER]] = np.nan
        ether = coins([ETHER], price[:, None], at[:, None])
        return ether if told is None else joined(told, ether)


def _seconds(instants: np.ndarray) -> np.ndarray:
    return instants.astype("datetime64[s]").astype(np.int64)


class RecordedTransport(BaseAdapter):
    """Mount it on `https://` of a session: the world at one `as_of`."""

    def __init__(self, market: RecordedMarket, as_of: datetime) -> None:
        super().__init__()
        self._market, self._as_of = market, as_of

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        url = urlsplit(request.url or "")
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if self._market.is_of_protocols(url.hostname or "", url.path, query):
            body = self._market.protocols_json(self._as_of, url.hostname or "", unquote(url.path), query)
        else:
            body = self._answer(request) if url.hostname == HOST else self._evidence(url.hostname or "", url.path, request)
        if body is None:
            return _response(request, 404, b'{"error":"not recorded"}', {RECORDED_HEADER: "none"})
        return _response(request, 200, body.encode(), {})

    def close(self) -> None:
        """Nothing is held open."""

    def _evidence(self, host: str, path: str, request: PreparedRequest) -> str | None:
        asked = request.body.decode() if isinstance(request.body, bytes) else request.body
        return None if path.endswith(NOT_RECORDED_PATH) else self._market.evidence_json(self._as_of, host, asked or "{}")

    def _answer(self, request: PreparedRequest) -> str | None:
        asked = json.loads(request.body or "{}").get("variables") or {}
        return self._market.pairs_json(self._as_of, asked.get("after") or "", int(asked.get("first") or 1000), asked.get("ids"))


def _response(request: PreparedRequest, status: int, body: bytes, extra: dict[str, str]) -> Response:
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))} | extra
    return _BUILDER.build_response(request, HTTPResponse(body=BytesIO(body), headers=headers, status=status, preload_content=False))
