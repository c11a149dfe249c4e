"""A transport that answers by host and path with bodies of our own making, in the shapes that the sources document."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

from veririsk_assets.wire.clock import FixedClock
from veririsk_assets.wire.session import Wire

NOW = datetime(2026, 3, 1, 5, 27, tzinfo=UTC)


class Answers(BaseAdapter):
    """`answer(request)`: the body as JSON, or text as it is. Remembers every request."""

    def __init__(self, answer: Callable[[PreparedRequest], Any]) -> None:
        super().__init__()
        self.answer, self.requests = answer, []

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        self.requests.append(request)
        body = self.answer(request)
        raw = HTTPResponse(BytesIO((body if isinstance(body, str) else json.dumps(body)).encode()), status=200, preload_content=False)
        return HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        """Nothing is held open."""

    @property
    def urls(self) -> list[str]:
        return [str(request.url) for request in self.requests]

    def query(self, i: int) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.urls[i]).query).items()}

    def body(self, i: int) -> dict[str, Any]:
        return json.loads(self.requests[i].body)  # type: ignore[arg-type]


def wire(answers: BaseAdapter, at: datetime = NOW) -> Wire:
    return Wire(FixedClock(at), {"https://": answers}, user_agent="VeriRisk-test/1")
