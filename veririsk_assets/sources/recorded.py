"""A recorded market as a `requests` adapter: The Graph is answered from a file, the sources of evidence from the files
beside it that are there, everything else is "not recorded".

The file is any `pool_reserves_4h.parquet` with the columns in `recorded_file`. It is answered as of an hour: nothing that
was not yet true 27 minutes after it is in a reply, and no evidence that was not yet known.
"""

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

from veririsk_assets.contracts.windows import HOUR, PULL_DELAY, floor_hour, utc
from veririsk_assets.sources.recorded_answers import RecordedAnswers
from veririsk_assets.sources.recorded_file import Recording, located, recording
from veririsk_assets.wire.responses import RECORDED_HEADER

# An observation serves at most this long before the hour that is asked about.
MAX_AGE = timedelta(hours=6)
HOST = "gateway.thegraph.com"
_BUILDER = HTTPAdapter()


class RecordedMarket:
    """A recorded file, or a folder with `pool_reserves_4h.parquet`. Raises FileNotFoundError, or ValueError when it cannot be used."""

    def __init__(self, path: Path | str) -> None:
        self._recording = recording(Path(path))
        self._answers = RecordedAnswers(located(Path(path))[1])
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
    def left_out(self) -> tuple[str, ...]:
        """In a sentence for each file what of it is never told."""
        return tuple(filter(None, (self._recording.left_out, *self._answers.left_out)))

    def transport(self, as_of: datetime) -> "RecordedTransport":
        return RecordedTransport(self, utc(as_of))

    def pairs_json(self, as_of: datetime, after: str, first: int, ids: list[str] | None) -> str | None:
        """GraphQL reply at `as_of` + 27 min with each pair's last row, in the order of their ids; None outside the recording."""
        pulled = int((as_of + PULL_DELAY).timestamp())
        oldest = int((as_of - MAX_AGE).timestamp())
        file = self._recording
        if pulled < file.first_second or oldest > file.last_second:
            return None
        rows = [row for row in self._rows(file, pulled, oldest) if file.ids[row] > after and (ids is None or file.ids[row] in ids)]
        pairs = ",".join(self._written(row) for row in rows[:first])
        return f'{{"data":{{"pairs":[{pairs}],"_meta":{{"block":{{"number":0,"timestamp":{pulled}}}}}}}}}'

    def evidence_json(self, as_of: datetime, host: str) -> str | None:
        """What a source of evidence had said at `as_of` + 27 min; None where that is not recorded."""
        said = self._answers.answer(host, int((as_of + PULL_DELAY).timestamp()))
        return None if said is None else json.dumps(said, separators=(",", ":"))

    @staticmethod
    def _rows(file: Recording, pulled: int, oldest: int) -> list[int]:
        """Per pair the last row at or before `pulled`, where it is not older than `oldest`."""
        last = np.array([np.searchsorted(file.seconds[start:end], pulled, side="right") + start - 1 for start, end in file.spans])
        starts = np.array([start for start, _ in file.spans])
        return [int(row) for row in last[(last >= starts) & (file.seconds[np.maximum(last, 0)] >= oldest)]]


class RecordedTransport(BaseAdapter):
    """Mount it on `https://` of a session: the world at one `as_of`."""

    def __init__(self, market: RecordedMarket, as_of: datetime) -> None:
        super().__init__()
        self._market, self._as_of = market, as_of

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        host = urlsplit(request.url or "").hostname or ""
        body = self._answer(request) if host == HOST else self._market.evidence_json(self._as_of, host)
        if body is None:
            return _response(request, 404, b'{"error":"not recorded"}', {RECORDED_HEADER: "none"})
        return _response(request, 200, body.encode(), {})

    def close(self) -> None:
        """Nothing is held open."""

    def _answer(self, request: PreparedRequest) -> str | None:
        asked = json.loads(request.body or "{}").get("variables") or {}
        return self._market.pairs_json(self._as_of, asked.get("after") or "", int(asked.get("first") or 1000), asked.get("ids"))


def _response(request: PreparedRequest, status: int, body: bytes, extra: dict[str, str]) -> Response:
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))} | extra
    return _BUILDER.build_response(request, HTTPResponse(body=BytesIO(body), headers=headers, status=status, preload_content=False))
