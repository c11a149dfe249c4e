"""One JSON POST to a URL that a user configured. The URL is a secret: only its host is ever said."""

from typing import Any
from urllib.parse import urlsplit

from requests import RequestException, Session

from veririsk_assets.wire.addresses import refuse_private
from veririsk_assets.wire.errors import PermanentSourceError, TransientSourceError
from veririsk_assets.wire.redaction import guard_transport_logs, keep_secret
from veririsk_assets.wire.responses import RETRIED

TIMEOUT_SECONDS = 10.0


def post(url: str, body: dict[str, Any], user_agent: str, allow_private: bool) -> None:
    """Returns when the receiver said 2xx. Raises SourceError: transient when trying again may help. Redirects are not followed."""
    keep_secret(url)
    guard_transport_logs()
    refuse_private(url, allow_private)
    host = urlsplit(url).hostname
    with Session() as session:
        try:
            reply = session.post(
                url, json=body, headers={"User-Agent": user_agent}, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True
            )
            status = reply.status_code
            reply.close()
        except (RequestException, ValueError) as error:
            raise TransientSourceError(f"webhook: no reply from {host} ({type(error).__name__})") from None
    if status in RETRIED or status >= 500:
        raise TransientSourceError(f"webhook: {host} answered HTTP {status}")
    if not 200 <= status < 300:
        raise PermanentSourceError(f"webhook: {host} answered HTTP {status}")
