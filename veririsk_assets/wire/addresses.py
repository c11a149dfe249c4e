"""Keeps configured URLs away from addresses inside our own network."""

import ipaddress
import socket
from urllib.parse import urlsplit

from veririsk_assets.wire.errors import PermanentSourceError, TransientSourceError


def refuse_private(url: str, allow: bool = False) -> None:
    """Resolves the URL's host; raises PermanentSourceError unless each of its addresses is public, or `allow`."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PermanentSourceError("not an http(s) URL")
    if allow:
        return
    for address in _resolved(parts.hostname):
        if not _is_public(address):
            raise PermanentSourceError(f"{parts.hostname} is a private or local address ({address}), which is not allowed")


def _resolved(host: str) -> set[str]:
    try:
        return {str(found[4][0]).split("%")[0] for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        raise TransientSourceError(f"{host} cannot be resolved") from None


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text)
    # ::ffff:127.0.0.1 is 127.0.0.1 in disguise.
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return address.is_global and not address.is_multicast
