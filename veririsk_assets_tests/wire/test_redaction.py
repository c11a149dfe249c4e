"""Secrets do not pass `redact`, whatever stands around them."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veririsk_assets.wire.errors import SourceError
from veririsk_assets.wire.redaction import RedactingFilter, keep_secret, redact

SECRET = "s3cr3tK3y0123456789"
PLACES = [
    "GET https://pro-api.llama.fi/{}/yields/pools failed",
    "https://pro-api.llama.fi/usage/{}",
    'https://pro-api.llama.fi:443 "GET /{}/api/protocols HTTP/1.1" 200 None',
    "https://gateway.thegraph.com/api/{}/subgraphs/id/5zvR82Qo",
    'https://gateway.thegraph.com:443 "POST /api/{}/subgraphs/id/5zvR82Qo HTTP/1.1" 200',
    "https://hooks.slack.com/services/T0/B0/{}",
    "https://discord.com/api/webhooks/123/{}",
    "https://hooks.example.org/{}?x=1",
    'https://hooks.slack.com:443 "POST /services/T0/B0/{} HTTP/1.1" 200 2',
    "postgresql://veririsk:{}@db:5432/lake",
    "host=db password={} dbname=lake",
    "Authorization: Bearer {}",
    "{{'x-cg-demo-api-key': '{}'}}",
    "{{'X-CG-Pro-API-Key': '{}', 'User-Agent': 'VeriRisk'}}",
    "https://api.coingecko.com/api/v3/ping?x_cg_demo_api_key={}&page=1",
    "Max retries exceeded with url: /{}/api/protocols (Caused by X)",
]


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_in_a_known_place_is_hidden(place: str) -> None:
    once = redact(place.format(SECRET))
    assert SECRET not in once
    assert redact(once) == once


@pytest.mark.parametrize(
    "text", ["https://yields.llama.fi/pools", "https://api.geckoterminal.com/api/v2/networks/eth/pools/multi/{addresses}"]
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_a_configured_url_is_hidden_on_any_host_and_its_host_stays() -> None:
    keep_secret("https://graph.example.net/my/private-path-77/subgraph")
    assert redact("asked https://graph.example.net/my/private-path-77/subgraph") == "asked https://graph.example.net[redacted]"


def test_a_key_of_a_configured_url_is_hidden_wherever_a_host_names_it() -> None:
    keep_secret("https://node.example.net/v3/0123456789abcdef-node-key")
    assert redact("HTTP 401: project 0123456789abcdef-node-key is not known at v3") == "HTTP 401: project [redacted] is not known at v3"


@given(key=st.text("abcdefABCDEF0123456789", min_size=12, max_size=40), before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_kept_secret_never_passes(key: str, before: str, after: str) -> None:
    from veririsk_assets.wire import redaction

    known = set(redaction._secrets)
    keep_secret(key)
    try:
        assert key not in redact(before + key + after)
        assert key not in str(SourceError(before + key + after))
    finally:
        redaction._secrets.clear()
        redaction._secrets.update(known)


def test_the_log_filter_cleans_arguments_and_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("veririsk.redaction.test")
    logger.addFilter(RedactingFilter())
    try:
        raise ValueError(f"postgresql://u:{SECRET}@db/x")
    except ValueError:
        logger.exception("asked %s", f"https://pro-api.llama.fi/{SECRET}/api/protocols")
    assert "Traceback" in caplog.text
    assert SECRET not in caplog.text
