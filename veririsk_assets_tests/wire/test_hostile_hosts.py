"""Hosts that hold on, boast or leak: the wire stays within its deadline and says no secrets."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from veririsk_assets.wire.clock import FixedClock, SystemClock
from veririsk_assets.wire.errors import TransientSourceError
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.redaction import redact
from veririsk_assets.wire.session import Wire

START = datetime(2026, 1, 1, tzinfo=UTC)
Act = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def host() -> Iterator[Callable[[Act], Provider]]:
    """Starts a real server on localhost that does one thing to every request."""
    servers = []

    def start(act: Act) -> Provider:
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Quiet."""

            def do_GET(self) -> None:
                try:
                    act(self)
                except OSError:
                    self.close_connection = True

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return Provider("host", f"http://127.0.0.1:{server.server_port}", 6000.0, 50)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def headers(handler: BaseHTTPRequestHandler, status: int, length: int, **more: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(length), **more}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


@pytest.mark.parametrize("status", [200, 404])
def test_a_host_that_sends_a_byte_at_a_time_does_not_hold_us_past_the_deadline(host, status):
    def drip(handler: BaseHTTPRequestHandler) -> None:
        headers(handler, status, 100)
        for _ in range(100):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)

    began = time.monotonic()
    with pytest.raises(Exception, match=r"deadline|404"):
        Wire(SystemClock(), deadline_seconds=0.5).get_json(host(drip), "/pools")
    # It would go on for ten seconds.
    assert time.monotonic() - began < 6.0


@pytest.mark.parametrize("said", ["9" * 400, "99999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_retry_after_beyond_all_calendars_is_a_failed_source_and_not_a_crash(host, said):
    clock = FixedClock(START)
    with pytest.raises(TransientSourceError, match="429"):
        Wire(clock).get_json(host(lambda handler: headers(handler, 429, 0, Retry_After=said)), "/pools")
    assert clock.now() == START


def test_a_gzip_body_in_small_pieces_comes_whole(host):
    body = gzip.compress(b'["' + bytes(range(97, 123)) * 1000 + b'"]')

    def pieces(handler: BaseHTTPRequestHandler) -> None:
        headers(handler, 200, len(body), Content_Encoding="gzip")
        for i in range(len(body)):
            handler.wfile.write(body[i : i + 1])
            handler.wfile.flush()

    assert len(Wire(FixedClock(START)).get_json(host(pieces), "/pools").body[0]) == 26_000


@pytest.mark.parametrize(
    "said",
    [
        "postgresql://user:two@SECRET@host/db",
        "Authorization: Token SECRET",
        "{'x-cg-demo-api-key': b'SECRET'}",
        "{'Authorization': 'Bearer SECRET'}",
    ],
)
def test_secrets_in_unusual_clothes_are_taken_out(said):
    assert "SECRET" not in redact(said)
